"""Starts a server, keeps everything it says, and turns its end into a fact."""
