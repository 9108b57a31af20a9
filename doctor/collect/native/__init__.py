"""Shared libraries: ELF files, their symbols and GPU code, and where the loader looks for them."""
