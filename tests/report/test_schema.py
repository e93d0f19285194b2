"""The published JSON Schema is that of the classes, of what is written, and of what is read."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pytest_cfworkers.report.files import ReportError, dump, read
from pytest_cfworkers.report.run import Run
from pytest_cfworkers.report.schema import mismatch, schema
from tests.report.runs import record, run, runs

PUBLISHED = Path(__file__).parents[2] / "docs" / "report.schema.json"
VALIDATOR = Draft202012Validator(json.loads(PUBLISHED.read_text(encoding="utf-8")))


def test_the_published_schema_is_that_of_the_classes() -> None:
    """Else: python -c 'import json; from pytest_cfworkers.report.schema import schema; print(json.dumps(...))'."""
    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == schema()


def test_the_schema_is_one_and_describes_everything() -> None:
    Draft202012Validator.check_schema(dict(schema()))
    for part in (schema(), *schema()["$defs"].values()):
        assert part["description"]
        assert all(value["description"] for value in part["properties"].values())


@settings(max_examples=30)
@given(one=runs)
def test_what_is_written_is_of_the_schema(one: Run) -> None:
    data = json.loads(dump(one))
    VALIDATOR.validate(data)
    assert mismatch(data) == ""


def places(data: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each place of plain data: what holds it, and its key there."""
    for key, value in list(data.items() if isinstance(data, dict) else enumerate(data)):
        yield data, key
        if isinstance(value, dict | list):
            yield from places(value)


@settings(max_examples=60)
@given(one=runs, choice=st.data())
def test_what_is_refused_is_what_the_schema_refuses(one: Run, choice: st.DataObject) -> None:
    """Wherever something else stands in a file."""
    data = json.loads(dump(one))
    holder, key = choice.draw(st.sampled_from(list(places(data))))
    other = choice.draw(st.sampled_from([None, True, 1, 0.5, "x", [], {}, [1, 2], {"x": 1}]))
    holder[key] = other
    assert bool(mismatch(data)) is not VALIDATOR.is_valid(data)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("duration_s", "long"), "duration_s is 'long', no number"),
        (("tests", {}), "tests is {}, no array"),
        (("complete", None), "complete is None, no boolean"),
        (("more", 1), "the whole has 'more', which means nothing"),
    ],
)
def test_a_damaged_file_is_refused_with_the_place(tmp_path: Path, change: tuple[str, Any], said: str) -> None:
    data = json.loads(dump(run(record())))
    data[change[0]] = change[1]
    path = tmp_path / "run.json"
    path.write_text(json.dumps(data))
    with pytest.raises(ReportError) as caught:
        read(path)
    assert str(caught.value) == f"{path} is damaged: {said}; write it again with --cf-report=NAME.json"


def test_a_deep_place_is_named(tmp_path: Path) -> None:
    data = json.loads(dump(run(record("a"), record("b"))))
    data["tests"][1]["violations"][0]["frames"][0] = ["app.py", "x", "f"]
    path = tmp_path / "run.json"
    path.write_text(json.dumps(data))
    with pytest.raises(ReportError, match=r"tests\[1\]\.violations\[0\]\.frames\[0\]\[1\] is 'x', no integer"):
        read(path)
