"""`--cf-report`: reports of the run, also of one that did not come to its end."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pytest_cfworkers.report.files import read
from pytest_cfworkers.report.run import Run
from tests.integration.user_project import OTHERS, Project

TESTS = """
    import asyncio

    import pytest
    from sending import send, send_at_once

    def test_within():
        send(1)

    def test_beyond():
        asyncio.run(send_at_once(7))
"""


def run_of(project: Project, *args: str, plugins: tuple[str, ...] = ()) -> tuple[pytest.RunResult, Run]:
    """Run the tests with a JSON report and read it."""
    result = project.run("--cf-limits=enforce", "--cf-report=run.json", *args, plugins=plugins)
    return result, read(project.path / "run.json")


def names(run: Run) -> list[str]:
    return [record.nodeid.partition("::")[2] for record in run.tests]


@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_the_json_report_tells_all_of_each_test(project: Project, workers: tuple[str, ...]) -> None:
    project.ini(pythonpath=".")
    project.write(**{"tests/test_it": TESTS})
    result, run = run_of(project, *workers, plugins=("xdist",) if workers else ())
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["-*- generated report: run.json -*"])
    assert (run.complete, run.problems) == (True, ())
    assert run.settings["cf_limits"] == "enforce"
    beyond, within = run.tests
    assert (beyond.nodeid, beyond.path, beyond.line) == ("tests/test_it.py::test_beyond", "tests/test_it.py", 9)
    assert (beyond.outcome, within.outcome) == ("failed", "passed")
    assert beyond.duration_ms > 0
    (found,) = beyond.violations
    assert found.rule == "connections"
    assert [frame.path for frame in found.frames] == ["sending.py"]
    (timeline,) = beyond.timelines
    assert len(timeline.spans) == 7
    assert sum(span.beyond for span in timeline.spans) == 1
    assert {span.frames for span in timeline.spans} == {found.frames}
    assert len(within.timelines[0].spans) == 1


def test_every_kind_is_written(project: Project) -> None:
    project.write(test_it=TESTS)
    (project.path / "out").mkdir()
    project.run("--cf-limits=enforce", "--cf-report=out/r.md", "--cf-report", "out/R.SARIF", "--cf-report=out/r.json")
    assert sorted(path.name for path in (project.path / "out").iterdir()) == ["R.SARIF", "r.json", "r.md"]
    assert "1 test breaks limits" in (project.path / "out/r.md").read_text(encoding="utf-8")
    assert json.loads((project.path / "out/R.SARIF").read_bytes())["version"] == "2.1.0"


def test_an_ini_file_and_a_variable_hold_several(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write(test_it=TESTS)
    project.ini(cf_report="\n  a.json\n  a.md")
    project.run("--cf-limits=enforce")
    monkeypatch.setenv("PYTEST_CF_REPORT", "b.json; b.md")
    project.run("--cf-limits=enforce")
    assert {path.name for path in project.path.glob("[ab].*")} == {"a.json", "a.md", "b.json", "b.md"}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("run.txt", "--cf-report: 'run.txt' is not valid; valid: a path that ends in .html, .json, .sarif, .md"),
        ("run", "--cf-report: 'run' is not valid; valid: a path that ends in"),
        ("none/run.json", "--cf-report: the folder *none does not exist; make it first, or choose another"),
        ("folder.json", "--cf-report: *folder.json is a folder; valid: a path of a file"),
        ("file.py/run.json", "--cf-report: the folder *file.py does not exist"),
    ],
)
@pytest.mark.parametrize("workers", [(), ("-n1",)])
def test_a_path_that_cannot_be_written_is_refused_before_the_first_test(
    project: Project, path: str, said: str, workers: tuple[str, ...]
) -> None:
    project.write(test_it="open('ran', 'w')\n", file="")
    (project.path / "folder.json").mkdir()
    result = project.run(f"--cf-report={path}", *workers, plugins=("xdist",) if workers else ())
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {said}*"])
    assert not (project.path / "ran").exists()


def test_a_folder_that_takes_no_file_is_refused(project: Project) -> None:
    assert re.search(
        r"--cf-report: /proc/run\.json cannot be written: .* in /proc", project.refuse("--cf-report=/proc/run.json")
    )


def test_what_fails_at_the_end_fails_the_run_and_is_told(project: Project) -> None:
    project.write(
        test_it="""
        import pathlib, shutil

        def test_it():
            shutil.rmtree("out")
        """
    )
    (project.path / "out").mkdir()
    result = project.run("--cf-limits=enforce", "--cf-report=out/run.json", "--cf-report=run.md")
    assert result.ret is pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["ERROR: the report *run.json could not be written: No such file or directory"])
    assert (project.path / "run.md").exists()


def test_a_run_in_which_nothing_is_guarded_says_so(project: Project) -> None:
    project.write(test_it="def test_it():\n    pass\n")
    project.run("--cf-report=run.json")
    run = read(project.path / "run.json")
    assert run.complete
    assert run.problems == ("no test was guarded: --cf-limits=enforce guards all, the mark cf_limits one",)


def test_collecting_alone_leaves_the_old_report(project: Project) -> None:
    project.write(test_it=TESTS)
    project.run("--cf-limits=enforce", "--cf-report=run.json", "--collect-only")
    assert not (project.path / "run.json").exists()


# a run that does not come to its end

ENDING = """
    import os

    import pytest
    from sending import send

    def test_first():
        send(1)

    def test_second():
        {end}

    def test_third():
        send(1)
