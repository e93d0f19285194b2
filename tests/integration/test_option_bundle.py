"""`--cf-bundle`: what the Worker uploads, against the platform's size and the baseline."""

from pathlib import Path

import pytest

from pytest_cfworkers.gates import presets
from pytest_cfworkers.gates.expression import Gate
from tests.integration.user_project import Project


@pytest.fixture
def worker(project: Project) -> Project:
    """Make a Worker with a vendored package, and a test that asks for nothing."""
    project.write(test_it="def test_it():\n    pass\n")
    put(project, "src/entry.py", "import pkg\n")
    put(project, "python_modules/pkg/__init__.py", "x = 1\n" * 1_000)
    return project


def put(project: Project, name: str, text: str) -> Path:
    path = project.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_folder_with_a_wrangler_file_is_measured_as_wrangler_uploads_it(worker: Project) -> None:
    put(worker, "wrangler.toml", 'main = "src/entry.py"\n')
    result = worker.run("--cf-bundle=.", "--cf-gate=bundle_size<=5KB")
    assert result.ret is pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "=* gates =*",
            "bundle of src/entry.py: 5.9 KB of 64 MB in 2 files, *B compressed",
            "  largest: pkg 5.9 KB, entry.py 11 B",
            "  start: * ms of CPU, in CPython on this machine",
            "  slowest imports: *",
            "  failed   bundle_size<=5KB   5.9 KB (6,011 B); at most 5 KB",
            "  passed   bundle_size<=64MB  5.9 KB (6,011 B); at most 64 MB",
            "  passed   startup_ms<=1000   * ms; at most 1,000 ms",
        ]
    )


def test_a_folder_that_wrangler_wrote_is_measured_as_it_is(worker: Project) -> None:
    put(worker, "dist/index.py", "x = 1\n")
    put(worker, "dist/README.md", "written by wrangler")
    result = worker.run("--cf-bundle=dist")
    assert result.ret is pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["bundle of dist: 6 B of 64 MB in 1 file, * compressed"])


def test_a_gate_on_the_bundle_measures_the_main_of_the_wrangler_file(worker: Project) -> None:
    put(worker, "wrangler.toml", 'main = "src/entry.py"\n')
    worker.run("--cf-gate=bundle_files<=9").stdout.fnmatch_lines(["  passed   bundle_files<=9 * 2; at most 9"])


def test_a_bundle_over_the_platforms_size_fails_the_run(worker: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presets, "UPLOAD", (Gate.parse("bundle_size<=1KB").at("critical", "leave out"),))
    put(worker, "wrangler.toml", 'main = "src/entry.py"\n')
    result = worker.run("--cf-bundle=.")
    assert result.ret is pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["  failed   bundle_size<=1KB  5.9 KB (6,011 B); at most 1 KB"])


def test_an_entry_that_only_the_platform_can_import_has_a_size_and_no_start(worker: Project) -> None:
    put(worker, "wrangler.toml", 'main = "src/entry.py"\n')
    put(worker, "src/entry.py", "from workers import WorkerEntrypoint\n")
    result = worker.run("--cf-bundle=.")
    assert result.ret is pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "the startup of src/entry.py is not measured: it imports workers, which only the platform has; *",
            "bundle of src/entry.py: *",
            "  passed   bundle_size<=64MB *",
        ]
    )
    result.stdout.no_fnmatch_line("*startup_ms*")
    strict = worker.run("--cf-bundle=.", "--cf-gate=startup_ms<=500")
    assert strict.ret is pytest.ExitCode.TESTS_FAILED
    strict.stdout.fnmatch_lines(["  failed   startup_ms<=500 * nothing measured: *"])


def test_the_size_is_told_against_the_baseline(worker: Project) -> None:
    put(worker, "dist/index.py", "x = 1\n")
    base = ("--cf-bundle=dist", "--cf-baseline=base.jsonl")
    worker.run(*base, "--cf-baseline-update")
    put(worker, "dist/index.py", "x = 1\n" * 4)
    worker.run(*base).stdout.fnmatch_lines(["bundle of dist: 24 B *", "  18 B more than in the baseline"])
    put(worker, "dist/index.py", "")
    worker.run(*base).stdout.fnmatch_lines(["  6 B less than in the baseline"])


def test_a_quiet_run_shows_only_what_does_not_hold(worker: Project) -> None:
    put(worker, "dist/other.py", "x = 1\n")
    worker.run("--cf-bundle=dist").stdout.fnmatch_lines(["the startup of dist is not measured: it has no index.py, *"])
    worker.run("--cf-bundle=dist", "-q").stdout.no_fnmatch_line("*dist*")


def test_a_bundle_that_changes_under_the_run_and_cannot_be_read_fails_it(worker: Project) -> None:
    """Rather than to pass unmeasured."""
    put(worker, "dist/index.py", "x = 1\n")
    worker.write(test_it="import os\n\ndef test_it():\n    os.remove('dist/index.py')\n")
    result = worker.run("--cf-bundle=dist", "-q")
    assert result.ret is pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["the bundle is not measured: *"])


@pytest.mark.parametrize("source", ["command line", "ini file"])
def test_a_gate_that_asks_for_a_bundle_that_is_not_there_is_named_itself(worker: Project, source: str) -> None:
    """And no option that nobody gave."""
    put(worker, "wrangler.toml", 'main = "src/gone.py"\n')
    gate = "bundle_size <= 1MB"
    if source == "ini file":
        worker.ini(cf_gate=gate)
    text = worker.refuse(*(["--cf-gate=p95_ms<=9", f"--cf-gate={gate}"] if source == "command line" else []))
    pytest.LineMatcher(text.splitlines()).fnmatch_lines(
        ["*cf_gate: bundle_size<=1MB: *gone.py, the main of *wrangler.toml, does not exist"]
    )
    assert "cf_bundle" not in text


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("gone", "--cf-bundle: *gone is no folder; valid: what `wrangler deploy --dry-run --outdir=DIR` writes, or *"),
        ("empty", "cf_bundle: *empty holds no file that would be uploaded; build first, or name another folder"),
        ("js", "cf_bundle: *index.ts is no Python, and wrangler bundles it first: run `npx wrangler deploy *"),
        ("broken", "cf_bundle: *wrangler.toml is broken: *"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_the_first_test(worker: Project, folder: str, said: str) -> None:
    (worker.path / "empty").mkdir()
    put(worker, "js/wrangler.toml", 'main = "index.ts"\n')
    put(worker, "js/index.ts", "")
    put(worker, "broken/wrangler.toml", "main = \n")
    pytest.LineMatcher(worker.refuse(f"--cf-bundle={folder}").splitlines()).fnmatch_lines([f"*{said}"])
