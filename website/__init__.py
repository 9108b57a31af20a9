"""What makes the documentation: pages from the sources, answers from the program, the picture. Not part of the package."""
