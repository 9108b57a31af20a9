"""What the options of several commands ask for."""
