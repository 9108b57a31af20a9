"""The parts of `benchmarks/fuzz.py`: what is tried, how it is spoiled, and what counts as a fault."""
