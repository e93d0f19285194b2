"""What services have in common: errors that name the operation, and batches that fit D1."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repo_tracker.d1 import PARAMETERS_PER_STATEMENT
from repo_tracker.service import STATEMENTS_PER_BATCH, BaseService, ServiceError
from tests.kit.clock import Clock


class Recorder:
    """A database that only notes what it is asked: what D1 does is for the tests with `cf_d1`."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.batches: list[list[Any]] = []

    def prepare(self, sql: str) -> Any:
        return SimpleNamespace(bind=lambda *values: (sql, values))

    async def batch(self, statements: list[Any]) -> list[Any]:
        self.batches.append(statements)
        if self.failures:
            raise self.failures.pop(0)
        return list(range(len(statements)))


def service(database: Recorder, **options: Any) -> BaseService:
    return BaseService(SimpleNamespace(DB=database), **options)


@given(width=st.integers(1, 100), count=st.integers(0, 400))
def test_every_row_is_in_one_statement_and_no_statement_has_too_many_values(width: int, count: int) -> None:
    rows = [tuple(range(row, row + width)) for row in range(count)]
    statements: list[Any] = service(Recorder()).prepare_batch("INSERT INTO t VALUES {values}", rows)
    assert [value for _, values in statements for value in values] == [value for row in rows for value in row]
    assert all(len(values) <= PARAMETERS_PER_STATEMENT for _, values in statements)
    assert all(sql.count("?") == len(values) for sql, values in statements)
    assert len(statements) == -(-count // (PARAMETERS_PER_STATEMENT // width))


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([(1, 2), (3,)], "not all rows have 2 values"),
        ([tuple(range(101))], "a row has 101 values"),
        ([(), (1,)], "a row has 0 values"),
    ],
)
def test_rows_that_fit_no_statement_are_refused(rows: list[tuple[int, ...]], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        service(Recorder()).prepare_batch("INSERT INTO t VALUES {values}", rows)


async def test_many_statements_are_sent_in_few_batches_and_their_results_in_order() -> None:
    database = Recorder()
    statements: list[Any] = list(range(120))
    assert await service(database).db_batch(statements) == [*range(50), *range(50), *range(20)]
    assert [len(batch) for batch in database.batches] == [STATEMENTS_PER_BATCH, STATEMENTS_PER_BATCH, 20]


async def test_a_batch_is_sent_again_where_d1_itself_failed(clock: Clock) -> None:
    database = Recorder(
        OSError("D1_ERROR: Network connection lost."), OSError("D1 DB reset because its code was updated")
    )
    statements: list[Any] = [1]
    assert await service(database, sleep=clock.sleep).db_batch(statements) == [0]
    assert len(database.batches) == 3
    assert len(clock.slept) == 2


@pytest.mark.parametrize(
    ("text", "sent"), [("D1_ERROR: no such table: t: SQLITE_ERROR", 1), ("D1_ERROR: Network connection lost.", 5)]
)
async def test_what_does_not_pass_is_raised(clock: Clock, text: str, sent: int) -> None:
    database = Recorder(*(OSError(text) for _ in range(9)))
    statements: list[Any] = [1]
    with pytest.raises(OSError, match=text):
        await service(database, sleep=clock.sleep).db_batch(statements)
    assert len(database.batches) == sent


@pytest.mark.parametrize(("text", "transient"), [("Network connection lost", True), ("syntax error", False)])
def test_an_error_names_the_operation_and_keeps_its_cause(text: str, transient: bool) -> None:
    cause = OSError(text)
    with (
        pytest.raises(ServiceError, match=f"^BaseService.save failed: {text}$") as caught,
        service(Recorder()).operation("save"),
    ):
        raise cause
    assert (caught.value.operation, caught.value.__cause__) == ("BaseService.save", cause)
    assert caught.value.transient is transient


def test_an_error_of_an_operation_inside_keeps_its_name() -> None:
    outer = service(Recorder())
    with pytest.raises(ServiceError) as caught, outer.operation("outer"), outer.operation("inner"):
        raise LookupError
    assert caught.value.operation == "BaseService.inner"
