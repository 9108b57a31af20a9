"""The file formats of the extracted data, and where it lies."""
