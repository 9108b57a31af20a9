"""Whether a launch fits into the GPUs' memory, and how findings show it."""
