"""Which lines of the user's own code led to a request."""

import asyncio
import contextvars
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import _pytest.runner
import anyio
import anyio.lowlevel
import pytest
import trio

from pytest_cfworkers import callsite
from pytest_cfworkers.callsite import (
    NOWHERE,
    Frame,
    Site,
    capture,
    shorten,
    shorten_from,
)
from pytest_cfworkers.lineage import be_home

HERE = __file__


@pytest.fixture
def library(tmp_path: Path) -> Any:
    """A client as an installed package has it: its frames are nobody's own."""
    path = tmp_path / "site-packages" / "client.py"
    code = compile(
        "def get(*ignored):\n"
        "    return capture()\n"
        "async def get_async(*ignored):\n"
        "    return capture()\n"
        "async def suspended(ignored, taken):\n"
        "    await checkpoint()\n"
        "    taken.append(capture())\n"
        "async def in_time(taken):\n"
        "    with fail_after(60):\n"
        "        await suspended(None, taken)\n"
        "def call(function):\n"
        "    return function()\n",
        str(path),
        "exec",
    )
    names: dict[str, Any] = {
        "capture": capture,
        "checkpoint": anyio.lowlevel.checkpoint,
        "fail_after": anyio.fail_after,
    }
    exec(code, names)  # noqa: S102
    return SimpleNamespace(**names)


def lines(site: Site) -> list[str]:
    """Return the texts of the lines, and make sure that they are of this file."""
    assert {frame.path for frame in site.frames} <= {HERE}
    return [frame.source() for frame in site.frames]


# plain calls


def test_the_calling_line_is_the_innermost_frame() -> None:
    site = capture()
    first = site.frames[0]
    assert first.function == "test_the_calling_line_is_the_innermost_frame"
    assert first.source() == "site = capture()"
    assert len(site.frames) == 1  # what called the test is pytest


def test_callers_follow_the_innermost_first(library: Any) -> None:
    def helper() -> Site:
        return library.get()  # type: ignore[no-any-return]

    def caller() -> Site:
        return helper()

    assert lines(caller())[:2] == ["return library.get()  # type: ignore[no-any-return]", "return helper()"]


def test_what_is_below_foreign_frames_is_not_part_of_the_site(library: Any) -> None:
    """A framework that calls the user's function has its own callers; they say nothing about the request."""

    def handler() -> Site:
        return library.get()  # type: ignore[no-any-return]

    assert [frame.function for frame in library.call(handler).frames] == ["handler"]


def test_no_more_callers_are_kept_than_a_message_needs(library: Any) -> None:
    def recurse(depth: int) -> Site:
        return recurse(depth - 1) if depth else library.get()

    assert len(recurse(50).frames) == callsite._DEPTH


def test_one_place_is_one_object_and_two_places_are_two(library: Any) -> None:
    sites = [library.get() for _ in range(3)]
    assert sites[0] is sites[1] is sites[2]
    assert library.get() is not library.get()


def test_one_line_reached_by_two_ways_is_two_places(library: Any) -> None:
    def helper() -> Site:
        return library.get()  # type: ignore[no-any-return]

    first, second = helper(), helper()
    assert first is not second
    assert first.frames[0] == second.frames[0]


def test_places_are_not_mixed_up_when_a_function_is_made_anew_at_the_same_address(library: Any) -> None:
    """The key of a place is the identity of its code, which must not be given to another code meanwhile."""
    seen = set()
    for number in range(20):
        names: dict[str, Any] = {"get": library.get}
        exec(compile(f"def f{number}():\n    return get()\n", HERE, "exec"), names)  # noqa: S102
        seen.add(names.pop(f"f{number}")().frames[0].function)
    assert len(seen) == 20


def test_where_no_line_of_the_user_leads_there_is_nowhere() -> None:
    """A thread of a library has no line of the user on its stack, and no task."""
    names: dict[str, Any] = {"capture": capture, "found": []}
    exec(  # noqa: S102
        compile(
            "import threading\n"
            "def run():\n"
            "    found.append(capture())\n"
            "thread = threading.Thread(target=run)\n"
            "thread.start()\n"
            "thread.join()\n",
            "<library>",
            "exec",
        ),
        names,
    )
    assert names["found"] == [NOWHERE]
    assert NOWHERE.frames == ()


# coroutines that no line is awaiting


