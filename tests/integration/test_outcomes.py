"""What a broken limit does to the outcome of a test, and how pytest shows it."""

import html

import pytest

from tests.integration.user_project import Project

BROKEN = """
    import pytest
    from sending import send

    @pytest.mark.cf_limits(subrequests=1)
    def test_broken():
        send(2)
"""
HEADLINE = "subrequests: 2 subrequests, the limit is 1"


def test_the_failure_is_the_message_alone(project: Project) -> None:
    """No traceback: where it happened is in the message."""
    project.write(test_it=BROKEN)
    result = project.run()
    assert result.ret is pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "*_ test_broken _*",
            HEADLINE,
            "    sent from:",
            "      2 × sending.py:15 in send: client.get(*)",
            "          called from test_it.py:6 in test_broken",
            "  Each request counts, and each hop of a redirect. The limit is your own. The",
            "  platform refuses what is beyond 10,000:",
            '  "Too many subrequests by single Worker invocation".',
            "  Fix:",
            "      client.get(url, params={'per_page': 100})*",
            "      await env.QUEUE.sendBatch(rest)*",
            '  On purpose? @pytest.mark.cf_limits(allow={"subrequests": "the reason"})',
            "  https://developers.cloudflare.com/workers/platform/limits/#subrequests",
        ],
        consecutive=True,
    )
    result.stdout.fnmatch_lines(["test_it.py L *"])
    result.stdout.no_fnmatch_line(">*")
    result.stdout.no_fnmatch_line("E  *")
    result.stdout.fnmatch_lines([f"* test_it.py::test_broken - {HEADLINE}", "*= 1 failed in *"])


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("short", [HEADLINE]),
        ("long", [HEADLINE]),
        ("native", [HEADLINE]),
        ("line", [f"*sending.py:15: {HEADLINE}"]),
        ("no", [f"* test_it.py::test_broken - {HEADLINE}"]),
    ],
)
def test_tracebacks_of_every_style(project: Project, style: str, expected: list[str]) -> None:
    project.write(test_it=BROKEN)
    project.run(f"--tb={style}").stdout.fnmatch_lines(expected)


def test_verbose_says_limits(project: Project) -> None:
    project.write(test_it=BROKEN)
    project.run("-v").stdout.fnmatch_lines(["test_it.py::test_broken LIMITS *"])


def test_quiet_shows_no_summary(project: Project) -> None:
    project.write(test_it=BROKEN)
    result = project.run("-q")
    result.stdout.fnmatch_lines([HEADLINE])
    result.stdout.no_fnmatch_line("*= limits of Cloudflare Workers =*")
    result.stdout.no_fnmatch_line("cfworkers: *")


def test_double_verbose_names_every_test_in_the_summary(project: Project) -> None:
    project.write(
        test_it="from sending import send\n"
        + "\n".join(f"\ndef test_{number}():\n    send({number + 1})" for number in range(8))
    )
    result = project.run("--cf-limits=enforce", "--cf-plan=free", "--cf-top=2")
    result.stdout.fnmatch_lines(["*8 / 50*test_7", "*7 / 50*test_6", "  … and 6 more tests"])
    result = project.run("--cf-limits=enforce", "-vv", "--cf-top=2")
    result.stdout.fnmatch_lines(["*8 / 10,000*test_7", "*1 / 10,000*test_0"])
    result.stdout.no_fnmatch_line("*… and * more tests")


def test_exitfirst_stops_at_a_broken_limit(project: Project) -> None:
    project.write(test_it=BROKEN + "\n    def test_next():\n        pass\n")
    project.run("-x").assert_outcomes(failed=1)


def test_junitxml_has_the_message(project: Project) -> None:
    project.write(test_it=BROKEN)
    project.run("--junitxml=junit.xml")
    text = html.unescape((project.path / "junit.xml").read_text(encoding="utf-8"))
    assert f'<failure message="{HEADLINE}">' in text
    assert "called from test_it.py:6 in test_broken" in text


