"""An HTTP server on the loopback interface whose answers are controlled by events, not by time."""

import gzip
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.clients.kit import PATIENCE_S

PARTS = [b"one ", b"two ", b"three"]


class Loopback(ThreadingHTTPServer):
    """The server.

    Attributes:
        seen: The method and path of each request, in the order in which they arrived.
        bodies: The body of each request.
        gate: What slow answers wait for.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[str] = []
        self.bodies: list[bytes] = []
        self.gate = threading.Event()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet: that a client goes away is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are sent apart
    server: Loopback

    def do_GET(self) -> None:
        """Answer by the first part of the path."""
        server = self.server
        server.bodies.append(self._read_body())
        server.seen.append(f"{self.command} {self.path}")
        name, _, argument = self.path.partition("?")[0][1:].partition("/")
        getattr(self, "answer_" + name.replace("-", "_"), self.answer_missing)(argument)

    do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = do_GET  # noqa: N815 - dictated by http.server

    def log_message(self, *arguments: object) -> None:
        """Write nothing."""

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Send a whole response."""
        self.start(status, **{"content-length": str(len(body)), **headers})
        if self.command != "HEAD":
            self.wfile.write(body)

    def start(self, status: int, **headers: str) -> None:
        """Send status and headers."""
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def answer_missing(self, _: str) -> None:
        """Say that there is nothing."""
        self.answer(404, b"nothing here")

    def answer_plain(self, _: str) -> None:
        """Answer with a few words."""
        self.answer(200, b"hello", content_type="text/plain; charset=utf-8")

    def answer_json(self, _: str) -> None:
        """Answer with JSON."""
        self.answer(200, b'{"text": "gr\xc3\xbc\xc3\x9fe"}', content_type="application/json")

    def answer_latin(self, _: str) -> None:
        """Answer in another encoding, as the header says."""
        self.answer(200, b"gr\xfc\xdfe\n2\n", content_type="text/plain; charset=iso-8859-1")

    def answer_status(self, status: str) -> None:
        """Answer with a status; 204 and 304 have no length."""
        status = status.partition("/")[0]
        if status in {"204", "304"}:
            self.start(int(status))
        else:
            self.answer(int(status), status.encode())

    def answer_empty(self, _: str) -> None:
        """Answer with a body of length 0."""
        self.answer(200)

    def answer_chunked(self, _: str) -> None:
        """Answer in chunks."""
        self.start(200, transfer_encoding="chunked")
        self.wfile.write(b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in [*PARTS, b""]))

    def answer_large(self, _: str) -> None:
        """Answer with more than one read takes."""
        self.answer(200, b"x" * 300_000)

    def answer_gzip(self, _: str) -> None:
        """Answer compressed."""
        self.answer(200, gzip.compress(b"".join(PARTS), mtime=0), content_encoding="gzip")

    def answer_not_gzip(self, _: str) -> None:
        """Answer with what claims to be compressed and is not."""
        self.answer(200, b"not compressed", content_encoding="gzip")

    def answer_redirect(self, left: str) -> None:
        """Redirect until none is left."""
        self.answer(302, b"on", location="/plain" if left == "1" else f"/redirect/{int(left) - 1}")

    def answer_away(self, _: str) -> None:
        """Redirect to what is no URL."""
        self.answer(302, location="https://😇/")

    def answer_loop(self, _: str) -> None:
        """Redirect for ever."""
        self.answer(302, location="/loop")

    def answer_cookie(self, value: str) -> None:
        """Set a cookie and redirect to where it is echoed."""
        self.answer(302, location="/echo", set_cookie=f"session={value}; Path=/")

    def answer_echo(self, _: str) -> None:
        """Answer with what was sent."""
        told = [self.command, self.headers.get("cookie", ""), self.headers.get("authorization", "")]
        self.answer(200, " ".join(told).encode() + b" " + self.server.bodies[-1])

    def answer_basic(self, _: str) -> None:
        """Ask for a digest."""
        if "authorization" in self.headers:
            self.answer(200, b"welcome")
        else:
            self.answer(401, b"who?", www_authenticate='Digest realm="r", nonce="n", qop="auth", algorithm=MD5')

    def answer_truncated(self, _: str) -> None:
        """Promise more than is sent."""
        self.start(200, content_length="100")
        self.wfile.write(b"not all")
        self.close_connection = True

    def answer_hang_up(self, _: str) -> None:
        """Close the connection without an answer."""
        self.close_connection = True

    def answer_reset(self, _: str) -> None:
        """Reset the connection without an answer."""
        self._reset()

    def answer_reset_body(self, _: str) -> None:
        """Reset the connection within the body, when the gate opens."""
        self.start(200, content_length="100")
        self.wfile.write(b"not all")
        self._wait()
        self._reset()

    def answer_nonsense(self, _: str) -> None:
        """Answer with what is not HTTP."""
        self.wfile.write(b"hello\r\n\r\n")
        self.close_connection = True

    def answer_slow_headers(self, _: str) -> None:
        """Answer when the gate opens."""
        self._wait()
        self.answer(200, b"hello")

    def answer_slow_body(self, _: str) -> None:
        """Send the rest of the body when the gate opens."""
        self.start(200, content_length="10")
        self.wfile.write(b"hello")
        self._wait()
        self.wfile.write(b"world")

    def answer_v1(self, _: str) -> None:
        """Answer as the SDKs of language models expect."""
        self.answer(
            200, b'{"id": "1", "object": "list", "data": [], "has_more": false}', content_type="application/json"
        )

    def _wait(self) -> None:
        self.server.gate.wait(PATIENCE_S)

    def _read_body(self) -> bytes:
        if self.headers.get("transfer-encoding", "") == "chunked":
            return b"".join(self._chunks())
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True


@contextmanager
def serving() -> Iterator[Loopback]:
    """Serve in a thread while the block lasts."""
    with Loopback() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.005,))
        thread.start()
        try:
            yield server
        finally:
            server.gate.set()
            server.shutdown()
            thread.join()
