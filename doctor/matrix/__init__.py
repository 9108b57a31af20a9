"""What published releases need and accept: typed access to the data in `matrices/`, and its extraction."""
