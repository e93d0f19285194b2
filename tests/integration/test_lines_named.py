"""Which line a failure names where the stack alone does not tell it."""

import pytest

from tests.integration.user_project import Project

ASYNCIO = ("--asyncio-mode=auto", "-o", "asyncio_default_fixture_loop_scope=function")


def test_tasks_of_an_asynchronous_test_that_it_awaits_in_turn(project: Project) -> None:
    """No line of the user is below the loop, and no waiter is known of a task that is not awaited yet."""
    project.write(
        test_it="""
        import asyncio
        import httpx
        import pytest
        from sending import answer

        async def test_it():
            async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
                tasks = [asyncio.create_task(client.get("https://example.com/")) for _ in range(7)]
                for task in tasks:
                    await task
        """
    )
    run = project.run("--cf-limits=enforce", "--tb=line", *ASYNCIO, plugins=("asyncio",))
    run.stdout.fnmatch_lines(["*/test_it.py:10: connections: 7 connections at once, the limit is 6"])


def test_a_fan_out_is_told_with_what_is_fanned_out(project: Project) -> None:
    project.write(
        test_it="""
        import asyncio
        import httpx
        from sending import answer

        async def fetch(client, number):
            return await client.send(client.build_request("GET", f"https://example.com/{number}"), stream=True)

        async def main():
            async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
                await asyncio.gather(*(fetch(client, number) for number in range(7)))

        def test_it():
            asyncio.run(main())
        """
    )
    run = project.run("--cf-limits=enforce")
    run.stdout.fnmatch_lines(
        [
            "    open at that moment:",
            "      7 × test_it.py:6 in fetch: return await client.send(*",
            "          called from test_it.py:10 in main",
            "    opened at:",
            "      6 × test_it.py:6 in fetch: return await client.send(*",
            "          called from test_it.py:10 in main",
        ]
    )


def test_an_example_of_a_docstring_is_told_by_its_line(project: Project) -> None:
    project.write(
        module='''
        def f():
            """
            >>> from sending import answer, leave_unread
            >>> kept = leave_unread()
            >>> import httpx
            >>> client = httpx.Client(transport=httpx.MockTransport(answer))
            >>> other = client.send(client.build_request("GET", "https://example.com/"), stream=True)
            """
        '''
    )
    run = project.run("--cf-limits=enforce", "--doctest-modules", "module.py")
    run.stdout.fnmatch_lines(
        [
            "          called from module.py:4 in module.f",
            "      module.py:7 in module.f: >>> other = client.send(*",
        ]
    )


@pytest.mark.parametrize("leaves", ["", "import shutil; shutil.rmtree(tmp_path)"])
def test_paths_are_the_same_whatever_folder_a_test_leaves_the_run_in(
    project: Project, monkeypatch: pytest.MonkeyPatch, leaves: str
) -> None:
    monkeypatch.chdir(project.path)  # put back what the test below changes
    project.write(
        test_it=f"""
        import os
        from sending import leave_unread

        def test_it(tmp_path):
            os.chdir(tmp_path)
            leave_unread()
            {leaves}
        """
    )
    run = project.run("--cf-limits=enforce", "-p", "no:cacheprovider")
    run.stdout.fnmatch_lines(["      sending.py:* in leave_unread: *", "          called from test_it.py:6 in test_it"])
