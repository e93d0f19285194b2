"""D1 round trips: how many, which statements again and again, and how many values they bind.

Sources: https://developers.cloudflare.com/d1/platform/limits/ (checked 2026-11-24).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, final

from pytest_cfworkers.callsite import Site
from pytest_cfworkers.guards.subrequests import SubrequestGuard

REPEATED: Final = 5
"""Round trips with the same statement alone from which on a batch is worth advising."""

KEPT: Final = 1_000
"""Different statements that are told apart in one invocation; later ones are only counted."""

_PAGE: Final = re.compile(r"(?:(?<!<)>|<(?!>))=?\s*\(?\s*\?.*\bORDER\s+BY\b.*\bLIMIT\b", re.IGNORECASE | re.DOTALL)
"""A page that begins after a key: only the page before tells that key, so that no batch can hold both."""


class Scan(NamedTuple):
    """A statement that read a whole table.

    Attributes:
        table: The table.
        rows: How many rows it read.
        sql: The statement.
        site: The line that sent it.
    """

    table: str
    rows: int
    sql: str
    site: Site


@dataclass(slots=True)
class Repetition:
    """One statement, sent alone in a round trip of its own again and again.

    Attributes:
        sql: The statement.
        site: The line that sent it first.
        times: How often.
        parameters: The values that it bound at most.
    """

    sql: str
    site: Site
    times: int = 0
    parameters: int = 0


@final
@dataclass(slots=True)
class QueryGuard:
    """A count of the D1 round trips of one invocation.

    Attributes:
        budget: The count against the limit.
        parameters: The most values that one statement bound.
        scans: Statements that read a whole table, the first of each text.
    """

    budget: SubrequestGuard
    parameters: int = 0
    scans: dict[str, Scan] = field(default_factory=dict)
    _alone: dict[str, Repetition] = field(default_factory=dict)

    def add(self, site: Site, statements: Sequence[str], parameters: Sequence[int]) -> None:
        """Count a round trip.

        Args:
            site: The line that made it.
            statements: The statements that it carried.
            parameters: How many values each bound.
        """
        self.budget.add(site)
        self.parameters = max(self.parameters, *parameters, 0)
        if len(statements) == 1 and (statements[0] in self._alone or len(self._alone) < KEPT):
            seen = self._alone.setdefault(statements[0], Repetition(statements[0], site))
            seen.times += 1
            seen.parameters = max(seen.parameters, *parameters, 0)

    def scanned(self, scan: Scan) -> None:
        """Note a statement that read a whole table."""
        if len(self.scans) < KEPT:
            self.scans.setdefault(scan.sql, scan)

    def repeated(self) -> Iterator[Repetition]:
        """Yield the statements that were sent alone often enough to be worth a batch."""
        return (seen for seen in tuple(self._alone.values()) if seen.times >= REPEATED and not _PAGE.search(seen.sql))
