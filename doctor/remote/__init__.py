"""What is asked of other machines: the package index, and wheels of which only some byte ranges are fetched."""