"""


@pytest.mark.parametrize(
    ("end", "args", "known", "problem"),
    [
        ("pytest.exit('enough')", (), ["test_first"], "ended early: enough"),
        ("send(1); assert 0", ("-x",), ["test_first", "test_second"], "ended early: stopping after 1 failures"),
    ],
)
@pytest.mark.parametrize("suffix", [".json", ".md", ".sarif"])
def test_a_run_that_ends_early_is_written_and_marked(
    project: Project, end: str, args: tuple[str, ...], known: list[str], problem: str, suffix: str
) -> None:
    project.write(test_it=ENDING.format(end=end))
    _, run = run_of(project, *args, f"--cf-report=again{suffix}")
    assert not run.complete
    assert run.problems == (problem,)
    assert names(run) == known
    text = (project.path / f"again{suffix}").read_text(encoding="utf-8")
    assert {".json": '"complete": false', ".md": "not complete", ".sarif": '"executionSuccessful": false'}[
        suffix
    ] in text
    assert problem in text


def test_control_c_leaves_what_is_known(project: Project) -> None:
    project.write(test_it=ENDING.format(end="raise KeyboardInterrupt"))
    without = [f"-pno:{name}" for name in OTHERS]
    args = (*without, "--cf-limits=enforce", "--cf-report=run.json")
    result = project.pytester.runpytest_inprocess(*args, no_reraise_ctrlc=True)
    assert result.ret is pytest.ExitCode.INTERRUPTED
    run = read(project.path / "run.json")
    assert not run.complete
    assert run.problems == ("ended early: interrupted by the keyboard",)
    assert names(run) == ["test_first"]


def test_a_crashed_worker_leaves_what_the_others_know(project: Project) -> None:
    project.write(test_it=ENDING.format(end="os._exit(1)"))
    _, run = run_of(project, "-n1", plugins=("xdist",))
    assert not run.complete
    assert run.problems == (
        "worker gw0 crashed",
        "test_it.py::test_second was running when its worker crashed: what it used is not known",
    )
    assert names(run) == ["test_first", "test_third"]


def test_stopping_early_with_workers_is_marked(project: Project) -> None:
    project.write(test_it=ENDING.format(end="send(1); assert 0"))
    _, run = run_of(project, "-n1", "-x", plugins=("xdist",))
    assert not run.complete
    assert run.problems == ("ended early: stopping after 1 failures",)
    assert "test_second" in names(run)


def test_a_file_that_cannot_be_collected_is_named(project: Project) -> None:
    project.write(test_it=TESTS, test_broken="import nothing_like_it")
    _, run = run_of(project, "--continue-on-collection-errors")
    assert not run.complete
    assert run.problems == ("test_broken.py could not be collected",)
    assert names(run) == ["test_beyond", "test_within"]


def test_a_test_that_fails_when_it_is_torn_down_has_failed(project: Project) -> None:
    project.write(
        test_it="""
        import pytest

        @pytest.fixture
        def broken():
            yield
            assert 0

        def test_it(broken):
            pass
        """
    )
    _, run = run_of(project)
    assert [record.outcome for record in run.tests] == ["failed"]


def test_a_test_that_is_run_again_is_told_as_it_was_last(project: Project) -> None:
    project.write(
        test_it="""
        from sending import send

        times = []

        def test_it():
            times.append(1)
            send(len(times))
            assert len(times) == 2
        """
    )
    result, run = run_of(project, "--reruns=1", "--junitxml=junit.xml", plugins=("rerunfailures",))
    result.assert_outcomes(passed=1)
    assert [(record.outcome, record.usage["subrequests"].used) for record in run.tests] == [("passed", 2)]
    text = (project.path / "junit.xml").read_text()
    assert text.count('"cf.subrequests" value="1/10000"') == text.count('"cf.subrequests" value="2/10000"') == 1


# what was open when, under a failure


@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_a_failure_shows_what_was_open_when(
    project: Project, monkeypatch: pytest.MonkeyPatch, workers: tuple[str, ...]
) -> None:
    """In the width of the terminal that shows it, without any option, and once."""
    monkeypatch.setenv("COLUMNS", "90")
    project.write(test_it=TESTS)
    result = project.run("--cf-limits=enforce", *workers, plugins=("xdist",) if workers else ())
    start = next(number for number, line in enumerate(result.outlines) if "- connections over time -" in line)
    shown = result.outlines[start : start + 11]
    assert {len(line) for line in shown[2:10]} == {90}
    assert [line[:26] for line in shown[2:9]] == ["GET https://example.com/ │"] * 7
    assert shown[8].count("·")
    assert shown[9].startswith("want a slot")
    assert shown[10] == "· queued  ▒ waits for headers  █ body unread  ✗ evicted"
    assert sum("connections over time" in line for line in result.outlines) == 1


@pytest.mark.parametrize(("encoding", "legend"), [("ascii", ". queued  - waits*"), ("utf-8", "· queued  ▒ waits*")])
def test_it_is_drawn_in_the_characters_that_the_terminal_has(
    project: Project, monkeypatch: pytest.MonkeyPatch, encoding: str, legend: str
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    project.write(test_it=TESTS)
    without = [f"-pno:{name}" for name in OTHERS]
    result = project.pytester.runpytest_subprocess(*without, "--cf-limits=enforce")
    result.stdout.fnmatch_lines(["*- connections over time -*", legend])


def test_an_app_is_drawn_with_the_request_that_broke_the_limit(project: Project) -> None:
    project.write(
        test_it="""
        import asyncio

        import httpx
        from sending import send, send_at_once

        async def app(scope, receive, send_event):
            await send_at_once(8)
            await send_event({"type": "http.response.start", "status": 200, "headers": []})
            await send_event({"type": "http.response.body", "body": b""})

        def test_it():
            send(1)

            async def run():
                async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
                    await client.get("http://app/path?token=s3cret")

            asyncio.run(run())
        """
    )
    result, run = run_of(project)
    (record,) = run.tests
    assert [(timeline.name, len(timeline.spans)) for timeline in record.timelines] == [
        ("test_it.py::test_it", 1),
        ("GET /path", 8),
    ]
    assert sum(line.startswith("GET https://example.com/ │") for line in result.outlines) == 8


def test_a_failure_of_another_kind_shows_none(project: Project) -> None:
    project.write(test_it="from sending import send\n\ndef test_it():\n    send(2)\n")
    result = project.run("--cf-limits=enforce", "--cf-report=run.json", "-o", "cf_plan=free", "-k", "test_it")
    result.assert_outcomes(passed=1)
    project.write(
        test_it="""
        import pytest
        from sending import send

        @pytest.mark.cf_limits(subrequests=1)
        def test_it():
            send(2)
        """
    )
    result = project.run("--cf-report=run.json")
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*connections over time*")


# what GitHub Actions shows


@pytest.fixture
def github(project: Project, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set what GitHub Actions sets; the file of the step's summary."""
    summary = project.path / "summary.md"
    summary.write_text("from another step\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_WORKSPACE", str(project.path.parent))
    return summary


