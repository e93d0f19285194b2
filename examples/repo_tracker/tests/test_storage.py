"""Storage, in the database that `cf_d1` is: the fake, or the real one under `--cf-d1=workerd`."""

from types import SimpleNamespace
from typing import Any

import pytest

from pytest_cfworkers.d1 import D1Database
from pytest_cfworkers.d1.faults import NETWORK_LOST, Fault, Faults, inject
from pytest_cfworkers.plugin.fixtures import Ledger
from repo_tracker.models import Repository, RepositoryMetrics, Tier, Tracked
from repo_tracker.service import ServiceError
from repo_tracker.storage import Page, StorageService
from tests.kit.clock import Clock

DAY = "2026-11-24"


@pytest.fixture
def storage(cf_d1: D1Database, clock: Clock) -> StorageService:
    return StorageService(SimpleNamespace(DB=cf_d1), sleep=clock.sleep)


def repository(number: int, **changes: Any) -> Repository:
    return Repository(
        **{"id": number, "full_name": f"octo/r{number}", "stars": number, "etag": f'"{number}"', **changes}
    )


async def stored(storage: StorageService) -> list[Repository]:
    return [item async for page in storage.repositories() for item in page]


async def metrics(database: D1Database) -> list[dict[str, Any]]:
    result = await database.prepare("SELECT * FROM repository_metrics ORDER BY repository_id, day").all()
    rows: list[dict[str, Any]] = result["results"]
    return rows


@pytest.mark.parametrize(
    "given",
    [
        repository(1),
        repository(2, description=None, language=None, pushed_at=None, etag=None),
        repository(2**53 - 2, description="ünï ¿?' 🐍", archived=True, stars=0, pushed_at="2026-11-24T00:00:00Z"),
    ],
)
async def test_what_is_saved_comes_back_as_it_was(storage: StorageService, given: Repository) -> None:
    assert await storage.save_repositories([given]) == 1
    assert await stored(storage) == [given]


async def test_saving_again_updates_and_adds_nothing(storage: StorageService) -> None:
    await storage.save_repositories([repository(1), repository(2)])
    renamed = repository(1, full_name="octo/renamed", stars=99)
    await storage.save_repositories([renamed, renamed])
    assert await stored(storage) == [renamed, repository(2)]


async def test_a_name_that_somebody_else_took_over_is_no_conflict(storage: StorageService) -> None:
    await storage.save_repositories([repository(1, full_name="octo/name"), repository(2, full_name="octo/name")])
    assert len(await stored(storage)) == 2


async def test_nothing_is_saved_without_a_round_trip(storage: StorageService, cf_ledger: Ledger) -> None:
    assert await storage.save_repositories([]) == 0
    assert cf_ledger.statistics().d1_queries == 0


async def test_a_thousand_repositories_are_two_round_trips(storage: StorageService, cf_ledger: Ledger) -> None:
    assert await storage.save_repositories(repository(number) for number in range(1, 1001)) == 1000
    assert cf_ledger.statistics().d1_queries == 2
    with cf_ledger.paused():
        assert [item.id for item in await stored(storage)] == list(range(1, 1001))


async def test_a_step_of_forty_is_one_transaction_with_metrics_and_tiers(
    storage: StorageService, cf_d1: D1Database, cf_ledger: Ledger
) -> None:
    seen = [repository(number, stars=number * 400) for number in range(1, 41)]
    assert await storage.save_observations(seen, day=DAY) == 40
    assert cf_ledger.statistics().d1_queries == 1
    assert [row["stars"] for row in await metrics(cf_d1)] == [item.stars for item in seen]
    assert [item.id for item in (await storage.tracked(Tier.COLD)).items] == [1]
    assert [item.id for item in (await storage.tracked(Tier.HOT)).items] == list(range(25, 41))


