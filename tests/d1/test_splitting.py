"""Where statements end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_cfworkers.d1.splitting import holds_statement, split_statements


@pytest.mark.parametrize(
    ("sql", "pieces"),
    [
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1;  \n", ["SELECT 1;"]),
        ("SELECT 1; SELECT 2", ["SELECT 1;", "SELECT 2"]),
        ("SELECT ';' ; SELECT \";\"", ["SELECT ';' ;", 'SELECT ";"']),
        ("SELECT 1 /* ; */ -- ;\n; SELECT 2", ["SELECT 1 /* ; */ -- ;\n;", "SELECT 2"]),
        (";;SELECT 1; x", [";;SELECT 1;", "x"]),
        ("SELECT 1; -- c", ["SELECT 1;", "-- c"]),
        ("SELECT 1\0; SELECT 2", ["SELECT 1", ""]),
        (
            "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT CASE 1 WHEN 1 THEN 2 END; END; SELECT 2",
            [
                "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT CASE 1 WHEN 1 THEN 2 END; END;",
                "SELECT 2",
            ],
        ),
    ],
)
def test_pieces(sql: str, pieces: list[str]) -> None:
    assert split_statements(sql) == pieces


@given(st.text(alphabet="a'\";-/*[]` \n", max_size=40))
def test_nothing_but_gaps_is_lost(sql: str) -> None:
    """The pieces, in order, are the text without the whitespace between them."""
    rest = sql
    for piece in split_statements(sql):
        assert rest.startswith(piece)
        rest = rest[len(piece) :].lstrip(" \n")
    assert not rest


@pytest.mark.parametrize(
    ("sql", "holds"),
    [
        ("", False),
        (" \n\t", False),
        ("  -- c", False),
        ("-- c", True),
        ("SELECT 1", True),
        ("\n -- a\n -- b", False),
    ],
)
def test_blank_texts_and_indented_comments_do_not_count(sql: str, holds: bool) -> None:
    assert holds_statement(sql) is holds