async def gather(get: Callable[..., Awaitable[Site]]) -> list[Site]:
    return await asyncio.gather(*map(get, "abc"))


def test_a_coroutine_in_gather_leads_to_the_line_that_waits_for_it(library: Any) -> None:
    sites = asyncio.run(gather(library.get_async))
    assert lines(sites[0])[:1] == ['return await asyncio.gather(*map(get, "abc"))']
    assert sites[0] is sites[1] is sites[2]


def test_a_coroutine_in_a_task_group_leads_to_the_block_that_waits_for_it(library: Any) -> None:
    async def main() -> Site:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(library.get_async("a"))
        return task.result()  # type: ignore[no-any-return]

    assert lines(asyncio.run(main()))[:1] == ["async with asyncio.TaskGroup() as group:"]


def test_a_task_of_the_user_leads_to_its_own_line_and_not_into_the_loop(library: Any) -> None:
    async def fetch() -> Site:
        return await library.get_async("a")  # type: ignore[no-any-return]

    async def main() -> Site:
        return await asyncio.create_task(fetch())

    assert [frame.function for frame in asyncio.run(main()).frames] == ["fetch"]


async def start_soon_anyio(client: Any) -> list[Site]:
    taken: list[Site] = []
    async with anyio.create_task_group() as group:
        for name in "ab":
            group.start_soon(client.suspended, name, taken)
    return taken


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_coroutine_of_an_anyio_task_group_leads_to_the_block_that_started_it(library: Any, backend: str) -> None:
    """The line that called `start_soon` has gone on; where its block stands is told instead."""
    sites = anyio.run(start_soon_anyio, library, backend=backend)
    assert [site.frames[0].function for site in sites] == ["start_soon_anyio", "start_soon_anyio"]
    assert sites[0] is sites[1]


async def start_soon_within_a_timeout(client: Any) -> list[Site]:
    taken: list[Site] = []
    async with anyio.create_task_group() as group:
        group.start_soon(client.in_time, taken)
    return taken


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_timeout_of_the_library_does_not_hide_the_block_that_started_it(library: Any, backend: str) -> None:
    sites = anyio.run(start_soon_within_a_timeout, library, backend=backend)
    assert [frame.function for frame in sites[0].frames] == ["start_soon_within_a_timeout"]


def test_a_coroutine_of_a_trio_nursery_leads_to_the_block_that_started_it(library: Any) -> None:
    async def main() -> list[Site]:
        taken: list[Site] = []
        async with trio.open_nursery() as nursery:
            for name in "ab":
                nursery.start_soon(library.suspended, name, taken)
        return taken

    sites = trio.run(main)
    assert {frame.function for frame in sites[0].frames} == {"main"}
    assert sites[0] is sites[1]


async def await_a_task(get: Callable[[str], Coroutine[Any, Any, Site]]) -> Site:
    task = asyncio.create_task(get("a"))
    return await task


async def wait_for_a_task(get: Callable[[str], Coroutine[Any, Any, Site]]) -> Site:
    return await asyncio.wait_for(asyncio.create_task(get("a")), 60)


async def shield_a_task(get: Callable[[str], Coroutine[Any, Any, Site]]) -> Site:
    return await asyncio.shield(get("a"))


async def wait_for_the_first(get: Callable[[str], Coroutine[Any, Any, Site]]) -> Site:
    done, _ = await asyncio.wait({asyncio.create_task(get("a"))})
    return done.pop().result()


async def gather_within_gather(get: Callable[[str], Coroutine[Any, Any, Site]]) -> Site:
    return (await asyncio.gather(asyncio.gather(get("a"))))[0][0]


@pytest.mark.parametrize(
    "waiting", [await_a_task, wait_for_a_task, shield_a_task, wait_for_the_first, gather_within_gather]
)
def test_whichever_way_a_task_is_waited_for_the_line_that_waits_is_taken(library: Any, waiting: Any) -> None:
    site = asyncio.run(waiting(library.get_async))
    assert site.frames[0].function == waiting.__name__
    assert "await" in lines(site)[0]


