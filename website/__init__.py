"""What makes the documentation: pages from the sources, answers from the program, pictures. Not in the package."""
