"""Replaces an environment at its own path in one step that no interruption can break."""
