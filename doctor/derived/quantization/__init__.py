"""How quantized weights would be served, and what to do where they are not."""
