"""The fixtures: guarded clients, invocations of one's own, and the ledger."""

import pytest

from tests.integration.user_project import Project

ASYNCIO = ("-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function")


def test_clients_reach_a_server_and_leave_nothing_open(project: Project, server: str) -> None:
    """Also where the test fails; warnings of unclosed sockets would be errors."""
    project.write(
        test_it=f"""
        import asyncio
        import gc
        import httpx
        import pytest

        URL = "{server}"

        @pytest.fixture(autouse=True)
        def collected():
            yield
            gc.collect()

        async def test_client(cf_client):
            for _ in range(3):
                assert (await cf_client.get(URL)).text == "body"

        def test_sync_client(cf_sync_client):
            assert cf_sync_client.get(URL).text == "body"

        async def test_transport_async(cf_transport, cf_ledger):
            async with httpx.AsyncClient(transport=cf_transport) as client:
                assert (await client.get(URL)).text == "body"
            assert cf_ledger.statistics().subrequests == 1

        def test_transport_sync(cf_transport):
            with httpx.Client(transport=cf_transport) as client:
                assert client.get(URL).text == "body"

        async def test_async_failure(cf_client):
            await cf_client.get(URL)
            raise ValueError("mine")

        def test_sync_failure(cf_sync_client):
            cf_sync_client.get(URL)
            raise ValueError("mine")

        async def test_all(cf_client, cf_sync_client, cf_transport, cf_invocation, cf_ledger):
            await cf_client.get(URL)
            cf_sync_client.get(URL)
            assert cf_ledger.statistics().subrequests == 2

        def test_client_in_a_loop_of_the_test(cf_client):
            async def main():
                async with cf_client:
                    await cf_client.get(URL)

            asyncio.run(main())
        """
    )
    result = project.run("-W", "error", *ASYNCIO, plugins=("asyncio",))
    result.assert_outcomes(passed=6, failed=2)
    result.stdout.no_fnmatch_line("*ResourceWarning*")
    result.stdout.no_fnmatch_line("*Unraisable*")


def test_without_a_mark_they_guard_what_they_measure(project: Project) -> None:
    """Connections, bodies and subrequests; not the time."""
    project.write(
        test_it="""
        import asyncio
        import pytest
        from sending import leave_unread, send, send_at_once

        def test_client(cf_client):
            asyncio.run(send_at_once(7))

        def test_sync_client(cf_sync_client):
            leave_unread()

        def test_transport(cf_transport):
            send(51)

        def test_ledger(cf_ledger):
            send(51)

        @pytest.mark.usefixtures("cf_invocation")
        def test_invocation():
            send(51)

        def test_neither(cf_ledger):
            sum(range(1_000_000))

        def test_without():
            send(51)
        """
    )
    result = project.run("--cf-plan=free")
    result.stdout.fnmatch_lines(["test_it.py LLLLL.. *"])
    result.stdout.no_fnmatch_line("CPU time")


