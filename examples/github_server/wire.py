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
        except (ConnectionError, h11.RemoteProtocolError, asyncio.CancelledError):
            pass  # the client went away or speaks something else, or the server ends while an answer waits
        finally:
            journal.connect(-1)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _answered(self, request: Request, connection: h11.Connection, writer: StreamWriter) -> None:
        control = self._control
        if request.path.startswith(PREFIX):
            await _sent(_encoded(control.answer(request), request, connection), writer)
            return
        fault = control.faults.strike(request.path)
        entry = control.journal.begin(request.method, request.path, fault and fault.kind)
        try:
            await asyncio.sleep(self._latency_s)
            if fault and fault.kind == "reset":
                control.journal.end(entry)
                _reset(writer)
                raise ConnectionResetError
            answer = (fault and fault.answer()) or control.api.answer(request)
            entry.status = answer.status
            rest = await self._begun(fault, answer, _encoded(answer, request, connection), writer)
            control.journal.end(entry)
            await _sent(rest, writer)
        finally:
            control.journal.end(entry)

    async def _begun(self, fault: Fault | None, answer: Answer, message: bytes, writer: StreamWriter) -> bytes:
        """Send as much of a message as comes before its end, as slowly as a fault wants it; return the rest."""
        middle = len(message) - max(len(answer.body) // 2, 1)  # who has the last byte has the answer
        if fault and fault.kind == "slow-headers":
            await self._waited(fault)
        elif fault and fault.kind in {"slow-body", "truncated-body"}:
            await _sent(message[:middle], writer)
            if fault.kind == "truncated-body":
                raise ConnectionAbortedError  # what was promised does not come
            await self._waited(fault)
            return message[middle:]
        return message

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
            try:
                return Request.to(head.method.decode(), head.target.decode("latin-1"), headers, body)
            except ValueError:  # its target is no address
                return None
        else:
            return None


def _encoded(answer: Answer, request: Request, connection: h11.Connection) -> bytes:
    headers = {"date": formatdate(usegmt=True), "server": "github.com", **answer.headers}
    if answer.status != 304:  # which has no body, so it promises none
        headers["content-length"] = str(len(answer.body))
    parts = [connection.send(h11.Response(status_code=answer.status, headers=list(headers.items())))]
    if request.method != "HEAD" and answer.body:
        parts.append(connection.send(h11.Data(answer.body)))
    parts.append(connection.send(h11.EndOfMessage()))
    return b"".join(part or b"" for part in parts)


async def _sent(data: bytes, writer: StreamWriter) -> None:
    writer.write(data)
    await writer.drain()


def _reset(writer: StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()
