"""Deployments as people write them: services, and the readers of the forms that they stand in."""
