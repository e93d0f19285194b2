"""`Gate`: one condition on a run, read from text such as "p95_ms<=5000" by a grammar and by nothing looser.

gate        name comparison number [unit]
name        one of METRICS
comparison  <=  <  ==  >=  >
number      digits, a dot before decimals
unit        as the figure has them: ms s min, B KB MB GB, %
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final, Literal, Self, final

from pytest_cfworkers.gates.metrics import BY_NAME, Metric, Observed
from pytest_cfworkers.gates.quantity import QuantityError
from pytest_cfworkers.report.run import GateResult, Level, Run

Unmeasured = Literal["fail", "warn", "leave out"]

NOTHING: Final = "nothing measured"
"""What a gate says of a figure that no part of the run measured."""

_GATE: Final = re.compile(r"\s*([^\s<>=!~]+)\s*([<>=!~]+)\s*([0-9.,_eE+-]*)\s*(\S*)\s*", re.ASCII)
_COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = MappingProxyType(
    {"<=": operator.le, "<": operator.lt, "==": operator.eq, ">=": operator.ge, ">": operator.gt}
)
_BOUNDS: Final = MappingProxyType({"<=": "at most", "<": "below", "==": "exactly", ">=": "at least", ">": "above"})


class GateError(ValueError):
    """A gate that cannot be read; the text says what is valid."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A condition on a run.

    Attributes:
        expression: As it was written, without spaces.
        metric: The figure.
        comparison: How it is compared.
        bound: With what, in the unit of the figure.
        level: Whether breaking it is shown (warning) or fails the run (critical).
        unmeasured: What a figure means that nothing measured: a failure, a warning, or no result at all.
    """

    expression: str
    metric: Metric
    comparison: str
    bound: float
    level: Level = "critical"
    unmeasured: Unmeasured = "fail"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a gate.

        Raises:
            GateError: It is none; the text says which part is wrong and what is valid.
        """
        match = _GATE.fullmatch(text)
        if match is None:
            raise GateError("a figure, a comparison and a number, such as p95_ms<=5000; figures: " + ", ".join(BY_NAME))
        name, comparison, number, unit = match.groups()
        metric = BY_NAME.get(name)
        if metric is None:
            near = get_close_matches(name.lower(), BY_NAME, n=1, cutoff=0.5)
            raise GateError(
                f"there is no figure {name!r}{f', did you mean {near[0]}?' if near else ';'} "
                f"figures: {', '.join(BY_NAME)}"
            )
        if comparison not in _COMPARISONS:
            raise GateError(f"{comparison!r} is no comparison; comparisons: {' '.join(_COMPARISONS)}")
        if not number:
            raise GateError(f"{name} is compared with a number, such as {name}{comparison}{metric.quantity.example}")
        try:
            bound = metric.quantity.read(number, unit)
        except QuantityError as error:
            raise GateError(f"{error}; such as {name}{comparison}{metric.quantity.example}") from None
        return cls(expression=f"{name}{comparison}{number}{unit}", metric=metric, comparison=comparison, bound=bound)

    def judge(self, run: Run) -> GateResult | None:
        """Hold a run to it; None where it has nothing to say."""
        observed = self.metric.measure(run)
        bound = f"{_BOUNDS[self.comparison]} {self.metric.quantity.show(self.bound)}"
        if observed is None:
            return None if self.unmeasured == "leave out" else self._unmeasured(bound)
        return GateResult(
            expression=self.expression,
            observed=self._show(observed),
            bound=bound,
            passed=_COMPARISONS[self.comparison](observed.value, self.bound),
            level=self.level,
        )

    def at(self, level: Level, unmeasured: Unmeasured) -> Self:
        """Return the same condition with another weight."""
        return replace(self, level=level, unmeasured=unmeasured)

    def _show(self, observed: Observed) -> str:
        shown = self.metric.quantity.show(observed.value)
        return f"{shown} ({observed.where})" if observed.where else shown

    def _unmeasured(self, bound: str) -> GateResult:
        level: Level = "critical" if self.unmeasured == "fail" else "warning"
        return GateResult(
            expression=self.expression,
            observed=f"{NOTHING}: {self.metric.remedy}",
            bound=bound,
            passed=False,
            level=level,
        )
