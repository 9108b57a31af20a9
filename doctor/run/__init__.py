"""Starts a server, keeps everything it says, and turns its end into a fact.

The server writes straight into an append-only file; doctor only reads along. So neither a dead doctor, a frozen
terminal, a full pipe nor an orphaned worker can lose a byte or stop the server.
"""
