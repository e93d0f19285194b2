"""Hypothesis draws the same examples on every run, and no test depends on how fast the machine is."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "report",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow],
)
if settings.get_current_profile_name() == "default":
    settings.load_profile("report")
