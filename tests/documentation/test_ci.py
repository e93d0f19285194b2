"""The files for CI can be read by who they are for, and name options, commands and gates that there are."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from pytest_cfworkers.cli import main
from pytest_cfworkers.gates import presets
from pytest_cfworkers.gates.metrics import METRICS
from pytest_cfworkers.plugin.options import OPTIONS

ROOT: Final = Path(__file__).parents[2]
CI: Final = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
GATES: Final = (ROOT / "docs" / "gates.md").read_text(encoding="utf-8")
ACTION: Final = (ROOT / "action.yml").read_text(encoding="utf-8")
REPORTS_PAGE: Final = (ROOT / "docs" / "reports.md").read_text(encoding="utf-8")
OWN: Final = "./.github/actions/cf-limits"
"""Where the documentation lets the action be copied to, as a workflow names it."""

FILES: Final[list[str]] = re.findall(r"```yaml\n(.*?)```", CI, re.DOTALL)


def parsed(text: str) -> Any:
    # YAML 1.1 takes GitHub's key `on` for true.
    return yaml.safe_load(re.sub(r"^on:", '"on":', text, flags=re.MULTILINE))


def steps(workflow: Any) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("number", range(len(FILES)))
def test_each_file_is_yaml_that_starts_with_its_name(number: int) -> None:
    text = FILES[number]
    assert re.match(r"# \.\S+\.ya?ml\n", text)
    assert isinstance(parsed(text), dict)


def test_workflows_of_github_have_what_they_need() -> None:
    workflows = [parsed(text) for text in FILES if text.startswith("# .github/")]
    assert len(workflows) == 3
    for workflow in workflows:
        assert workflow["on"]
        assert all(job["runs-on"] for job in workflow["jobs"].values())
        assert all(("uses" in step) != ("run" in step) for step in steps(workflow))
        used = [step["uses"] for step in steps(workflow) if "uses" in step]
        assert all(name == OWN or re.fullmatch(r"[\w-]+/[\w/-]+@v\d", name) for name in used)


@pytest.mark.parametrize(
    ("schema", "texts"),
    [
        ("github-actions", [ACTION]),
        ("github-workflows", [text for text in FILES if text.startswith("# .github/")]),
        ("gitlab-ci", [text for text in FILES if text.startswith("# .gitlab-ci")]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_file_is_of_the_schema_of_whom_it_is_for(schema: str, texts: list[str], tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.yml" for number in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
    assert files
    assert done.returncode == 0, done.stdout


def test_one_release_of_each_action_is_used() -> None:
    used = set(re.findall(r"uses: ([\w-]+/[\w/-]+)@(v\d+)", CI + REPORTS_PAGE + ACTION))
    assert len(used) == len({name for name, _ in used})


@pytest.mark.parametrize("text", [CI, GATES, ACTION], ids=["ci.md", "gates.md", "action.yml"])
def test_every_option_and_command_that_is_named_exists(text: str) -> None:
    flags = set(re.findall(r"(?<![\w-])--cf-[a-z0-9-]+", text))
    assert flags
    assert flags <= {option.flag for option in OPTIONS}
    for command in re.findall(r"python -m pytest_cfworkers (\w+)", text):
        with pytest.raises(SystemExit, match="0"):
            main([command, "--help"])


def test_the_action_is_used_with_inputs_that_it_has() -> None:
    inputs = parsed(ACTION)["inputs"]
    used = [
        step["with"] for text in FILES if ".github" in text for step in steps(parsed(text)) if step.get("uses") == OWN
    ]
    assert used
    assert f"`{OWN.removeprefix('./')}/action.yml`" in CI
    for given in used:
        assert given.keys() <= inputs.keys()
    for name, told in inputs.items():
        row = f"| `{name}` | `{told['default']}` |" if told["default"] else f"| `{name}` | |"
        assert row in CI


def test_every_gate_of_the_documentation_can_be_read() -> None:
    for text in re.findall(r"--cf-gate='?([^'\s`]+)'?", CI + GATES):
        assert presets.read(text)
    given = next(step["with"]["gates"] for step in steps(parsed(FILES[0])) if "gates" in step.get("with", {}))
    assert [presets.read(line) for line in given.splitlines()]


def test_every_figure_stands_in_the_documentation() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (?:[^|]*)\| (.+) \|$", GATES, re.MULTILINE)
    assert [name for name, _ in rows] == [metric.name for metric in METRICS]


def test_the_preset_stands_in_the_documentation_as_it_is() -> None:
    rows = re.findall(r"^\| `([^`]+[<>=][^`]+)` \| (warning|critical)", GATES, re.MULTILINE)
    assert rows == [(gate.expression, gate.level) for gate in presets.ALERTS]


def run_the_action(folder: Path, **inputs: str) -> list[str]:
    """Run the program of the action's first step with a Python that writes down what it is given."""
    action = parsed(ACTION)
    (step, *_) = action["runs"]["steps"]
    python = folder / "python"
    python.write_text(f'#!{sys.executable}\nimport sys\nprint("\\n".join(sys.argv[1:]))\n', encoding="utf-8")
    python.chmod(0o755)
    values = {name: told["default"] for name, told in action["inputs"].items()} | {"python": str(python)} | inputs
    environment = {
        variable: values[re.fullmatch(r"\$\{\{ inputs\.(\S+) \}\}", text)[1]]  # type: ignore[index]
        for variable, text in step["env"].items()
    }
    # As GitHub starts it: a failing command ends it.
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    done = subprocess.run(  # noqa: S603 - the program of this repository
        command, env={"PATH": "/usr/bin:/bin", **environment}, cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


REPORTS: Final = [f"--cf-report=cf-report/limits.{suffix}" for suffix in ("html", "json", "sarif", "md")]


def test_the_action_runs_pytest_with_reports(tmp_path: Path) -> None:
    assert run_the_action(tmp_path) == ["-m", "pytest", "--cf-limits=enforce", *REPORTS]
    assert (tmp_path / "cf-report").is_dir()


def test_the_action_hands_on_lines_as_they_are(tmp_path: Path) -> None:
    """Whatever is in them: nothing is split at spaces, and nothing is run."""
    given = run_the_action(
        tmp_path,
        arguments="-k\nnot slow and $(touch owned) `touch owned` *\n\n",
        gates="preset\np95_ms <= 5 s\n",
        baseline="my base.jsonl",
        bundle=".",
    )
    assert given == [
        *["-m", "pytest", "-k", "not slow and $(touch owned) `touch owned` *"],
        *["--cf-gate=preset", "--cf-gate=p95_ms <= 5 s", "--cf-baseline=my base.jsonl", "--cf-bundle=."],
        *REPORTS,
    ]
    assert not (tmp_path / "owned").exists()


def test_the_action_fails_with_pytest(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        run_the_action(tmp_path, python="false")
