"""The entry of `python -m pytest_cfworkers`."""

from pytest_cfworkers.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
