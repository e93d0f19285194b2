"""Run the benchmarks: `python -m benchmarks [NAME ...]`."""

import sys
from importlib import import_module

ALL = ("requests", "idle", "memory", "steps", "reporting", "html_report")


def main(names: tuple[str, ...]) -> None:
    """Run the named benchmarks, or all."""
    for name in names or ALL:
        print(f"--- {name}", flush=True)
        import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main(tuple(sys.argv[1:]))