def test_a_task_that_nobody_waits_for_leads_to_the_line_that_runs_the_loop(library: Any) -> None:
    async def main() -> Site:
        task = asyncio.create_task(library.get_async("a"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return task.result()  # type: ignore[no-any-return]

    site = asyncio.run(main())
    assert lines(site)[0] == "site = asyncio.run(main())"


async def tasks_awaited_in_turn(get: Callable[[str], Coroutine[Any, Any, Site]]) -> list[Site]:
    tasks = [asyncio.create_task(get(name)) for name in "ab"]
    return [await task for task in tasks]


async def as_completed(get: Callable[[str], Coroutine[Any, Any, Site]]) -> list[Site]:
    return [await site for site in asyncio.as_completed([get("a"), get("b")])]


def test_as_completed_leads_to_the_line_that_waits_for_the_next_one(library: Any) -> None:
    async def main() -> list[Site]:
        return await asyncio.create_task(as_completed(library.get_async))

    sites = asyncio.run(main())
    assert [site.frames[0].function for site in sites] == ["as_completed", "as_completed"]


def below_a_runner(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function as pytest does."""
    names: dict[str, Any] = {}
    source = "def call(function, *args):\n    return function(*args)\n"
    exec(compile(source, _pytest.runner.__file__, "exec"), names)  # noqa: S102
    return names["call"](function, *args)


def test_what_is_below_a_runner_of_tests_led_to_nothing(library: Any) -> None:
    """A script that calls `pytest.main()` is the user's, but no place where a request is made."""
    assert below_a_runner(library.get) is NOWHERE
    assert below_a_runner(asyncio.run, library.get_async()) is NOWHERE


def test_a_task_that_nobody_waits_for_yet_leads_to_where_the_asynchronous_test_stands(library: Any) -> None:
    """No line of the user runs the loop of such a test."""

    async def test() -> list[Site]:
        be_home()
        return await tasks_awaited_in_turn(library.get_async)

    sites = below_a_runner(asyncio.run, test())
    assert [frame.function for frame in sites[1].frames] == ["tasks_awaited_in_turn", "test"]
    assert sites[0].frames == sites[1].frames


def test_a_task_of_trio_that_nobody_waits_for_leads_to_where_the_asynchronous_test_stands(library: Any) -> None:
    async def test() -> list[Site]:
        be_home()
        taken: list[Site] = []
        trio.lowlevel.spawn_system_task(library.suspended, None, taken, context=contextvars.copy_context())
        while not taken:
            await trio.lowlevel.checkpoint()
        return taken

    assert [frame.function for frame in below_a_runner(trio.run, test)[0].frames] == ["test"]


def test_the_task_that_entered_the_invocation_has_no_other_place_than_its_own(library: Any) -> None:
    async def main() -> Site:
        be_home()
        return await library.get_async("a")  # type: ignore[no-any-return]

    assert [frame.function for frame in below_a_runner(asyncio.run, main()).frames] == ["main"]


# the words for a place


def test_a_frame_whose_file_cannot_be_read_has_no_text() -> None:
    assert Frame("no/such/file.py", 1, "f").source() == ""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Path]:
    """A folder in which a run of tests begins."""
    end = shorten_from(tmp_path)
    yield tmp_path
    end()


def test_paths_are_written_from_where_the_run_began_whatever_folder_a_test_is_in(
    start: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(start / "tests" / "test_it.py")
    (start / "tests").mkdir()
    monkeypatch.chdir(start / "tests")
    assert shorten(path) == str(Path("tests", "test_it.py"))
    assert shorten(HERE) == HERE


def test_a_run_inside_of_a_test_writes_paths_from_where_it_began(start: Path) -> None:
    inner = start / "inner"
    end = shorten_from(inner)
    assert shorten(str(inner / "app.py")) == "app.py"
    end()
    assert shorten(str(inner / "app.py")) == str(Path("inner", "app.py"))


def test_without_a_run_paths_are_written_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callsite, "_starts", [])
    monkeypatch.chdir(tmp_path)
    assert shorten(str(tmp_path / "app.py")) == "app.py"
    tmp_path.rmdir()
    assert shorten(HERE) == HERE


def test_a_site_shows_its_frames() -> None:
    assert repr(Site((Frame("app.py", 3, "fetch"),))) == "<Site (Frame(path='app.py', line=3, function='fetch'),)>"


def test_a_gather_in_an_asynchronous_generator_leads_to_its_line(library: Any) -> None:
    async def parts() -> AsyncIterator[Site]:
        for site in await asyncio.gather(library.get_async("a"), library.get_async("b")):
            yield site

    async def main() -> list[Site]:
        return [site async for site in parts()]

    assert [site.frames[0].function for site in asyncio.run(main())] == ["parts", "parts"]
