"""How much memory there is; that it is seen under Pyodide, `test_pyodide` shows."""

from repo_tracker.memory import wasm_memory


def test_without_pyodide_nothing_can_be_seen() -> None:
    assert wasm_memory() is None
