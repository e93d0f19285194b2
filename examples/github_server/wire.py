"""The wire: HTTP/1.1 over asyncio's streams, by h11, and the faults that lie in how an answer is sent."""

import asyncio
import socket
import struct
from asyncio import StreamReader, StreamWriter
from contextlib import suppress
from email.utils import formatdate
from typing import Final, final

import h11  # httpx brings it

from .control import PREFIX, Control
from .faults import Fault
from .messages import Answer, Request

_READ: Final = 65_536
"""Bytes that are read at once."""

_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER with no time to linger: closing resets the connection."""


@final
class Wire:
    """The server.

    Args:
        control: What is served, and what goes wrong.
        latency_s: Seconds that every answer takes.
    """

    def __init__(self, control: Control, latency_s: float = 0.0) -> None:
        self._control = control
        self._latency_s = latency_s

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serve one connection until either side closes it."""
        journal = self._control.journal
        journal.connect(1)
        connection = h11.Connection(h11.SERVER)
        try:
            while request := await _received(connection, reader):
                await self._answered(request, connection, writer)
                if connection.our_state is not h11.DONE:
                    break
                connection.start_next_cycle()
        except (ConnectionError, h11.RemoteProtocolError):
            pass  # the client went away or speaks something else
        finally:
            journal.connect(-1)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _answered(self, request: Request, connection: h11.Connection, writer: StreamWriter) -> None:
        control = self._control
        if request.path.startswith(PREFIX):
            await _sent(control.answer(request), request, connection, writer)
            return
        fault = control.faults.strike(request.path)
        entry = control.journal.begin(request.method, request.path, fault and fault.kind)
        try:
            await asyncio.sleep(self._latency_s)
            if fault and fault.kind == "reset":
                _reset(writer)
                raise ConnectionResetError
            answer = (fault and fault.answer()) or control.api.answer(request)
            entry.status = answer.status
            await self._sent_with(fault, answer, request, connection, writer)
        finally:
            control.journal.end()

    async def _sent_with(
        self, fault: Fault | None, answer: Answer, request: Request, connection: h11.Connection, writer: StreamWriter
    ) -> None:
        if fault and fault.kind == "slow-headers":
            await self._waited(fault)
        if fault is None or fault.kind not in {"slow-body", "truncated-body"}:
            await _sent(answer, request, connection, writer)
            return
        half = len(answer.body) // 2
        writer.write(connection.send(_head(answer)) or b"")
        writer.write(connection.send(h11.Data(answer.body[:half])) or b"")
        await writer.drain()
        if fault.kind == "truncated-body":
            raise ConnectionAbortedError  # what was promised does not come
        await self._waited(fault)
        writer.write(connection.send(h11.Data(answer.body[half:])) or b"")
        writer.write(connection.send(h11.EndOfMessage()) or b"")
        await writer.drain()

    async def _waited(self, fault: Fault) -> None:
        if fault.seconds is None:
            await self._control.released.wait()
        else:
            await asyncio.sleep(fault.seconds)


async def _received(connection: h11.Connection, reader: StreamReader) -> Request | None:
    """Return the next request, whole; None when the client has none."""
    head: h11.Request | None = None
    body = b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(_READ))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            headers = {name.decode(): value.decode("latin-1") for name, value in head.headers}
            return Request.to(head.method.decode(), head.target.decode("latin-1"), headers, body)
        else:
            return None


async def _sent(answer: Answer, request: Request, connection: h11.Connection, writer: StreamWriter) -> None:
    parts = [connection.send(_head(answer))]
    if request.method != "HEAD" and answer.body:
        parts.append(connection.send(h11.Data(answer.body)))
    parts.append(connection.send(h11.EndOfMessage()))
    writer.write(b"".join(part or b"" for part in parts))
    await writer.drain()


def _head(answer: Answer) -> h11.Response:
    headers = {"date": formatdate(usegmt=True), "server": "github.com", **answer.headers}
    if answer.status != 304:  # which has no body, so it promises none
        headers["content-length"] = str(len(answer.body))
    return h11.Response(status_code=answer.status, headers=list(headers.items()))


def _reset(writer: StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()