class TestInvocation:
    """`cf_invocation` opens invocations with budgets of their own."""

    def test_it_raises_at_the_end_of_its_block(self, project: Project) -> None:
        project.write(
            test_it="""
            from sending import send

            def test_broken(cf_invocation):
                with cf_invocation(subrequests=1):
                    send(2)
                raise AssertionError("not reached")
            """
        )
        result = project.run()
        result.stdout.fnmatch_lines(
            [
                "test_it.py L *",
                ">       with cf_invocation(subrequests=1):*",
                "E*subrequests: 2 subrequests, the limit is 1",
                "test_it.py:4: CfLimitExceeded",
                "LIMITS test_it.py::test_broken - *subrequests: 2 subrequests, the limit is 1",
            ]
        )
        result.stdout.no_fnmatch_line("*broken, too*")

    def test_its_budgets_are_its_own(self, project: Project) -> None:
        project.write(
            test_it="""
            import pytest
            from sending import send

            @pytest.mark.cf_limits(subrequests=2)
            def test_it(cf_invocation, cf_ledger):
                send(2)
                for _ in range(3):
                    with cf_invocation() as invocation:
                        send(2)
                        assert cf_ledger.statistics().subrequests == 2
                assert invocation.statistics().subrequests == 2
                with cf_invocation(subrequests=9):
                    send(9)
            """
        )
        project.run().assert_outcomes(passed=1)

    def test_a_report_holds_what_it_used_to_its_own_limits(self, project: Project) -> None:
        """The one that left least is told, and gates know the most that one used."""
        project.write(
            test_it="""
            import pytest
            from sending import send

            @pytest.mark.cf_limits(subrequests=20)
            def test_it(cf_invocation):
                send(7)
                with cf_invocation(subrequests=4):
                    send(3)

            def test_broken(cf_invocation):
                with cf_invocation(subrequests=1):
                    send(2)
            """
        )
        result = project.run("--cf-gate=subrequests<=6", "--junitxml=junit.xml")
        result.stdout.fnmatch_lines(
            [
                "subrequests",
                "* 2 / 1 * over  test_it.py::test_broken",
                "* 3 / 4 * 25 % left  test_it.py::test_it",
                "  failed   subrequests<=6  7 (test_it.py::test_it); at most 6",
            ]
        )
        assert 'name="cf.subrequests" value="3/4"' in (project.path / "junit.xml").read_text()

    def test_concurrent_ones_keep_apart(self, project: Project) -> None:
        project.write(
            test_it="""
            import asyncio
            from sending import send_at_once

            async def event(cf_invocation, number):
                with cf_invocation(subrequests=number) as invocation:
                    await send_at_once(number)
                    await asyncio.sleep(0)
                return invocation.statistics()

            def test_it(cf_invocation):
                async def main():
                    return await asyncio.gather(*[event(cf_invocation, number) for number in range(1, 6)])

                found = asyncio.run(main())
                assert [one.subrequests for one in found] == [1, 2, 3, 4, 5]
                assert [one.peak_connections for one in found] == [1, 2, 3, 4, 5]
            """
        )
        project.run().assert_outcomes(passed=1)

    @pytest.mark.parametrize(
        ("keys", "message"),
        [
            ("subrequest=1", "cf_invocation has no key 'subrequest'; valid keys: connections, *"),
            ("3", "cf_invocation takes keys only, such as subrequests=5; got 3"),
            ("memory='2KBanana'", "memory='2KBanana' is not a size: *"),
            ("allow={'unread-body': ''}", "*gives no reason*"),
        ],
    )
    def test_a_wrong_key_is_an_error_at_the_users_line(self, project: Project, keys: str, message: str) -> None:
        project.write(test_it=f"def test_it(cf_invocation):\n    with cf_invocation({keys}):\n        pass\n")
        result = project.run()
        result.stdout.fnmatch_lines(
            [f">       with cf_invocation({keys}):*", f"E *LimitsError: {message}", "test_it.py:2: *"]
        )

    def test_entering_one_twice_is_an_error_at_the_users_line(self, project: Project) -> None:
        project.write(
            test_it="""
            def test_it(cf_invocation):
                invocation = cf_invocation()
                with invocation:
                    pass
                with invocation:
                    pass
            """
        )
        result = project.run()
        result.stdout.fnmatch_lines([">       with invocation:", "E *RuntimeError: This invocation has run before; *"])


class TestLedger:
    """`cf_ledger` tells what was used so far, and takes arranging out of the count."""

    def test_statistics(self, project: Project) -> None:
        project.write(
            test_it="""
            import asyncio
            from sending import leave_unread, send, send_at_once

            def test_it(cf_ledger):
                send(2)
                asyncio.run(send_at_once(3))
                response = leave_unread()
                found = cf_ledger.statistics()
                assert (found.subrequests, found.peak_connections, found.unread_bodies) == (6, 3, 1)
                response.close()
                assert cf_ledger.statistics().unread_bodies == 0
            """
        )
        project.run().assert_outcomes(passed=1)

    def test_paused(self, project: Project) -> None:
        project.write(
            test_it="""
            import pytest
            from sending import leave_unread, send

            @pytest.mark.cf_limits(subrequests=1)
            def test_it(cf_ledger):
                with cf_ledger.paused():
                    send(5)
                    leave_unread()
                send(1)
                assert cf_ledger.statistics().subrequests == 1
            """
        )
        project.run().assert_outcomes(passed=1)

    def test_before_the_test_there_is_nothing_to_tell(self, project: Project) -> None:
        project.write(
            test_it="""
            import pytest

            @pytest.fixture
            def early(cf_ledger):
                return cf_ledger.statistics()

            def test_it(early):
                pass
            """
        )
        result = project.run()
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines(["E *The invocation of a test begins with its function, after its fixtures *"])


@pytest.mark.parametrize("name", ["cf_client", "cf_sync_client", "cf_transport", "cf_invocation", "cf_ledger"])
def test_asked_for_in_the_middle_of_an_unguarded_test(project: Project, name: str) -> None:
    project.write(test_it=f'def test_it(request):\n    request.getfixturevalue("{name}")\n')
    result = project.run()
    result.assert_outcomes(failed=1)
    asked = "cf_transport" if "client" in name else name
    result.stdout.fnmatch_lines([f"test_it.py::test_it: {asked} was asked for by getfixturevalue in a test that *"])
    result.stdout.no_fnmatch_line("E  *")


def test_asked_for_in_the_middle_of_a_guarded_test(project: Project) -> None:
    project.write(
        test_it="""
        import pytest
        from sending import send

        @pytest.mark.cf_limits
        def test_it(request):
            send(2)
            assert request.getfixturevalue("cf_ledger").statistics().subrequests == 2
        """
    )
    project.run().assert_outcomes(passed=1)
