"""Hypothesis draws the same examples on every run, and no test depends on how fast the machine is."""

from hypothesis import Phase, settings

settings.register_profile("unit", derandomize=True, deadline=None, database=None, max_examples=40)
settings.register_profile("mutation", settings.get_profile("unit"), phases=[Phase.generate])  # no time for shrinking
if settings.get_current_profile_name() == "default":
    settings.load_profile("unit")
