"""Files of package managers: projects, environments and lock files, known by their content."""