async def test_metrics_of_a_day_are_replaced_and_other_days_stay(storage: StorageService, cf_d1: D1Database) -> None:
    await storage.save_repositories([repository(1)])
    for day, stars in (("2026-11-23", 5), (DAY, 6), (DAY, 7)):
        await storage.save_metrics([RepositoryMetrics.of(repository(1, stars=stars), day)])
    assert [(row["day"], row["stars"]) for row in await metrics(cf_d1)] == [("2026-11-23", 5), (DAY, 7)]


async def test_metrics_of_an_unknown_repository_are_refused(storage: StorageService) -> None:
    with pytest.raises(ServiceError, match=r"^StorageService\.save_metrics failed: .*FOREIGN KEY constraint failed"):
        await storage.save_metrics([RepositoryMetrics.of(repository(1), DAY)])


async def test_tiers_are_set_and_unknown_ids_passed_over(storage: StorageService) -> None:
    await storage.save_repositories([repository(1), repository(2)])
    await storage.set_tiers([(1, Tier.HOT), (2, Tier.WARM), (3, Tier.HOT)])
    await storage.set_tiers([(2, Tier.HOT)])
    hot = [Tracked(id=number, full_name=f"octo/r{number}", etag=f'"{number}"') for number in (1, 2)]
    assert await storage.tracked(Tier.HOT) == Page(items=hot, cursor=None)


@pytest.mark.parametrize("limit", [1, 3, 10, 11])
async def test_pages_of_a_tier_hold_each_repository_once(storage: StorageService, limit: int) -> None:
    await storage.save_repositories(repository(number) for number in range(1, 11))
    seen: list[int] = []
    cursor: int | None = 0
    while cursor is not None:
        page = await storage.tracked(Tier.COLD, after=cursor, limit=limit)
        seen += [item.id for item in page.items]
        cursor = page.cursor
    assert seen == list(range(1, 11))


@pytest.mark.parametrize("count", [0, 9, 10, 11])
async def test_all_repositories_are_read_by_page(storage: StorageService, count: int) -> None:
    given = [repository(number) for number in range(1, count + 1)]
    await storage.save_repositories(given)
    pages = [page async for page in storage.repositories(page_size=5)]
    assert [item for page in pages for item in page] == given
    assert all(0 < len(page) <= 5 for page in pages)


async def test_a_page_of_a_tier_is_a_range_of_its_index(cf_d1: D1Database) -> None:
    from repo_tracker.storage import _TRACKED  # noqa: PLC0415 - the very statement

    plan = await cf_d1.prepare(f"EXPLAIN QUERY PLAN {_TRACKED}").bind("hot", 0, 40).all()
    assert [row["detail"] for row in plan["results"]] == [
        "SEARCH repositories USING INDEX repositories_by_tier (tier=? AND id>?)"
    ]


@pytest.mark.parametrize("after", [False, True])
async def test_a_lost_answer_is_asked_for_again_and_nothing_is_stored_twice(
    storage: StorageService, cf_d1: D1Database, clock: Clock, after: bool
) -> None:
    with inject(cf_d1, Faults(Fault(NETWORK_LOST, at=1, after=after, times=2))) as faults:
        await storage.save_observations([repository(1)], day=DAY)
    assert faults.round_trips == 3
    assert len(clock.slept) == 2
    assert await stored(storage) == [repository(1)]
    assert len(await metrics(cf_d1)) == 1


async def test_saving_after_a_failure_in_the_middle_saves_all(storage: StorageService, cf_d1: D1Database) -> None:
    given = [repository(number) for number in range(1, 1001)]
    with inject(cf_d1, Faults(Fault("no room", at=2))), pytest.raises(ServiceError, match="no room"):
        await storage.save_repositories(given)
    assert 0 < len(await stored(storage)) < 1000
    await storage.save_repositories(given)
    assert await stored(storage) == given


async def test_without_batching_each_statement_is_a_round_trip(cf_d1: D1Database, cf_ledger: Ledger) -> None:
    storage = StorageService(SimpleNamespace(DB=cf_d1), statements_per_batch=1)
    await storage.save_repositories(repository(number) for number in range(1, 31))
    assert cf_ledger.statistics().d1_queries == 3
