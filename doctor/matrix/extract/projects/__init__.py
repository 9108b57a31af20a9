"""The projects whose releases are read, each with what only it has."""
