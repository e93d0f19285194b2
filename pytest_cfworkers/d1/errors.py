"""What Python code in a Worker catches when D1 refuses something.

Exception
├── JsException      any error that JavaScript threw, as Pyodide hands it to Python
│   └── D1Error      the same, thrown by the D1 binding
└── ConversionError  a value that does not even reach JavaScript
"""

from __future__ import annotations

from typing import Self


class JsException(Exception):  # noqa: N818 - the name that Pyodide gives it
    """An error thrown by JavaScript, with the attributes that Pyodide shows.

    `str(error)` is the name and the message, as JavaScript writes an error; `error.message` lacks the name.
    https://pyodide.org/en/stable/usage/api/python-api/ffi.html#pyodide.ffi.JsException (checked 2026-11-24)

    Attributes:
        name: The JavaScript class of the error, mostly `"Error"`.
        message: The text alone.
        cause: The error that led to this one, or None.
    """

    def __init__(self, message: str, *, name: str = "Error", cause: JsException | None = None) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message
        self.cause = cause

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the way from an xdist worker to its controller."""
        return _rebuilt, (type(self), self.message, self.name, self.cause)


class D1Error(JsException):
    """An error of the D1 binding.

    The message starts with one of `D1_ERROR:`, `D1_EXEC_ERROR:`, `D1_TYPE_ERROR:`, `D1_COLUMN_NOTFOUND:` or
    `D1_DUMP_ERROR:`; a mistake that JavaScript itself notices, such as a session constraint that is no
    string, keeps JavaScript's own text.
    https://developers.cloudflare.com/d1/observability/debug-d1/ (checked 2026-11-24)
    """

    @classmethod
    def caused(cls, prefix: str, reason: str) -> Self:
        """Build the usual pair: an error with a prefix, whose cause is the bare reason."""
        return cls(f"{prefix}: {reason}", cause=JsException(reason))


class ConversionError(Exception):
    """What Pyodide raises for a value that JavaScript has nothing for; not even an error of JavaScript.

    https://pyodide.org/en/stable/usage/api/python-api/ffi.html#pyodide.ffi.ConversionError (checked 2026-11-24)
    """


class Refused(Exception):  # noqa: N818 - a lane's answer, not yet an error of the binding
    """What a backend raises when the database refuses a request: the bare text, without prefix.

    Attributes:
        reason: The text as the database gave it, such as `no such table: t: SQLITE_ERROR`.
        kind: `"reset"` when the object behind the database died with it, so that the binding reports the text
            without `D1_ERROR:` and without a cause; otherwise `"error"`.
        position: Which of the request's statements was refused, from 0, where that is known.
    """

    def __init__(self, reason: str, *, kind: str = "error", position: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.kind = kind
        self.position = position

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickling with all arguments."""
        return _refused, (self.reason, self.kind, self.position)


def _rebuilt(kind: type[JsException], message: str, name: str, cause: JsException | None) -> JsException:
    return kind(message, name=name, cause=cause)


def _refused(reason: str, kind: str, position: int) -> Refused:
    return Refused(reason, kind=kind, position=position)
