"""`--cf-limits`: which tests are guarded, and whether they fail."""

import pytest

from tests.integration.user_project import Project

UNMARKED = """
    from sending import send

    def test_spends():
        send(10_001)
"""
MARKED = """
    import pytest
    from sending import send

    @pytest.mark.cf_limits(subrequests=1)
    def test_spends():
        send(2)
"""


def test_by_default_an_unmarked_test_is_not_guarded(project: Project) -> None:
    project.write(test_it="from sending import send\n\ndef test_spends():\n    send(60)\n")
    result = project.run("--cf-plan=free")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*limits of Cloudflare Workers*")


def test_by_default_a_marked_test_is_guarded(project: Project) -> None:
    project.write(test_it=MARKED)
    assert project.run().ret is pytest.ExitCode.TESTS_FAILED


def test_enforce_guards_every_test_with_the_numbers_of_the_plan(project: Project) -> None:
    project.write(test_it="from sending import send\n\ndef test_spends():\n    send(51)\n")
    result = project.run("--cf-limits=enforce", "--cf-plan=free")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["subrequests: 51 subrequests, the limit is 50 (free plan)"])


def test_off_makes_marks_inert_even_wrong_ones(project: Project) -> None:
    project.write(
        test_it="""
        import pytest
        from sending import send

        @pytest.mark.cf_limits(subrequests=1)
        def test_spends():
            send(2)

        @pytest.mark.cf_limits(nonsense=1)
        def test_wrong():
            pass
        """
    )
    result = project.run("--cf-limits=off")
    result.assert_outcomes(passed=2)
    result.stdout.no_fnmatch_line("*= limits of Cloudflare Workers =*")


def test_off_is_silent_about_fixtures_too(project: Project) -> None:
    """Fixtures hand out working clients and count nothing that is shown."""
    project.write(
        test_it="""
        from sending import send

        def test_spends(cf_ledger):
            send(2)
            assert cf_ledger.statistics().subrequests == 2
        """
    )
    result = project.run("--cf-limits=off")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*= limits of Cloudflare Workers =*")


class TestReport:
    """`--cf-limits=report` measures every test and fails none."""

    def test_it_lists_what_enforce_would_fail_and_where(self, project: Project) -> None:
        project.write(test_it=MARKED)
        result = project.run("--cf-limits=report")
        result.assert_outcomes(passed=1)
        assert result.ret is pytest.ExitCode.OK
        result.stdout.fnmatch_lines(
            [
                "1 test would fail with --cf-limits=enforce",
                "  test_it.py::test_spends",
                "    subrequests: 2 subrequests, the limit is 1",
                "    sending.py:* in send",
            ]
        )

    def test_it_changes_no_outcome(self, project: Project) -> None:
        """Nothing is queued, cancelled or raised: what a test sees is what it saw before."""
        project.write(
            test_it="""
            import asyncio

            import httpx
            import pytest
            from sending import answer, leave_unread, send_at_once

            def test_passes_beyond_the_slots():
                asyncio.run(send_at_once(20))

            def test_reads_the_oldest_of_ten_open_bodies():
                with httpx.Client(transport=httpx.MockTransport(answer)) as client:
                    responses = [leave_unread(client) for _ in range(10)]
                    assert responses[0].read() == b"body"

            def test_fails():
                assert 1 == 2

            @pytest.mark.xfail(strict=True)
            def test_expected_to_fail():
                assert 1 == 2

            @pytest.mark.xfail
            def test_expected_to_fail_and_passes():
                leave_unread()

            def test_skips():
                leave_unread()
                pytest.skip("not here")
            """
        )
        expected = {"passed": 2, "failed": 1, "xfailed": 1, "xpassed": 1, "skipped": 1}
        project.run("--cf-limits=off").assert_outcomes(**expected)
        result = project.run("--cf-limits=report")
        result.assert_outcomes(**expected)
        # What leaves off would be skipped then, too, and what is expected to fail would do so.
        result.stdout.fnmatch_lines(["2 tests would fail with --cf-limits=enforce"])
        project.run("--cf-limits=enforce").assert_outcomes(passed=0, failed=3, xfailed=2, skipped=1)

    def test_nothing_is_listed_where_nothing_would_fail(self, project: Project) -> None:
        project.write(test_it="from sending import send\n\ndef test_spends():\n    send(2)\n")
        result = project.run("--cf-limits=report")
        result.stdout.fnmatch_lines(["*= limits of Cloudflare Workers =*"])
        result.stdout.no_fnmatch_line("*would fail*")

    def test_top_cuts_the_list_and_says_how_to_see_all(self, project: Project) -> None:
        project.write(
            test_it="from sending import leave_unread\n"
            + "\n".join(f"\ndef test_{n}():\n    leave_unread()" for n in range(4))
        )
        result = project.run("--cf-limits=report", "--cf-top=1")
        result.stdout.fnmatch_lines(["4 tests would fail*", "*and 3 more tests: --cf-top=4 names them all"])
        assert "more tests: --cf-top" not in project.run("--cf-limits=report", "--cf-top=4").stdout.str()


def test_report_leaves_a_test_that_is_expected_to_fail_as_it_is(project: Project) -> None:
    project.write(
        test_it="""
        import pytest
        from sending import send

        @pytest.mark.xfail(strict=True)
        @pytest.mark.cf_limits(subrequests=1)
        def test_always():
            send(2)

        @pytest.mark.xfail(True, reason="here", strict=True)
        @pytest.mark.cf_limits(subrequests=1)
        def test_here():
            send(2)

        @pytest.mark.xfail(condition=False, reason="elsewhere", strict=True)
        @pytest.mark.cf_limits(subrequests=1)
        def test_elsewhere():
            send(2)

        @pytest.mark.xfail
        def test_unmarked():
            send(51)
        """
    )
    project.run("--cf-limits=report", "--cf-plan=free").assert_outcomes(xfailed=2, passed=1, xpassed=1)
