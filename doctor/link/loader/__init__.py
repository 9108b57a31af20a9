"""The dynamic loader on paper: which shared libraries it would refuse, and why."""
