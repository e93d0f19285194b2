"""The entry of `python -m pytest_cfworkers`."""

from pytest_cfworkers.cli import main

raise SystemExit(main())
