"""STAGE 5: a report as text or data; pure functions."""
