"""Models on the hub and in the hub client's cache on this disk."""
