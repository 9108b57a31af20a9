"""How a run went, told from its folder alone."""
