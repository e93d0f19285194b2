"""What a Worker uploads, and what its start costs."""
