"""Show what the plugin does: a failing test for each rule, code that fits, and a Worker written well and written first.

Ends with 0 if everything came out as it should: what breaks the limits failed, what fits passed.
"""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from github_server.process import GitHub, running
from pytest_cfworkers.plugin.options import OPTIONS

HERE: Final = Path(__file__).parent
REPORTS: Final = HERE.parent / "build" / "demo"
FREE: Final = ("--cf-limits=enforce", "--cf-plan=free")
BREAKS, FITS = 1, 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of the demonstration: a run of pytest.

    Attributes:
        title: What it shows.
        folder: Where it runs.
        arguments: What pytest is given.
        wanted: Its exit status, if all comes out as it should.
        without: Plugins of others that it does not need.
    """

    title: str
    folder: Path
    arguments: tuple[str, ...]
    wanted: int
    without: tuple[str, ...] = ("cacheprovider", "randomly", "asyncio")

    def came_out(self) -> bool:
        """Run it, and tell whether it came out as it should."""
        heading(self.title)
        print(f"$ cd {self.folder.relative_to(HERE.parent)} && pytest {' '.join(self.arguments)}\n", flush=True)
        plugins = [option for name in self.without for option in ("-p", f"no:{name}")]
        command = [sys.executable, "-m", "pytest", *plugins, *self.arguments]
        status = subprocess.run(command, cwd=self.folder, check=False).returncode  # noqa: S603 - our own arguments
        if status != self.wanted:
            print(f"\nThis should have come out otherwise: exit status {status}, not {self.wanted}.")
        return status == self.wanted


def report(name: str) -> tuple[str, ...]:
    """Ask for an HTML report, if this version of the plugin writes any."""
    if "cf_report" not in {option.name for option in OPTIONS}:
        return ()
    REPORTS.mkdir(parents=True, exist_ok=True)
    return (f"--cf-report={REPORTS / name}.html",)


def heading(title: str) -> None:
    """Begin a part."""
    print(f"\n━━━ {title}", flush=True)


def show_github(server: GitHub) -> bool:
    """Ask the GitHub of the examples for a few things, and tell whether it answered as GitHub does."""
    heading("A GitHub on this machine, for the Workers below: a real server, with faults on demand")
    statuses = []

    def ask(path: str, headers: dict[str, str], *shown: str) -> httpx.Response:
        response = client.get(path, headers=headers)
        told = (f"{name}: {response.headers[name]}" for name in shown)
        print(f"GET {path} {' '.join(headers)}".ljust(56), response.status_code, ", ".join(told))
        statuses.append(response.status_code)
        return response

    print(f"$ python -m examples.github_server --seed 7\n{server.url}\n")
    (name,) = server.names(25)
    token = {"authorization": "Bearer a-token"}
    with httpx.Client(base_url=server.url, headers=token, trust_env=False) as client:
        found = ask(f"/repos/{name}", {}, "x-ratelimit-remaining")
        ask(f"/repos/{name}", {"if-none-match": found.headers["etag"]}, "x-ratelimit-remaining")
        ask(f"/repos/{name.partition('/')[0]}/old-25", {}, "location")
        server.fault("secondary-limit", retry_after=60)
        ask(f"/repos/{name}", {}, "retry-after")
        server.fault("truncated-body")
        try:
            client.get(f"/repos/{name}")
        except httpx.RemoteProtocolError as error:
            print(f"GET /repos/{name}".ljust(56), str(error).partition(" (")[0])
            statuses.append(0)
    return statuses == [200, 304, 301, 403, 0]


PARTS: Final = (
    Part(
        title="The gallery: one test per rule, each breaks exactly that rule",
        folder=HERE,
        arguments=("violations",),
        wanted=BREAKS,
    ),
    Part(
        title="Code that fits, over real sockets",
        folder=HERE,
        arguments=("fitting", *FREE),
        wanted=FITS,
    ),
    Part(
        title="The reference Worker: everything fits the free plan, a thousand refreshes of a failing GitHub included",
        folder=HERE / "repo_tracker",
        arguments=("-q", *FREE, *report("reference")),
        wanted=FITS,
        without=("cacheprovider",),
    ),
    Part(
        title="The same Worker as it is written first: each test makes one mistake, and is told which",
        folder=HERE / "naive_tracker",
        arguments=("-q", "--tb=short", *FREE, *report("naive")),
        wanted=BREAKS,
    ),
)


def main() -> int:
    """Return 0 if everything came out as it should."""
    gallery, fitting, reference, naive = PARTS
    outcomes = [gallery.came_out(), fitting.came_out()]
    with running() as server:
        outcomes.append(show_github(server))
    outcomes += [reference.came_out(), naive.came_out()]
    if all(outcomes):
        print("\nWhat breaks the limits failed, and what fits passed, as intended.")
    else:
        print("\nNot all of this came out as intended.")
    print("The same jobs both ways, in figures: examples/README.md")
    for path in sorted(REPORTS.glob("*.html")):
        print(f"Report: {path.relative_to(HERE.parent)}")
    return 0 if all(outcomes) else 1


if __name__ == "__main__":
    raise SystemExit(main())
