"""Finding Node, and installing the pinned runtime: what is said when something is missing."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_cfworkers.lanes import installation, node
from pytest_cfworkers.lanes.errors import InstallationFailed, LaneUnavailable

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = "python -m pytest_cfworkers install workerd"
needs_scripts = pytest.mark.skipif(os.name == "nt", reason="the stand-ins for node and npm are shell scripts")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("PYTEST_CFWORKERS_CACHE", str(folder))
    return folder


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it, and no Node from PyPI."""
    folder = tmp_path / "tools"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(node, "_from_wheel", lambda: None)
    return folder


def script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


def test_without_an_installation_the_message_is_the_command(cache: Path) -> None:
    with pytest.raises(LaneUnavailable, match="not installed") as caught:
        installation.find_installation()
    assert str(caught.value).endswith(f"Run: {COMMAND}")
    assert str(cache) in str(caught.value)


@pytest.mark.usefixtures("cache")
def test_half_an_installation_asks_for_force() -> None:
    installation.installation_folder().mkdir(parents=True)
    with pytest.raises(LaneUnavailable, match=f"not whole.*{COMMAND} --force"):
        installation.find_installation()


@pytest.mark.usefixtures("cache")
def test_an_unreadable_cache_folder_is_named_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = installation.installation_folder()
    folder.mkdir(parents=True)

    def refuse(path: object) -> list[str]:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(LaneUnavailable) as caught:
        installation.find_installation()
    text = str(caught.value)
    assert text.startswith(f"The cache folder {folder} cannot be read: Permission denied.")
    assert "PYTEST_CFWORKERS_CACHE" in text


@needs_scripts
def test_a_cache_folder_that_cannot_be_written_is_named(cache: Path, tools: Path) -> None:
    script(tools / "node", "echo v22.0.0")
    script(tools / "npm", "exit 0")
    cache.write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(InstallationFailed, match=f"The cache folder {cache} cannot be written"):
        installation.install()


@pytest.mark.usefixtures("tools")
def test_without_node_the_message_offers_two_ways_to_get_it() -> None:
    with pytest.raises(LaneUnavailable) as caught:
        node.find_node()
    text = str(caught.value)
    assert "needs Node 20 or newer and found none" in text
    assert "https://nodejs.org" in text
    assert "python -m pip install 'pytest-cfworkers[workerd]'" in text


@needs_scripts
def test_an_old_node_is_named_with_its_version(tools: Path) -> None:
    script(tools / "node", "echo v18.20.4")
    with pytest.raises(LaneUnavailable, match=r"new enough \(.*node is v18\.20\.4\)"):
        node.find_node()


@needs_scripts
def test_a_node_that_does_not_run_is_no_node(tools: Path) -> None:
    script(tools / "node", "exit 3")
    with pytest.raises(LaneUnavailable, match="node is no working Node"):
        node.find_node()


@needs_scripts
def test_node_without_npm_says_so(tools: Path) -> None:
    script(tools / "node", "echo v22.1.0")
    assert node.find_node().version == "v22.1.0"
    with pytest.raises(LaneUnavailable, match="has no npm"):
        node.find_npm()


@needs_scripts
def test_the_words_of_a_failing_npm_are_in_the_error_and_nothing_is_left(cache: Path, tools: Path) -> None:
    script(tools / "node", "echo v22.1.0")
    script(tools / "npm", "echo 'npm error network timed out' >&2; exit 7")
    with pytest.raises(InstallationFailed) as caught:
        installation.install()
    assert "exit status 7" in str(caught.value)
    assert "npm error network timed out" in str(caught.value)
    assert COMMAND in str(caught.value)
    assert list(cache.iterdir()) == []


@needs_scripts
@pytest.mark.usefixtures("cache")
def test_a_platform_without_the_runtime_is_told_which_ones_have_it(tools: Path) -> None:
    script(tools / "node", "echo v22.1.0")
    lines = []
    for name, version in installation.pinned_versions().items():
        manifest = json.dumps({"version": version})
        lines.append(f"/bin/mkdir -p node_modules/{name}; echo '{manifest}' > node_modules/{name}/package.json")
    script(tools / "npm", "\n".join(lines))
    with pytest.raises(InstallationFailed, match=r"no workerd .* for this platform"):
        installation.install()


@pytest.mark.usefixtures("tools")
def test_status_tells_doctor_everything_and_raises_nothing(cache: Path) -> None:
    status = installation.status()
    assert not status.ready
    assert status.folder.parent == cache
    assert status.versions == installation.pinned_versions()
    assert COMMAND in status.problem


@pytest.mark.usefixtures("installed")
def test_an_installation_that_is_there_is_left_alone() -> None:
    lines: list[str] = []
    folder = installation.install(report=lines.append)
    assert folder == installation.find_installation()
    assert lines == [f"workerd {installation.pinned_versions()['workerd']} is already installed in {folder}"]


@pytest.mark.parametrize(
    ("platform", "variable", "expected"),
    [
        ("linux", "XDG_CACHE_HOME", "pytest-cfworkers"),
        ("win32", "LOCALAPPDATA", "pytest-cfworkers"),
    ],
)
def test_the_cache_follows_the_platform(
    platform: str, variable: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTEST_CFWORKERS_CACHE", raising=False)
    monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.setattr(sys, "platform", platform)
    assert installation.cache_folder() == tmp_path / expected


def test_the_lock_file_pins_everything_and_names_no_registry() -> None:
    lock = json.loads((installation.PROGRAM / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert not [name for name, entry in packages.items() if "resolved" in entry]
    for name, version in installation.pinned_versions().items():
        assert packages[f"node_modules/{name}"]["version"] == version
    runtimes = {name for name in packages if "/@cloudflare/workerd-" in name}
    assert {packages[name]["version"] for name in runtimes} == {installation.pinned_versions()["workerd"]}
    assert {name.rpartition("workerd-")[2] for name in runtimes} == {
        *("linux-64", "linux-arm64", "darwin-64", "darwin-arm64", "windows-64")
    }
    assert {name for name, entry in packages.items() if "integrity" not in entry} < runtimes
