"""`Programs`: the texts that a database has run, and what is known of them, so that running one again is quick."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from pytest_cfworkers.d1.program import Program
from pytest_cfworkers.d1.values import WithBlob

if TYPE_CHECKING:
    from pytest_cfworkers.d1.backend import Wire
    from pytest_cfworkers.d1.bookkeeping import Bookkeeping
    from pytest_cfworkers.d1.ready import Ready
    from pytest_cfworkers.d1.store import Store

_KEPT: Final = 1024
"""Texts whose statements are remembered. The runtime remembers 1 MiB of them."""


@final
class Programs:
    """The programs of the texts that were run.

    Args:
        store: The database.
        bookkeeping: What the runtime's own tables hold of it.

    Attributes:
        ready: What is known of texts of one statement, by text; it may hold no more: see `holds`.
    """

    ready: dict[str, Ready]

    def __init__(self, store: Store, bookkeeping: Bookkeeping) -> None:
        self.ready = {}
        self._store = store
        self._bookkeeping = bookkeeping
        self._known: dict[str, Program] = {}

    def of(self, sql: str) -> Program:
        """Return the program of a text: the one that is remembered, or a new one."""
        program = self._known.get(sql)
        if program is None:
            if len(self._known) >= _KEPT:
                oldest = next(iter(self._known))
                self._known.pop(oldest).release()
                self.ready.pop(oldest, None)
            program = Program(sql, self._store, self._bookkeeping)
        return program

    def settle(self, sql: str, program: Program) -> None:
        """Remember a program if it ran."""
        if program.ran:
            self._known[sql] = program
        else:
            program.release()

    def holds(self, ready: Ready, params: tuple[Wire, ...], *, counted: bool) -> bool:
        """Tell whether what is known of a statement still holds, for these values."""
        store = self._store
        return (
            ready.generation == store.generation
            and len(params) == ready.parameters
            and (ready.read is not None or not counted)
            and (store.blob_like.active or type(params) is not WithBlob)
        )

    def writes(self, sql: str) -> bool:
        """Tell whether a text that has been run changes rows."""
        program = self._known.get(sql)
        return program is not None and program.writes

    def forget(self) -> None:
        """Forget them all: the database is another one."""
        for program in self._known.values():
            program.release()
        self._known.clear()
        self.ready.clear()
