"""What is watched: pure state machines and meters. No pytest, no HTTP, no I/O; the clock is passed in."""
