"""The answer about several machines, for a terminal, as JSON, Markdown and HTML."""
