"""Everything up to the moment when the server runs."""
