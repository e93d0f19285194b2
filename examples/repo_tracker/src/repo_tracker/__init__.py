"""A Worker that tracks GitHub repositories and stays inside the limits. Each module is one pattern, free to copy."""
