"""`--cf-wrangler` and the wrangler file of the rootdir: the Worker's own limits."""

from typing import Final

import pytest

from tests.integration.user_project import Project

LIMITS = {
    "wrangler.toml": "# the Worker\ncompatibility_date = 2026-04-01\n[limits]\ncpu_ms = 50\nsubrequests = 3\n",
    "wrangler.json": '{"compatibility_date": "2026-04-01", "limits": {"cpu_ms": 50, "subrequests": 3}}',
    "wrangler.jsonc": """{
        // the Worker
        "compatibility_date": "2026-04-01", /* a day */
        "limits": {"cpu_ms": 50, "subrequests": 3,},
    }""",
}


@pytest.fixture(autouse=True)
def tests(project: Project) -> None:
    project.write(
        test_it="""
        from sending import send

        def test_three():
            send(3)

        def test_four():
            send(4)
        """
    )


@pytest.mark.parametrize("name", LIMITS)
def test_the_file_of_the_rootdir_is_found(project: Project, name: str) -> None:
    """The header shows it, and its subrequests fail tests."""
    (project.path / name).write_text(LIMITS[name])
    result = project.run("--cf-limits=enforce")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            f"cfworkers: limits=enforce, *, {name}: cpu_ms=50, subrequests=3, compatibility_date=2026-04-01",
            "subrequests: 4 subrequests, the limit is 3 (wrangler)",
        ]
    )


def test_wranglers_own_order_decides_between_files(project: Project) -> None:
    for name, text in LIMITS.items():
        (project.path / name).write_text(text)
    project.run().stdout.fnmatch_lines(["cfworkers: *wrangler.json: *"])


def test_a_path_of_the_command_line_is_relative_to_where_pytest_was_called(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As is one in the environment; one in an ini file is relative to the rootdir."""
    project.ini()
    for folder in (".", "sub"):
        (project.path / folder).mkdir(exist_ok=True)
        (project.path / folder / "w.toml").write_text(f"[limits]\ncpu_ms = {len(folder)}\n")
    monkeypatch.chdir(project.path / "sub")
    project.run("--cf-wrangler=w.toml", "..").stdout.fnmatch_lines(["cfworkers: *w.toml: cpu_ms=3"])
    monkeypatch.setenv("PYTEST_CF_WRANGLER", "w.toml")
    project.run("..").stdout.fnmatch_lines(["cfworkers: *w.toml: cpu_ms=3"])
    monkeypatch.delenv("PYTEST_CF_WRANGLER")
    project.ini(cf_wrangler="w.toml")
    project.run("..").stdout.fnmatch_lines(["cfworkers: *w.toml: cpu_ms=1"])
    project.run("..", f"--cf-wrangler={project.path / 'w.toml'}").stdout.fnmatch_lines(["cfworkers: *cpu_ms=1"])


BROKEN: Final[dict[str, tuple[str, str, str]]] = {
    "no toml": ("w.toml", "limits = [", "{path} is broken: *(at *)"),
    "no json": ("w.json", '{"limits": ', "{path} is broken: *"),
    "unquoted keys": ("w.jsonc", "{limits: {}}", "{path} is broken: *"),
    "no mapping": ("w.json", "[1]", "{path} holds list, not a mapping of settings"),
    "no text": ("w.toml", "\xff\xfe", "{path} cannot be read: *"),
    "limits no mapping": ("w.json", '{"limits": 5}', "{path}: limits = 5 is not a mapping"),
    "cpu_ms a text": (
        "w.toml",
        '[limits]\ncpu_ms = "50"\n',
        "{path}: limits.cpu_ms = '50' is not a limit; valid: a positive integer",
    ),
    "cpu_ms a bool": ("w.toml", "[limits]\ncpu_ms = true\n", "{path}: limits.cpu_ms = True is not a limit; *"),
    "subrequests 0": ("w.json", '{"limits": {"subrequests": 0}}', "{path}: limits.subrequests = 0 is not a limit; *"),
    "subrequests 1.5": ("w.json", '{"limits": {"subrequests": 1.5}}', "{path}: limits.subrequests = 1.5 is not *"),
    "cpu_ms beyond the platform's": (
        "w.toml",
        "[limits]\ncpu_ms = 900000\n",
        "{path}: limits.cpu_ms = 900000 is more than the platform allows; valid: up to 300000",
    ),
    "a date that is none": (
        "w.json",
        '{"compatibility_date": "2026-13-01"}',
        "{path}: compatibility_date = '2026-13-01' is not a date; valid: a day such as *",
    ),
    "a date that is a number": (
        "w.json",
        '{"compatibility_date": 5}',
        "{path}: compatibility_date = 5 is not a date; *",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_file_that_cannot_be_used_is_a_usage_error(project: Project, case: str) -> None:
    name, content, message = BROKEN[case]
    path = project.path / name
    path.write_bytes(content.encode("latin-1"))
    result = project.run(f"--cf-wrangler={name}")
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --cf-wrangler: {message.format(path=path)}"])
    path.rename(project.path / f"wrangler{path.suffix}")
    result = project.run()
    assert result.ret is pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {message.format(path=path.with_stem('wrangler'))}"])


@pytest.mark.parametrize("path", ["none.toml", "folder"])
def test_a_file_that_is_none_is_a_usage_error(project: Project, path: str) -> None:
    (project.path / "folder").mkdir()
    text = project.refuse(f"--cf-wrangler={path}")
    assert f"--cf-wrangler: {project.path / path} cannot be read: " in text
    assert text.count(path) == 1


@pytest.mark.parametrize("kind", ["a folder", "a link to nothing"])
def test_what_has_its_name_in_the_root_and_is_no_file_is_a_usage_error(project: Project, kind: str) -> None:
    """Or a run would quietly be held to the plan's numbers."""
    path = project.path / "wrangler.toml"
    if kind == "a folder":
        path.mkdir()
    else:
        path.symlink_to(project.path / "gone.toml")
    assert f"ERROR: {path} cannot be read: " in project.refuse()


def test_its_cpu_time_warns_and_never_fails(project: Project) -> None:
    (project.path / "wrangler.toml").write_text("[limits]\ncpu_ms = 1\n")
    project.write(test_it="def test_it():\n    sum(range(2_000_000))\n")
    result = project.run("--cf-limits=enforce")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["CPU time", "* ms / 1 ms * over, warns *test_it"])
    result.stdout.no_fnmatch_line("*would fail*")


def test_the_free_plan_caps_its_subrequests(project: Project) -> None:
    (project.path / "wrangler.toml").write_text("[limits]\nsubrequests = 60\n")
    project.write(test_it="from sending import send\n\ndef test_51():\n    send(51)\n\ndef test_61():\n    send(61)\n")
    result = project.run("--cf-limits=enforce", "--cf-plan=free")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["subrequests: 51 subrequests, the limit is 50 (free plan)"])
    result = project.run("--cf-limits=enforce", "--cf-plan=paid")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["subrequests: 61 subrequests, the limit is 60 (wrangler)", "1 test would fail on the free plan"]
    )


def test_a_mark_outweighs_it(project: Project) -> None:
    (project.path / "wrangler.toml").write_text("[limits]\nsubrequests = 1\n")
    project.write(
        test_it="""
        import pytest
        from sending import send

        @pytest.mark.cf_limits(subrequests=5)
        def test_it():
            send(5)
        """
    )
    project.run().assert_outcomes(passed=1)
