"""How much memory a stretch of code takes: several engines behind one tracker. Knows nothing of pytest."""
