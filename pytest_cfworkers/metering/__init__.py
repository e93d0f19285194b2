"""Whose CPU time is it: each thread's clock, charged to the invocation that the thread works for."""
