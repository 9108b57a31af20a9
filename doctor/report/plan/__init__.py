"""A plan in each of its forms: text for people, JSON, a script, pins, an image, a deployment."""
