"""Modules of the target interpreted on paper: would an import succeed, and if not, on what does it fail?"""
