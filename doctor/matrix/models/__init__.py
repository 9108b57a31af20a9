"""Model families, known checkpoints and quantization: what releases know of them."""
