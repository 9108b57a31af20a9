"""Requirements, tags and releases, as the target's Python and platform see them."""
