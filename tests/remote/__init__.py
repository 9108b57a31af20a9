"""What other machines send, meant ill."""
