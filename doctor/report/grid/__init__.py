"""A grid as a terminal, a page, JSON or CSV shows it: pure functions from a Grid to text."""
