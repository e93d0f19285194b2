"""httpx as a client that is guarded."""

from typing import final

import httpx

from pytest_cfworkers.clients import body
from pytest_cfworkers.clients.dialect import Dialect
from pytest_cfworkers.clients.transport import Guarded


@final
class GuardedTransport(Guarded, httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A guarded transport for `httpx.Client` and `httpx.AsyncClient`."""


@final
class _Body(body.Body, httpx.SyncByteStream):
    pass


@final
class _AsyncBody(body.AsyncBody, httpx.AsyncByteStream):
    pass


DIALECT = Dialect(
    httpx,
    GuardedTransport,
    _Body,
    _AsyncBody,
    (httpx.HTTPTransport, httpx.AsyncHTTPTransport, httpx.MockTransport),
    (httpx.ASGITransport, httpx.WSGITransport),
    httpx.ByteStream,
)
