"""What gates may ask of a run: each figure with its name, its kind, and how it is read from the model."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple, final

from pytest_cfworkers.gates.quantity import COUNT, SHARE, SIZE, TIME, Quantity
from pytest_cfworkers.limits import LIMITS, WALL_PRESETS
from pytest_cfworkers.percentile import percentile
from pytest_cfworkers.report.model import TestRecord
from pytest_cfworkers.report.run import Run
from pytest_cfworkers.timing_keys import PERCENTILES


class Observed(NamedTuple):
    """What a run came to.

    Attributes:
        value: In the unit of the figure.
        where: The test, or the limit of a test, that it comes from; "" where it is of all of them.
    """

    value: float
    where: str = ""


@final
@dataclass(frozen=True, slots=True)
class Metric:
    """A figure of a run.

    Attributes:
        name: Its name in gates.
        quantity: Its kind.
        help: What it is, in a few words.
        measure: Reads it from a run; None where nothing measured it.
        remedy: How to get it measured.
    """

    name: str
    quantity: Quantity
    help: str
    measure: Callable[[Run], Observed | None]
    remedy: str = "no guarded test measures it"


def _worst(pairs: Iterable[tuple[float, str]]) -> Observed | None:
    """Return the largest; of equals the one whose name comes first, whatever the order of the tests."""
    found = sorted(pairs, key=lambda pair: (-pair[0], pair[1]))
    return Observed(*found[0]) if found else None


def _most(key: str) -> Callable[[Run], Observed | None]:
    """Read the most that one invocation used of a limit."""

    def measure(run: Run) -> Observed | None:
        return _worst((record.usage[key].peak, record.nodeid) for record in run.tests if key in record.usage)

    return measure


def _is_cron(record: TestRecord) -> bool:
    """Tell whether a test says, by its wall time, that it is no request but a cron, queue or alarm handler."""
    wall = record.usage.get("wall_ms")
    return wall is not None and wall.limit >= WALL_PRESETS["cron"]


def _longest(*, cron: bool) -> Callable[[Run], Observed | None]:
    def measure(run: Run) -> Observed | None:
        asked = (record for record in run.tests if _is_cron(record) is cron)
        return _worst((wall, record.nodeid) for record in asked for wall in record.walls_ms)

    return measure


def _percentile(percent: float) -> Callable[[Run], Observed | None]:
    def measure(run: Run) -> Observed | None:
        walls = [wall for record in run.tests for wall in record.walls_ms]
        return Observed(percentile(walls, percent)) if walls else None

    return measure


def _left(record: TestRecord) -> Iterator[tuple[float, str]]:
    """Yield how much a test left of each limit, but of what it may break, or breaks without failing."""
    excused = {found.rule for found in (*record.known, *record.expected, *record.allowed)}
    for limit in LIMITS:
        # The plan's own CPU number is another machine's and fails no test.
        if limit.key in record.usage and limit.rule not in excused and limit.key != "cpu_ms":
            yield -record.usage[limit.key].headroom / 100, f"{limit.key} of {record.nodeid}"


def _headroom(run: Run) -> Observed | None:
    least = _worst(pair for record in run.tests for pair in _left(record))
    return None if least is None else Observed(0.0 - least.value, least.where)


def _errors(run: Run) -> Observed | None:
    failed = sum(record.outcome == "failed" for record in run.tests)
    return Observed(failed / len(run.tests), f"{failed} of {len(run.tests)} tests") if run.tests else None


def _violations(run: Run) -> Observed | None:
    found = [len(record.violations) for record in run.tests]
    return Observed(sum(found), f"{sum(map(bool, found))} of {len(found)} tests") if found else None


def _of_bundle(name: str) -> Callable[[Run], Observed | None]:
    def measure(run: Run) -> Observed | None:
        value = getattr(run.bundle, name, None)
        return None if value is None else Observed(value)

    return measure


_BUNDLE: Final = "it needs --cf-bundle=DIR, or a wrangler file that names main"

METRICS: Final[tuple[Metric, ...]] = (
    Metric("p50_ms", TIME, "wall time that half of the invocations do not exceed", _percentile(PERCENTILES["p50_ms"])),
    Metric("p95_ms", TIME, "wall time that 95 % of the invocations do not exceed", _percentile(PERCENTILES["p95_ms"])),
    Metric("p99_ms", TIME, "wall time that 99 % of the invocations do not exceed", _percentile(PERCENTILES["p99_ms"])),
    Metric("request_ms", TIME, "the longest wall time of an invocation that is no cron", _longest(cron=False)),
    Metric("cron_ms", TIME, "the longest wall time of a test whose wall_ms is that of a cron", _longest(cron=True)),
    Metric("cpu_ms", TIME, "the most CPU time of an invocation", _most("cpu_ms")),
    Metric("peak_memory", SIZE, "the most memory of an invocation", _most("memory")),
    Metric("connections", COUNT, "the most connections at once", _most("connections")),
    Metric("unread_bodies", COUNT, "the most bodies that an invocation left unread", _most("unread_bodies")),
    Metric("subrequests", COUNT, "the most external requests of an invocation", _most("subrequests")),
    Metric("internal_subrequests", COUNT, "the most calls of services", _most("internal_subrequests")),
    Metric("d1_queries", COUNT, "the most D1 queries of an invocation", _most("d1_queries")),
    Metric("headroom", SHARE, "the least that a test left of a limit, but of CPU time", _headroom),
    Metric("violations", COUNT, "broken rules, but those allowed or in the baseline", _violations),
    Metric("error_rate", SHARE, "the guarded tests that failed", _errors),
    Metric("tests", COUNT, "guarded tests", lambda run: Observed(len(run.tests))),
    Metric("bundle_size", SIZE, "what is uploaded, uncompressed", _of_bundle("size"), _BUNDLE),
    Metric("bundle_gzip", SIZE, "what is uploaded, compressed", _of_bundle("gzip_size"), _BUNDLE),
    Metric("bundle_files", COUNT, "how many files are uploaded", _of_bundle("files"), _BUNDLE),
    Metric("startup_ms", TIME, "CPU time of importing the entry module", _of_bundle("startup_ms"), _BUNDLE),
)

BY_NAME: Final[Mapping[str, Metric]] = MappingProxyType({metric.name: metric for metric in METRICS})
