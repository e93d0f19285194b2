"""What somebody keeps secret is in no report, also where a quoted line of code holds it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_cfworkers.report.redaction import redact

HIDDEN = {
    'client.get("https://api.example/a?token=s3cret&page=2")': 'client.get("https://api.example/a?…")',
    'client.get(f"https://api.example/{name}?token={s3cret}")': 'client.get(f"https://api.example/{name}?…")',
    'client.get("/a/b?token=s3cret")': 'client.get("/a/b?…")',
    'client.get(f"{base}?token=s3cret")': 'client.get(f"{base}?…")',
    'client.get("https://user:s3cret@api.example/a")': 'client.get("https://…@api.example/a")',
    'client.get("https://user:s3c …': 'client.get("https://…',
    'client.get("https://user:s3cret@api.ex …': 'client.get("https://…@api.ex …',
    'client.get("https://s3cret@api.example")': 'client.get("https://…@api.example")',
    'client.get("https://api.example/a#token=s3cret")': 'client.get("https://api.example/a#…")',
    'client.get(url, params={"token": "s3cret"})': 'client.get(url, params={"token": "…"})',
    "client.get(url, params={'a': 's3c\\'ret'})": "client.get(url, params={'a': '…'})",
    'client.get(headers={"Authorization": f"Bearer {s3cret}"})': 'client.get(headers={"Authorization": f"…"})',
    'client.get(url, headers=[("Authorization", "s3cret")])': 'client.get(url, headers=[("Authorization", "…")])',
    'client.get(url, headers={"Authorization": "Bearer s3c …': 'client.get(url, headers={"Authorization": "…',
    'client.get(url, auth=("user", "s3cret"))': "client.get(url, auth=(…))",
    'login(password="s3cret")': 'login(password="…")',
    "Authorization: Bearer s3cret": "Authorization: Bearer …",
    "Authorization: Basic s3cret": "Authorization: Basic …",
    'sign("token s3cret")': 'sign("token …")',
    'await db.prepare(sql).bind("s3cret", 42).run()': "await db.prepare(sql).bind(…).run()",
    'await db.batch([a.bind(f("s3cret")), b.bind(2)])': "await db.batch([a.bind(…), b.bind(…)])",
    'await db.prepare(sql).bind("s3cret …': "await db.prepare(sql).bind(…",
    "SELECT * FROM users WHERE token IN ('s3cret', 'it''s s3cret') AND name LIKE ''": (
        "SELECT * FROM users WHERE token IN ('…', '…') AND name LIKE ''"
    ),
    "await db.prepare(\"INSERT INTO users VALUES (1, 's3cret …": (
        "await db.prepare(\"INSERT INTO users VALUES (1, '…'"
    ),
    "-- note 'a' SELECT 's3cret' FROM users": "-- note '…' SELECT '…' FROM users",
    "UPDATE users SET name = 's3cret' WHERE id = ?": "UPDATE users SET name = '…' WHERE id = ?",
}

TOLD = [
    'await asyncio.gather(*(client.get(f"https://api.example/repos/{name}") for name in names))',
    'client.get(url="https://api.example/repos")',
    'client.get(url="/repos")',
    "SELECT * FROM users WHERE id = ? AND name LIKE ?2",
    "SELECT token FROM users WHERE token = ? AND basic IS NULL",
    "20 connections at once, the limit is 6",
    "  in the whole invocation 14 connections waited in the queue, 1.0 ms in all",
    "while the app handled GET /a/b",
    "await db.prepare(sql).bind()",
    "x = a if b else c",
    "1 × <script>alert(1)</script>",
]


@pytest.mark.parametrize(("text", "shown"), HIDDEN.items())
def test_what_is_secret_is_hidden_and_the_rest_stays(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize("text", TOLD)
def test_what_is_not_secret_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("text", HIDDEN)
def test_hiding_twice_hides_the_same(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@given(text=st.text())
def test_any_text_can_be_looked_at(text: str) -> None:
    assert len(redact(text)) <= 2 * len(text)


def test_a_long_text_is_looked_at_quickly() -> None:
    """And its end is left out, since patterns go over it again and again."""
    for part in ('"', "a=", "?a=", "https://", ".bind(", "'\\", "Bearer "):
        assert len(redact(part * 30_000)) < 2_000
