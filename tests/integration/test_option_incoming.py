"""`--cf-incoming`: whether requests into an app under test are invocations of their own."""

from tests.integration.user_project import Project

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
