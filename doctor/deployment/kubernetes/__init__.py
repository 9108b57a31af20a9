"""Kubernetes manifests: every container of every pod template, and what stands around them, as services."""
