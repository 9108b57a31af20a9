"""Carries a plan out: asks the resolver, builds environments, switches them so that no interruption breaks them."""
