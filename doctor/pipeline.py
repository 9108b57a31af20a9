"""diagnose(): the flow on one page."""