@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_github_is_told_by_itself(project: Project, github: Path, workers: tuple[str, ...]) -> None:
    """The summary of the step, once, behind what others wrote; the annotation, once, from the repository's root."""
    project.write(test_it=TESTS)
    result = project.run("--cf-limits=enforce", *workers, plugins=("xdist",) if workers else ())
    summary = github.read_text(encoding="utf-8")
    assert summary.startswith("from another step\n### ❌ 1 test breaks limits of Cloudflare Workers\n")
    assert summary.count("###") == 1
    (line,) = [line for line in result.outlines if "::error" in line]
    assert line.startswith(
        f"::error file={project.path.name}/sending.py,line=20,title=connections::"
        "7 connections at once, the limit is 6%0A"
    )
    assert line.endswith("%0Atest_it.py::test_beyond")


EXPECTED = """
    import asyncio

    import pytest
    from sending import send_at_once

    @pytest.mark.xfail(strict=True)
    def test_known():
        asyncio.run(send_at_once(7))
"""


@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_what_a_test_breaks_that_is_expected_to_fail_is_told_and_nowhere_as_broken(
    project: Project, github: Path, workers: tuple[str, ...]
) -> None:
    project.write(test_it=EXPECTED)
    args = ("--cf-gate=violations==0", "--cf-gate=headroom>=20%", "--cf-report=run.sarif", *workers)
    result, run = run_of(project, *args, plugins=("xdist",) if workers else ())
    result.assert_outcomes(xfailed=1)
    assert result.ret is pytest.ExitCode.OK
    (known,) = run.tests
    assert (known.outcome, known.violations, [found.rule for found in known.expected]) == (
        "skipped",
        (),
        ["connections"],
    )
    result.stdout.fnmatch_lines(["* 7 / 6 *over, expected  test_it.py::test_known"])
    result.stdout.no_fnmatch_line("*::error*")
    assert "### ✅ 1 test within" in github.read_text(encoding="utf-8")
    assert json.loads((project.path / "run.sarif").read_bytes())["runs"][0]["results"] == []


