"""What an invocation may use, and how that is judged: what it sends, its time, its memory. One file each."""
