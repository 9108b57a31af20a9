"""STAGE 2: what would not resolve. Pure: sees sources only through the reader it is given."""
