"""Hypothesis draws the same examples on every run, and no test depends on how fast the machine is."""

from hypothesis import settings

settings.register_profile("unit", derandomize=True, deadline=None, database=None, max_examples=40)
settings.load_profile("unit")
