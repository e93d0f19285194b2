"""A Worker that tracks GitHub repositories and stays inside the limits, made of patterns that are free to copy."""
