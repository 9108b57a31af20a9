"""A problem of choice and its solution; nothing here knows of packages."""
