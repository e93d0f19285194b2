"""What is told of a run: a derived model, plain enough for JSON, and its writers."""
