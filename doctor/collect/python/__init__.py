"""The target's Python: its interpreter, search path and modules, read as files; it is never started."""
