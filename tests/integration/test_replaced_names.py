"""Tests may put something of their own in the place of what the plugin needs, too: it changes no outcome."""

import sys

import pytest

from tests.integration.user_project import Project

PATCHED = """
    import asyncio
    import time
    from unittest import mock

    import freezegun
    import httpx
    import pytest
    from blockbuster import blockbuster_ctx
    from pytest_cfworkers import admission

    pytestmark = pytest.mark.cf_limits

    def test_a_clock_gives_each_of_its_times_to_the_test(monkeypatch):
        values = iter([0.0, 10.0])
        monkeypatch.setattr("time.monotonic", lambda: next(values))
        assert (time.monotonic(), time.monotonic()) == (0.0, 10.0)

    @pytest.mark.cf_limits(allow={"connections": "seven are meant", "unread-body": "they are"})
    def test_a_queue_takes_no_turn_of_a_clock(monkeypatch):
        monkeypatch.setattr(time, "monotonic", mock.Mock(side_effect=[0.0, 5.0]))
        with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as client:
            assert time.monotonic() == 0.0
            for _ in range(7):
                client.send(client.build_request("GET", "https://api.example/"), stream=True)
            assert time.monotonic() == 5.0

    @pytest.mark.cf_limits(allow={"connections": "seven are meant"})
    @pytest.mark.parametrize("real_asyncio", [False, True])
    def test_nobody_waits_for_ever_where_the_clock_stands_still(monkeypatch, real_asyncio):
        monkeypatch.setattr(admission, "LONGEST_WAIT_S", 0.05)

        async def run():
            together = asyncio.Barrier(7)

            async def answer(_):
                await together.wait()
                return httpx.Response(200)

            async with httpx.AsyncClient(transport=httpx.MockTransport(answer), timeout=None) as client:
                await asyncio.gather(*[client.get("https://api.example/") for _ in range(7)])

        with freezegun.freeze_time("2026-11-30", real_asyncio=real_asyncio):
            asyncio.run(run())

    @pytest.mark.parametrize("name", ["builtins.open", "io.open", "os.open", "os.pread", "os.close"])
    def test_no_file_can_be_opened(monkeypatch, name):
        def missing(*args, **kwargs):
            raise FileNotFoundError
        monkeypatch.setattr(name, missing)

    def test_a_pause_between_two_tries_is_seen_by_the_test_alone():
        async def tried():
            async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as client:
                await client.get("https://api.example/")
                await asyncio.sleep(1.5)

        async def both():
            await asyncio.gather(tried(), tried())

        with mock.patch("asyncio.sleep", mock.AsyncMock()) as sleep:
            asyncio.run(both())
        assert [call.args for call in sleep.await_args_list] == [(1.5,), (1.5,)]

    def test_nothing_blocks_the_loop():
        async def run():
            return await asyncio.to_thread(int, "1")

        with blockbuster_ctx():
            assert asyncio.run(run()) == 1

    @pytest.mark.cf_limits(memory=None)
    def test_no_block_that_measures_memory_blocks_the_loop(cf_invocation):
        async def run():
            with cf_invocation(memory="64 MB"):
                return await asyncio.to_thread(int, "1")

        with blockbuster_ctx():
            assert asyncio.run(run()) == 1
"""


def test_what_is_replaced_is_the_tests_alone(project: Project) -> None:
    project.write(test_it=PATCHED)
    project.run("-W", "error").assert_outcomes(passed=12)


def test_nothing_blocks_the_loop_of_a_process_that_has_just_begun(project: Project) -> None:
    project.write(test_it=PATCHED)
    result = project.pytester.runpytest_subprocess("-k", "blocks")
    result.assert_outcomes(passed=2, deselected=10)


@pytest.mark.skipif(sys.platform != "linux", reason="the files of the kernel are Linux's")
def test_where_the_files_of_the_kernel_are_hidden_memory_is_not_measured_and_nothing_fails(project: Project) -> None:
    project.write(
        test_it="""
        import pytest

        @pytest.mark.cf_limits
        def test_files(fs):
            fs.create_file("/data/x", contents="abc")
            assert open("/data/x").read() == "abc"
        """
    )
    result = project.run()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["    memory was not measured: this process cannot be looked at:*"])
