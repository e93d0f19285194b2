"""Patterns of wrangler's configuration match as its library reads them."""

import pytest

from pytest_cfworkers.bundle.globs import compiled


@pytest.mark.parametrize(
    ("glob", "matches", "others"),
    [
        ("**/*.py", ["a.py", "a/b.py", "a/b/c.py", ".venv/x.py"], ["a.pyc", "py", "a.py/b"]),
        ("*.py", ["a.py", ".py"], ["a/b.py"]),
        ("**/*", ["a", "a/b", "a/b/c"], []),
        ("**", ["a", "a/b"], []),
        ("a/**", ["a/b", "a/b/c"], ["b/a"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["a/xb", "b"]),
        ("**/*.wasm?module", ["a.wasm?module"], ["a.wasmXmodule"]),
        ("[ab].py", ["[ab].py"], ["a.py"]),
        ("a**b", ["ab", "axxb"], ["a/b"]),
        ("tests/**/*.py", ["tests/a.py", "tests/x/a.py"], ["a.py", "mytests/a.py"]),
    ],
)
def test_a_pattern_matches(glob: str, matches: list[str], others: list[str]) -> None:
    assert [name for name in [*matches, *others] if compiled(glob).match(name)] == matches
