"""What carries work that was started elsewhere, and the user's lines that started it."""

import asyncio
import functools
import gc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from weakref import ReferenceType

import pytest
import trio

from pytest_cfworkers.callsite import NOWHERE, Frame, Site, capture
from pytest_cfworkers.carrier import Carrier, carrier_here, handed_over, led_by
from pytest_cfworkers.invocation import Invocation
from pytest_cfworkers.lineage import be_home
from tests.unit import handing_over
from tests.unit.handing_over import WAYS, Work

# Functions of a library, as a pool or a loop calls them.
library: Final[dict[str, Any]] = {"capture": capture}
SOURCE: Final = """
def take(taken, *ignored):
    taken.append(capture())
    return taken[0]
async def take_async(*ignored):
    return capture()
"""
exec(compile(SOURCE, "<library>", "exec"), library)  # noqa: S102


# threads


def in_a_thread(function: Callable[..., Any], *args: Any) -> Any:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function, *args).result()


def test_a_thread_that_was_handed_a_function_of_a_library_leads_to_who_handed_it_over() -> None:
    site = in_a_thread(handed_over(library["take"]), [])
    assert site.frames[0].source() == 'site = in_a_thread(handed_over(library["take"]), [])'


def test_a_function_of_the_user_in_a_thread_has_its_own_line_and_is_led_by_who_handed_it_over() -> None:
    def fetch() -> tuple[Site, Carrier | None]:
        return capture(), carrier_here()

    site, carrier = in_a_thread(handed_over(fetch))
    assert [frame.function for frame in site.frames] == ["fetch"]
    assert led_by(site, carrier).frames[0] == site.frames[0]
    assert led_by(site, carrier).frames[1].source() == "site, carrier = in_a_thread(handed_over(fetch))"


def test_a_thread_forgets_who_handed_it_what_it_has_done() -> None:
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(handed_over(carrier_here)).result() is not None
        assert pool.submit(carrier_here).result() is None


def test_what_fails_in_a_thread_is_forgotten_too() -> None:
    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(ZeroDivisionError):
            pool.submit(handed_over(lambda: 1 / 0)).result()
        assert pool.submit(carrier_here).result() is None


@pytest.mark.parametrize("way", WAYS)
def test_whichever_way_work_is_handed_over_in_an_invocation_the_line_is_known(way: Callable[[Work], None]) -> None:
    taken: list[Site] = []
    with Invocation():
        way(functools.partial(library["take"], taken))
    assert taken
    assert {site.frames[0].path for site in taken} == {handing_over.__file__}
    assert {site.frames[0].function for site in taken} <= {way.__name__, "main"}


def test_arguments_and_results_pass() -> None:
    assert handed_over(dict)([("a", 1)], b=2) == {"a": 1, "b": 2}


# tasks


async def ask() -> Site:
    """Take a site, and ask who leads it."""
    return led_by(capture(), carrier_here())


async def fan_out() -> list[Site]:
    return await asyncio.gather(*(ask() for _ in range(2)))


async def group() -> list[Site]:
    async with asyncio.TaskGroup() as tasks:
        started = [tasks.create_task(ask()) for _ in range(2)]
    return [task.result() for task in started]


@pytest.mark.parametrize("starts", [fan_out, group])
def test_a_function_of_the_user_in_a_task_is_led_by_who_waits_for_it(starts: Any) -> None:
    sites = asyncio.run(starts())
    assert [[frame.function for frame in site.frames] for site in sites] == [["ask", starts.__name__]] * 2
    assert sites[0] is sites[1]


def test_a_function_of_the_user_in_a_task_of_trio_is_led_by_the_block_that_waits_for_it() -> None:
    async def main() -> list[Site]:
        taken: list[Site] = []

        async def take() -> None:
            taken.append(await ask())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(take)
        return taken

    async def take() -> Site:
        return led_by(library["take"]([]), carrier_here())

    assert [frame.function for frame in trio.run(main)[0].frames] == ["ask", "take"]
    assert [frame.function for frame in trio.run(take).frames] == ["take"]


def test_a_function_in_a_task_that_nobody_waits_for_yet_is_led_by_where_the_test_stands() -> None:
    async def test() -> Site:
        be_home()
        task = asyncio.create_task(ask())
        await asyncio.sleep(0)
        return task.result()

    assert [frame.function for frame in asyncio.run(test()).frames] == ["ask", "test"]


def test_a_site_that_has_a_caller_needs_nobody_who_waits() -> None:
    async def fetch() -> Site:
        return capture()

    async def main() -> tuple[Site, Site]:
        site = await fetch()
        return site, led_by(site, carrier_here())

    site, led = asyncio.run(main())
    assert [frame.function for frame in site.frames] == ["fetch", "main"]
    assert led is site


def test_a_function_that_waits_is_not_led_by_itself_where_it_stands_later() -> None:
    """The place of a bare task is where it was waited for; since then the function may have gone on."""

    async def main() -> tuple[Site, Site]:
        site: Site = await asyncio.create_task(library["take_async"]())
        return site, await asyncio.create_task(lead(site))

    async def lead(site: Site) -> Site:
        return led_by(site, carrier_here())

    site, led = asyncio.run(main())
    assert [frame.function for frame in site.frames] == ["main"]
    assert led is site


def test_nobody_waits_for_a_task_that_has_gone() -> None:
    async def take() -> tuple[Site, Carrier | None]:
        return capture(), carrier_here()

    site, carrier = asyncio.run(take())
    gc.collect()
    assert isinstance(carrier, ReferenceType)
    assert carrier() is None
    assert led_by(site, carrier) is site


def test_nothing_leads_what_no_line_led_to_or_nothing_carries() -> None:
    site = capture()
    assert led_by(NOWHERE, site) is NOWHERE
    assert led_by(site, None) is site


@pytest.mark.parametrize("name", ["open", "open_internal"])
def test_a_connection_knows_what_carries_it_where_its_own_stack_has_one_line(name: str) -> None:
    one, two = (Site(tuple(Frame("app.py", line, "fetch") for line in range(count))) for count in (1, 2))

    async def main() -> None:
        invocation = Invocation()
        alone, led = (getattr(invocation.requests, name)("", site) for site in (one, two))
        assert alone.carrier() is asyncio.current_task()
        assert led.carrier is None

    asyncio.run(main())
