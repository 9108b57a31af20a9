"""The launch command: reading it, judging its options against those of the release, and writing it again.

Pure but for the files that a command leads to (scripts, programs on PATH); nothing is ever run.
"""