def test_several_broken_rules_are_told_together(project: Project) -> None:
    project.write(
        test_it="""
        import asyncio
        import pytest
        from sending import leave_unread, send_at_once

        @pytest.mark.cf_limits(subrequests=7)
        def test_broken():
            asyncio.run(send_at_once(20))
            leave_unread()
        """
    )
    project.run().stdout.fnmatch_lines(
        ["connections: 20 connections at once*", "unread-body: 1 *", "subrequests: 21 subrequests, the limit is 7"]
    )


def test_the_own_failure_of_a_test_wins(project: Project) -> None:
    """Its outcome and its traceback stay; what was broken is a section of its report."""
    project.write(
        test_it="""
        import pytest
        from sending import send

        @pytest.mark.cf_limits(subrequests=1)
        def test_fails():
            send(2)
            assert 1 == 2, "mine"
        """
    )
    result = project.run()
    result.stdout.fnmatch_lines(
        [
            "test_it.py F *",
            "E       AssertionError: mine",
            "*- limits of Cloudflare Workers that were broken, too -*",
            HEADLINE,
            "FAILED test_it.py::test_fails - AssertionError: mine*",
        ]
    )


def test_exceptions_in_tasks_stay_the_tests_own(project: Project) -> None:
    project.write(
        test_it="""
        import asyncio
        import pytest
        from sending import send_at_once

        async def work():
            await send_at_once(2)
            raise ValueError("mine")

        async def main():
            async with asyncio.TaskGroup() as group:
                group.create_task(work())

        @pytest.mark.cf_limits(subrequests=1)
        def test_fails():
            asyncio.run(main())
        """
    )
    result = project.run()
    result.stdout.fnmatch_lines(["test_it.py F *", "*ValueError: mine", "*broken, too*", HEADLINE])


def test_skips_and_expected_failures(project: Project) -> None:
    project.write(
        test_it="""
        import pytest
        from pytest_cfworkers import CfLimitExceeded
        from sending import send

        pytestmark = pytest.mark.cf_limits(subrequests=1)

        @pytest.mark.skip
        def test_skipped_before():
            send(2)

        def test_skipped_inside():
            send(2)
            pytest.skip("no")

        @pytest.mark.xfail
        def test_xfail():
            send(2)

        @pytest.mark.xfail(strict=True)
        def test_xfail_strict():
            send(2)

        @pytest.mark.xfail(raises=CfLimitExceeded, strict=True)
        def test_xfail_for_limits():
            send(2)

        @pytest.mark.xfail(raises=ValueError)
        def test_xfail_for_something_else():
            send(2)

        @pytest.mark.xfail(strict=True)
        def test_xpass_strict():
            send(1)

        @pytest.mark.xfail
        def test_xpass():
            send(1)

        def test_xfail_inside():
            send(2)
            pytest.xfail("known")
        """
    )
    result = project.run("-rA")
    result.assert_outcomes(skipped=2, xfailed=4, failed=2, xpassed=1)
    result.stdout.fnmatch_lines(["test_it.py ssxxxLFXx *"])


def test_set_up_and_tear_down_do_not_count(project: Project) -> None:
    project.write(
        test_it="""
        import pytest
        from sending import leave_unread, send

        pytestmark = pytest.mark.cf_limits(subrequests=1)

        @pytest.fixture
        def seeded():
            send(5)
            leave_unread()
            yield
            send(5)

        def setup_function():
            send(5)

        def teardown_function():
            send(5)

        def test_it(seeded):
            send(1)
        """
    )
    result = project.run()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["* 1 / 1 *"])


def test_errors_around_a_test_stay_errors(project: Project) -> None:
    project.write(
        test_it="""
        import pytest
        from sending import send

        pytestmark = pytest.mark.cf_limits(subrequests=1)

        @pytest.fixture
        def broken_before():
            send(5)
            raise ValueError("before")

        @pytest.fixture
        def broken_after():
            yield
            send(5)
            raise ValueError("after")

        def test_before(broken_before):
            send(2)

        def test_after(broken_after):
            send(1)

        def test_both(broken_after):
            send(2)
        """
    )
    result = project.run()
    result.assert_outcomes(errors=3, passed=1, failed=1)
    result.stdout.fnmatch_lines(["test_it.py E.ELE *"])


