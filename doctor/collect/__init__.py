"""STAGE 1: the only code that touches the machine; never judges, never raises."""
