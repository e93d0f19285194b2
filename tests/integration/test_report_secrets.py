"""Whatever tests and statements hold, each report can be read and is harmless, and nothing secret is in one."""

import json
import xml.etree.ElementTree as ET
from typing import Final

import pytest

from pytest_cfworkers.report.files import read
from tests.integration.user_project import Project

SECRET: Final = "s3cr3t"

TESTS: Final = r"""
    import asyncio

    import httpx
    import pytest
    from sending import answer

    HOSTILE = ["<script>alert(1)</script>", "</script><img src=x onerror=alert(2)>", "\x1b[31m]8;;x\x07", "\'\"`|\\",
               "🎉👩‍🚀", "x" * 100_000, "::error::injected", "a\nb\r\n", "\u202egnp"]

    @pytest.mark.parametrize("n", range(len(HOSTILE)), ids=HOSTILE)
    @pytest.mark.cf_limits(subrequests=0)
    def test_it(n):
        with httpx.Client(transport=httpx.MockTransport(answer)) as client:
            client.get("https://u:s3cr3t@api.example/<script>?token=s3cr3t", headers={"Authorization": "Bearer s3cr3t"})

    def test_many():
        async def run():
            async with httpx.AsyncClient(transport=httpx.MockTransport(answer), auth=("u", "s3cr3t")) as client:
                await asyncio.gather(*(client.get("https://a.example/", params={"token": "s3cr3t"}) for _ in range(9)))
        asyncio.run(run())

    @pytest.mark.cf_limits(d1_queries=5)
    def test_statements(cf_d1):
        async def run():
            await cf_d1.prepare('CREATE TABLE "</script><script>alert(3)" (a, b)').run()
            for n in range(9):
                await cf_d1.prepare('INSERT INTO "</script><script>alert(3)" VALUES (?, ?)').bind("s3cr3t", n).run()
        asyncio.run(run())
"""


@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_every_report_holds_against_what_is_hostile_and_hides_what_is_secret(
    project: Project, monkeypatch: pytest.MonkeyPatch, workers: tuple[str, ...]
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project.path / "step.md"))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    project.ini(disable_test_id_escaping_and_forfeit_all_rights_to_community_support="true")
    project.write(test_it=TESTS)
    kinds = ("html", "json", "sarif", "md")
    args = [f"--cf-report=run.{kind}" for kind in kinds]
    result = project.run("--cf-limits=enforce", "--tb=no", *args, *workers, plugins=("xdist",) if workers else ())
    result.assert_outcomes(failed=11)
    texts = {kind: (project.path / f"run.{kind}").read_text(encoding="utf-8") for kind in kinds}
    texts["step"] = (project.path / "step.md").read_text(encoding="utf-8")
    commands = [line for line in result.outlines if line.startswith("::")]
    texts["annotations"] = "\n".join(commands)
    for kind, text in texts.items():
        assert SECRET not in text, kind
    for kind in ("html", "sarif", "md", "step", "annotations"):
        assert not set(texts[kind]) & {"\x1b", "\x07", "\r", "\u202e"}, kind
    assert all(command.startswith("::error file=") for command in commands)
    run = read(project.path / "run.json")
    assert len(run.tests) == 11
    assert any("\x1b" in record.nodeid for record in run.tests)
    assert len(json.loads(texts["sarif"])["runs"][0]["results"]) == 11
    assert len(texts["md"]) < 65_536
    for harmful in ("<script>alert", "<img src=x", "</script><script>"):
        assert harmful not in texts["html"]


def test_the_terminal_shows_no_escape_of_others(project: Project) -> None:
    project.ini(disable_test_id_escaping_and_forfeit_all_rights_to_community_support="true")
    project.write(test_it=TESTS)
    lines = project.run("--cf-limits=report", "--tb=no", "-q").outlines
    summary = lines[next(number for number, line in enumerate(lines) if "limits of Cloudflare Workers" in line) :]
    assert not set("\n".join(summary)) & {"\x1b", "\x07"}


def test_junit_is_well_formed(project: Project) -> None:
    project.write(test_it=TESTS)
    project.run("--cf-limits=enforce", "--tb=no", "--junitxml=junit.xml")
    tree = ET.parse(project.path / "junit.xml")  # noqa: S314 - our own
    assert len(tree.findall(".//property[@name='cf.connections']")) == 11
