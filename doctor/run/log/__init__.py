"""The server's own words: written byte for byte, bounded, and read along."""