def test_a_limit_that_a_test_catches_itself_is_no_failure(project: Project) -> None:
    project.write(
        test_it="""
        import pytest
        from pytest_cfworkers import CfLimitExceeded
        from sending import send

        def test_it(cf_invocation):
            with pytest.raises(CfLimitExceeded, match="2 subrequests, the limit is 1"):
                with cf_invocation(subrequests=1):
                    send(2)
        """
    )
    project.run().assert_outcomes(passed=1)


def test_a_narrow_terminal_keeps_the_end_of_the_ids(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    name = "test_" + "long_" * 20 + "end"
    project.write(test_it=f"from sending import send\n\ndef {name}():\n    send(1)\n")
    result = project.run("--cf-limits=enforce")
    lines = [line for line in result.outlines if line.endswith("_end") and "% left" in line]
    assert lines
    assert all(len(line) <= 70 for line in lines)


@pytest.mark.parametrize("kind", ["", "async "])
def test_reading_what_was_evicted_fails_in_the_users_line_and_shows_no_line_of_the_plugin(
    project: Project, kind: str
) -> None:
    project.write(
        test_it=f"""
        import asyncio
        import httpx
        from sending import answer

        async def read_seven():
            transport = httpx.MockTransport(answer)
            client = httpx.{"AsyncClient" if kind else "Client"}(transport=transport)
            sent = [client.build_request("GET", "https://example.com/") for _ in range(7)]
            responses = [{"await " if kind else ""}client.send(request, stream=True) for request in sent]
            {kind}for part in responses[0].iter_bytes() if {not kind} else responses[0].aiter_bytes():
                pass

        def test_it():
            asyncio.run(read_seven())
        """
    )
    result = project.run("--cf-limits=enforce")  # which fails where a line of the plugin is shown
    result.stdout.fnmatch_lines(
        ["test_it.py:10: in read_seven", "E *ReadError: Response closed due to connection limit"]
    )


@pytest.mark.parametrize("style", ["auto", "native", "line", "no"])
def test_the_short_summary_begins_with_the_rule_wherever_a_limit_was_broken(
    project: Project, monkeypatch: pytest.MonkeyPatch, style: str
) -> None:
    """Also where pytest shows the line that raised, because the test opened a block itself or asserted something."""
    monkeypatch.setenv("COLUMNS", "100")
    project.write(
        test_it="""
        from sending import send

        def test_block(cf_invocation):
            try:
                raise ValueError("which is told, too")
            except ValueError:
                with cf_invocation(subrequests=1):
                    send(2)

        def test_memory(cf_memory):
            held = bytearray(8 * 2**20)
            cf_memory.assert_under("1 MB")
        """
    )
    result = project.run(f"--tb={style}", shows_plugin=style == "native")
    result.stdout.fnmatch_lines(
        [
            "LIMITS test_it.py::test_block - subrequests: 2 subrequests, the limit is 1",
            "FAILED test_it.py::test_memory - memory: * MB held at once, the limit is 1 MB",
        ]
    )
    if style == "auto":
        result.stdout.fnmatch_lines(
            [
                "E *ValueError: which is told, too",
                "> *with cf_invocation(subrequests=1):",
                "E *pytest_cfworkers.violation.CfLimitExceeded: subrequests: 2 subrequests, the limit is 1",
                "test_it.py:*: CfLimitExceeded",
            ]
        )


def test_the_lines_of_subtests_name_them(project: Project) -> None:
    project.write(
        test_it="""
        from sending import send

        def test_it(subtests, cf_invocation):
            for number in (1, 2):
                with subtests.test("some", number=number), cf_invocation(subrequests=1):
                    send(number)
            with subtests.test(), cf_invocation(subrequests=1):
                send(2)
        """
    )
    project.run("-v").stdout.fnmatch_lines(
        [
            "test_it.py::test_it LIMITS ?some? (number=2) *",
            "LIMITS ?some? (number=2) test_it.py::test_it - subrequests: *",
            "LIMITS (<subtest>) test_it.py::test_it - subrequests: *",
        ]
    )
