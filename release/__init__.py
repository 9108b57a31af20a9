"""What makes a release: addresses, recipes for other installers, and the script that checks and builds it."""
