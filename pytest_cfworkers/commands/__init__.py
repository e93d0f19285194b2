"""The commands of `python -m pytest_cfworkers`, each with `add`, which declares it, and `run`, which does its work."""
