"""Environments that are declared and not installed: requirement files, Dockerfiles, compose files, image references."""
