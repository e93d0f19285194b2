"""What reports must not tell: a quoted line of code or a URL may hold what somebody keeps secret.

Figures, names of functions and tests, and statements are told. Not told are the query and the credentials of URLs,
texts that are given to something by name (`headers={"Authorization": "..."}`), what is bound to a statement, texts that
stand in one (`IN ('...')`), and what stands behind `Bearer` and `Basic`.
"""

import re
from typing import Final

HIDDEN: Final = "…"
"""What stands in the place of what is not told."""

_URL: Final = re.compile(r"(\b[a-zA-Z][\w+.-]*://)([^\s\"'`<>/?#]*@)?([^\s\"'`<>?#]*)([?#][^\s\"'`<>]*)?")
_CUT: Final = re.compile(r"(\b[a-zA-Z][\w+.-]*://)[^\s\"'`<>/?#@]*\s?…$")
"""A URL that a long line was cut in before it says whether a host stands there or credentials."""

_QUERY: Final = re.compile(r"(?<=\S)\?[a-zA-Z_][\w.%\[\]-]*=[^\s\"'`<>]*")
_BOUND: Final = re.compile(r"(\.bind\()(?!\)).*")
_PAIR: Final = re.compile(r"(\bauth\s*=\s*\()[^)]*")
_SCHEME: Final = re.compile(
    r"(\bBearer|(?:[\"'`]|\bauthorization\W{1,3})(?:Basic|Token))\s+(?!…)[^\s\"'`,;)]+", re.IGNORECASE
)
"""`Basic` and `Token` are words of statements, too, so they count only where a text or a header begins with them."""
_STATEMENT: Final = re.compile(
    r"(?:^|\")\s*(?:--|/\*|(?:SELECT|INSERT|UPDATE|DELETE|REPLACE|WITH|VALUES|CREATE|ALTER|DROP|PRAGMA|EXPLAIN)\b)",
    re.IGNORECASE,
)
_LITERAL: Final = re.compile(r"'(?:[^']|'')+(?:'|$)")
_GIVEN: Final = re.compile(
    r"((?:[:=]|authorization[\"']\s*,)\s*[fFrRbBuU]{0,2})([\"'])((?:\\.|(?!\2).)*)(\2|$)", re.IGNORECASE
)
_TOLD: Final = ("http://", "https://", "/")
"""How a text begins that is told although it is given by name: its query is hidden by itself."""

_MAY_HOLD: Final = re.compile(r"[?@#\"'`=]|://|\.bind\(|Bearer|Basic|Token", re.IGNORECASE)
"""What a text has in which something is to be hidden; most have nothing of it."""

_MOST: Final = 1_000
"""Characters of a line that are told: more than any message has that is not made to be a nuisance."""


def redact(text: str) -> str:
    """Return a text with nothing in it that a report must not tell.

    It looks at one line at a time, and leaves out what is beyond its first `_MOST` characters.
    """
    if len(text) > _MOST:
        text = text[:_MOST] + HIDDEN
    if _MAY_HOLD.search(text) is None:
        return text
    text = _URL.sub(_url, _CUT.sub(rf"\g<1>{HIDDEN}", text))
    text = _QUERY.sub(f"?{HIDDEN}", text)
    text = _BOUND.sub(_bound, text)
    text = _PAIR.sub(rf"\g<1>{HIDDEN}", text)
    text = _SCHEME.sub(rf"\g<1> {HIDDEN}", text)
    if (statement := _STATEMENT.search(text)) is not None:
        text = text[: statement.end()] + _LITERAL.sub(f"'{HIDDEN}'", text[statement.end() :])
    return _GIVEN.sub(_given, text)


def _url(found: re.Match[str]) -> str:
    scheme, user, rest, query = found.groups()
    return f"{scheme}{f'{HIDDEN}@' if user else ''}{rest}{f'{query[0]}{HIDDEN}' if query else ''}"


def _bound(found: re.Match[str]) -> str:
    """Hide what stands in the parentheses; what follows them stays, which may be another call of bind."""
    start, depth = len(found[1]), 1
    for at, character in enumerate(found[0][start:], start):
        depth += (character == "(") - (character == ")")
        if not depth:
            return found[1] + HIDDEN + _BOUND.sub(_bound, found[0][at:])
    return found[1] + HIDDEN


def _given(found: re.Match[str]) -> str:
    start, quote, value, end = found.groups()
    return found[0] if not value or value.startswith(_TOLD) else f"{start}{quote}{HIDDEN}{end}"
