"""Everything that a user can ask for is documented, and what is documented exists."""

import inspect
import re
from pathlib import Path
from typing import Final

import pytest

from pytest_cfworkers import plugin
from pytest_cfworkers.keys import OPTIONS_HELP
from pytest_cfworkers.limits import BY_KEY, BY_RULE, RULES
from pytest_cfworkers.plugin import hookspecs
from pytest_cfworkers.plugin.marks import FIXTURE_LIMITS
from pytest_cfworkers.plugin.options import OPTIONS
from pytest_cfworkers.timing_keys import TIMING_HELP

ROOT: Final = Path(__file__).parents[2]
NOT_BROKEN_YET: Final = {"memory"}
"""Rules whose guards nothing feeds yet."""


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_option_stands_in_the_reference_with_flag_ini_key_variable_and_choices(option: "plugin.options.Option") -> None:
    row = next(line for line in read("docs/reference.md").splitlines() if line.startswith(f"| `{option.flag}`"))
    assert f"`{option.name}`" in row
    assert f"`{option.variable}`" in row
    assert all(f"`{choice}`" in row for choice in option.choices)


@pytest.mark.parametrize("key", [*BY_KEY, *OPTIONS_HELP])
def test_key_of_the_mark_stands_in_the_reference(key: str) -> None:
    assert f"| `{key}` |" in read("docs/reference.md")


@pytest.mark.parametrize("key", TIMING_HELP)
def test_key_of_the_mark_for_times_stands_in_the_reference(key: str) -> None:
    _, _, section = read("docs/reference.md").partition("`@pytest.mark.cf_timing(...)`")
    assert f"`{key}`" in section.partition("\n## ")[0]


@pytest.mark.parametrize("fixture", FIXTURE_LIMITS)
def test_fixture_stands_in_the_reference_and_is_exported(fixture: str) -> None:
    assert f"| `{fixture}` |" in read("docs/reference.md")
    assert fixture in plugin.__all__


def test_hooks_stand_in_the_reference_with_their_arguments() -> None:
    hooks = [value for name, value in vars(hookspecs).items() if name.startswith("pytest_cf_")]
    assert hooks
    for hook in hooks:
        arguments = ", ".join(inspect.signature(hook).parameters)
        assert f"`{hook.__name__}({arguments})`" in read("docs/reference.md")


@pytest.mark.parametrize("rule", RULES)
def test_rule_has_a_page_section_with_its_source(rule: str) -> None:
    _, _, rest = read("docs/rules.md").partition(f"\n## {rule}\n")
    section = rest.partition("\n## ")[0]
    source = BY_RULE[rule].source if rule in BY_RULE else BY_KEY["connections"].source
    assert f"<{source}>" in section


@pytest.mark.parametrize("rule", sorted({*RULES} - NOT_BROKEN_YET))
def test_rule_has_a_failing_example(rule: str) -> None:
    assert (ROOT / "examples" / "violations" / f"test_{rule.replace('-', '_')}.py").is_file()


@pytest.mark.parametrize(
    "name",
    [
        *("README.md", "CONTRIBUTING.md", "examples/README.md"),
        *(f"docs/{name}.md" for name in ("rules", "reference", "cpu", "memory", "reports", "ci", "gates")),
    ],
)
def test_relative_links_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]*)", read(name)):
        assert ((ROOT / name).parent / target).exists(), target


def without_times(line: str) -> str:
    """Take out of a line what differs from run to run: times, and how long the bars of a waterfall are."""
    return re.sub(r"│.*│", "│…│", re.sub(r" *[\d.,]+ m?s\b", " T ms", line))


def test_failing_test_of_the_readme_prints_what_the_readme_says(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)  # where pytest shortens no line
    code, output = re.findall(r"```(?:python|text)\n(.*?)```", read("README.md"), re.DOTALL)[:2]
    pytester.makepyfile(test_refresh=code)
    result = pytester.runpytest_inprocess("-p", "no:asyncio", "-p", "no:randomly")
    shown = result.stdout.str()
    comparable = [without_times(line) for line in output.splitlines()]
    printed = [without_times(line) for line in shown.splitlines()]
    start = next(number for number, line in enumerate(printed) if line.startswith("test_refresh.py L"))
    assert printed[start : start + len(comparable)] == comparable


@pytest.mark.parametrize("source", ["wrangler file", "command line", "ini file"])
def test_the_readmes_test_of_d1_needs_nothing_but_the_plugin_and_the_files_it_shows(
    pytester: pytest.Pytester, source: str
) -> None:
    section = read("README.md").partition("## D1\n")[2].partition("\n## ")[0]
    before, _, rest = section.partition("```python\n")
    (name, schema), (option,), (key,) = (
        *re.findall(r"```sql\n-- (\S+)\n(.*?)```", before, re.DOTALL),
        re.findall(r"`pytest (--cf-d1-schema=\w+)`", before),
        re.findall(r"`(cf_d1_schema = \w+)` in the ini file", before),
    )
    pytester.makepyfile(test_repositories=rest.partition("```")[0])
    pytester.mkdir("migrations")
    (pytester.path / name).write_text(schema, encoding="utf-8")
    if source == "wrangler file":
        (pytester.path / "wrangler.toml").write_text('[[d1_databases]]\nbinding = "DB"\n', encoding="utf-8")
    if source == "ini file":
        pytester.makeini(f"[pytest]\n{key}\n")
    given = [option] if source == "command line" else []
    result = pytester.runpytest_inprocess(*given, "-p", "no:asyncio", "-p", "no:anyio", "-p", "no:randomly")
    result.assert_outcomes(passed=1)
