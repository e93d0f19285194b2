"""`Violation`, the one record of a broken rule, and `CfLimitExceeded`, which fails a test with them."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self, final

from pytest_cfworkers.callsite import Frame
from pytest_cfworkers.limits import Rule


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One broken rule in one invocation.

    Attributes:
        rule: The rule, such as "connections".
        observed: What was measured, in `unit`.
        limit: What is allowed, in `unit`.
        unit: The unit of both numbers.
        headline: What happened, in one line.
        evidence: Where it happened: lines that name files of the user.
        remedy: What the platform does, the fix, and how to allow it; lines.
        source: The URL of the page that states the rule.
        frames: The lines of the user's code that broke the rule, the innermost first.
    """

    rule: Rule
    observed: float
    limit: float
    unit: str
    headline: str
    evidence: tuple[str, ...]
    remedy: str
    source: str
    frames: tuple[Frame, ...] = ()

    @property
    def key(self) -> str:
        """What tells it from the other violations of its test, today and after the next edit.

        It is made of the rule, and of the file and function of each line that broke it, such as
        "connections app/sync.py::refresh < app/main.py::run": no line numbers, no source text, no figures. So it
        outlives moved lines and renamed variables. It is the same on every machine where the paths of `frames` are
        written from the root of the project, as they are in a report.
        """
        places = dict.fromkeys(f"{frame.path}::{frame.function}" for frame in self.frames)
        return " ".join([self.rule, " < ".join(places)]).rstrip()

    def __str__(self) -> str:
        """Return the whole message."""
        lines = [f"{self.rule}: {self.headline}", *(f"    {line}" for line in self.evidence)]
        lines += [f"  {line}" if line else "" for line in self.remedy.splitlines()]
        return "\n".join([*lines, f"  {self.source}"])

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON and other processes."""
        return {**asdict(self), "frames": [list(frame) for frame in self.frames]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Make the violation that `to_dict` wrote."""
        frames = tuple(Frame(*frame) for frame in data["frames"])
        return cls(**{**data, "evidence": tuple(data["evidence"]), "frames": frames})


class CfLimitExceeded(AssertionError):  # noqa: N818 - the public contract fixes the name
    """An invocation broke limits of the platform.

    Attributes:
        violations: What was broken.
    """

    violations: tuple[Violation, ...]

    def __init__(self, violations: Iterable[Violation]) -> None:
        self.violations = tuple(violations)
        super().__init__("\n\n".join(map(str, self.violations)))

    def __reduce__(self) -> tuple[type[Self], tuple[tuple[Violation, ...]]]:
        """Pickle by the violations, from which the text follows."""
        return type(self), (self.violations,)
