"""The configuration file of a project: `qvl-doctor.toml`, or `[tool.qvl-doctor]` in pyproject.toml."""
