"""`--cf-connections`, `--cf-incoming` and `--cf-top`: what they change."""

import pytest
from user_project import Project

SEVEN_UNREAD = """
    from sending import leave_unread

    def test_it():
        held = [leave_unread() for _ in range(7)]
        for response in held[::-1]:
            response.close()
"""


@pytest.mark.parametrize(("model", "outcome"), [("body", {"failed": 1}), ("headers", {"passed": 1})])
def test_connections_says_how_long_one_holds_its_slot(project: Project, model: str, outcome: dict[str, int]) -> None:
    project.write(test_it=SEVEN_UNREAD)
    project.run("--cf-limits=enforce", f"--cf-connections={model}").assert_outcomes(**outcome)


APP = """
    import asyncio
    import httpx
    from sending import send

    async def app(scope, receive, send_event):
        send(int(scope["path"][1:]))
        await send_event({"type": "http.response.start", "status": 200, "headers": []})
        await send_event({"type": "http.response.body", "body": b"ok"})

    async def ask(*numbers):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://app") as client:
            await asyncio.gather(*[client.get(f"/{number}") for number in numbers])

    def test_ten_at_once():
        asyncio.run(ask(*[40] * 10))

    def test_one_spends_too_much():
        asyncio.run(ask(1, 51, 1))
"""


def test_incoming_requests_are_invocations_of_their_own(project: Project) -> None:
    project.write(test_it=APP)
    result = project.run("--cf-limits=enforce", "--cf-plan=free")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["subrequests: 51 subrequests, *", "    while the app handled GET /51"])


def test_incoming_off_counts_them_as_outgoing(project: Project) -> None:
    project.write(test_it=APP)
    result = project.run("--cf-limits=enforce", "--cf-plan=free", "--cf-incoming=off")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["connections: 1? connections at once, *", "subrequests: 410 subrequests, *"])


def test_top_is_the_number_of_rows_per_limit(project: Project) -> None:
    project.write(
        test_it="from sending import send\n" + "\n".join(f"\ndef test_{n}():\n    send({n + 1})" for n in range(7))
    )
    for args, rows in (((), 5), (("--cf-top=2",), 2), (("--cf-top=99",), 7)):
        result = project.run("--cf-limits=enforce", *args)
        assert sum(" / 10,000 " in line for line in result.outlines) == rows
    result = project.run("--cf-limits=enforce", "--cf-top=0")
    result.stdout.no_fnmatch_line("*= limits of Cloudflare Workers =*")
