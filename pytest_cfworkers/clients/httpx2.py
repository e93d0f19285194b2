"""httpx2, the maintained successor of httpx, as a client that is guarded."""

from typing import final

import httpx2

from pytest_cfworkers.clients import body
from pytest_cfworkers.clients.dialect import Dialect
from pytest_cfworkers.clients.transport import Guarded


@final
class GuardedTransport(Guarded, httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """A guarded transport for `httpx2.Client` and `httpx2.AsyncClient`."""


@final
class _Body(body.Body, httpx2.SyncByteStream):
    pass


@final
class _AsyncBody(body.AsyncBody, httpx2.AsyncByteStream):
    pass


DIALECT = Dialect(
    httpx2,
    GuardedTransport,
    _Body,
    _AsyncBody,
    (httpx2.HTTPTransport, httpx2.AsyncHTTPTransport, httpx2.MockTransport),
    (httpx2.ASGITransport, httpx2.WSGITransport),
    httpx2.ByteStream,
)
