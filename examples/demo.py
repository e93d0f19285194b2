"""Show what the plugin does: the gallery, in which every test breaks one rule, and code that fits."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def run(title: str, *arguments: str) -> int:
    """Run pytest and return its exit status."""
    print(f"\n━━━ {title}\n$ pytest {' '.join(arguments)}\n", flush=True)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:randomly",
        "-p",
        "no:asyncio",
        *arguments,
    ]
    return subprocess.run(command, cwd=HERE, check=False).returncode  # noqa: S603 - our own arguments


def main() -> int:
    """Return 0 if the gallery failed as it should and the rest passed."""
    gallery = run("The gallery: one test per rule, each breaks exactly that rule", "violations")
    fitting = run("Code that fits, over real sockets", "fitting", "--cf-limits=enforce", "--cf-plan=free")
    intended = (gallery, fitting) == (1, 0)
    print("\nThe gallery failed and the fitting code passed," if intended else "\nThis should have come out otherwise:")
    print("as intended." if intended else f"exit statuses {gallery} (wanted 1) and {fitting} (wanted 0).")
    return 0 if intended else 1


if __name__ == "__main__":
    raise SystemExit(main())