def test_github_is_told_nothing_of_a_run_in_which_nothing_is_guarded(project: Project, github: Path) -> None:
    project.write(test_it="def test_it():\n    pass\n")
    result = project.run()
    assert github.read_text(encoding="utf-8") == "from another step\n"
    result.stdout.no_fnmatch_line("*::*")


def test_a_report_of_what_is_not_enforced_warns(project: Project, github: Path) -> None:
    project.write(test_it=TESTS)
    result = project.run("--cf-limits=report", "--cf-report=run.sarif")
    assert result.ret is pytest.ExitCode.OK
    assert sum(line.startswith("::warning file=") for line in result.outlines) == 1
    told: Any = json.loads((project.path / "run.sarif").read_bytes())
    assert [found["level"] for found in told["runs"][0]["results"]] == ["warning"]
    assert "1 test breaks" in github.read_text(encoding="utf-8")


def test_a_summary_that_cannot_be_written_fails_nothing_but_is_told(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project.path / "none" / "summary.md"))
    project.write(test_it="def test_it(cf_client):\n    pass\n")
    result = project.run()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["ERROR: GITHUB_STEP_SUMMARY=*summary.md could not be written: No such file or directory"]
    )


# JUnit


@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_junit_has_the_figures_of_each_test(project: Project, workers: tuple[str, ...]) -> None:
    project.write(test_it=TESTS)
    project.run("--cf-limits=enforce", "--junitxml=junit.xml", *workers, plugins=("xdist",) if workers else ())
    text = (project.path / "junit.xml").read_text()
    assert '<property name="cf.connections" value="7/6" />' in text
    assert '<property name="cf.subrequests" value="1/10000" />' in text
    assert text.count("cf.connections") == 2
