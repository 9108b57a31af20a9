"""What the bug forms of the engines ask for: each project's own labels, in its own order."""
