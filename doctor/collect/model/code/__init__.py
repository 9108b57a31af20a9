"""The Python files that come with a model: read as text, never run."""
