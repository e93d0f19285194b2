"""The Node process: starts it, carries frames, keeps its log, and ends it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
from collections import deque
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from pytest_cfworkers.lanes.errors import RuntimeFailed
from pytest_cfworkers.lanes.installation import PROGRAM, find_installation
from pytest_cfworkers.lanes.node import find_node, node_environment

if TYPE_CHECKING:
    from collections.abc import Callable

# How the bridge ends: asked to, and because the runtime ended.
_IN_ORDER: Final = (0, 70)

# A runtime in the middle of a statement hears nothing less. Windows knows no such signal, and needs none.
_KILL: Final[int] = getattr(signal, "SIGKILL", signal.SIGTERM)

_HEADER: Final = struct.Struct(">II")
_ID_SIZE: Final = 4
_LOG_LINES: Final = 200

# Containers often have 64 MiB there, which is too little.
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a private folder there
_ROOM: Final = 2 * 2**30
_END_SECONDS: Final = 10.0

# What a session is elsewhere, a process group is on Windows.
_NEW_GROUP: Final[int] = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)


class RuntimeProcess:
    """One Node process with one miniflare and one workerd below it.

    It talks over its stdin and stdout, which nobody else has, and ends when its stdin ends: with this process
    at the latest. It stands in a session of its own, so that Ctrl-C in the terminal reaches pytest alone.

    Args:
        on_frame: Is called in a reader thread with each frame's id and payload.
        on_end: Is called once in that thread when no more frames will come.

    Raises:
        LaneUnavailable: Node or the runtime is not installed.
        RuntimeFailed: Node could not be started.
    """

    def __init__(self, on_frame: Callable[[int, bytes], None], on_end: Callable[[], None]) -> None:
        installation = find_installation()
        node = find_node()
        self.runtime_pid: int | None = None
        self.storage: Path = Path(tempfile.mkdtemp(prefix="pytest-cfworkers-d1-", dir=_fastest_folder()))
        self._on_frame = on_frame
        self._on_end = on_end
        self._log: deque[str] = deque(maxlen=_LOG_LINES)
        self._writing = threading.Lock()
        command = [str(node.executable), str(PROGRAM / "bridge.mjs"), str(installation), str(self.storage)]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the user's own Node with this package's program
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=_environment(self.storage),
                start_new_session=sys.platform != "win32",
                creationflags=_NEW_GROUP,
            )
        except OSError as error:
            shutil.rmtree(self.storage, ignore_errors=True)
            raise RuntimeFailed(f"Node ({node.executable}) could not be started: {error}") from error
        self._stdin, stdout, stderr = _pipes(self._process)
        self._log_reader = threading.Thread(target=self._read_log, args=(stderr,), name="cfworkers-d1-log", daemon=True)
        self._reader = threading.Thread(target=self._read_frames, args=(stdout,), name="cfworkers-d1", daemon=True)
        self._log_reader.start()
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process id of Node."""
        return self._process.pid

    @property
    def log(self) -> str:
        """The last lines that Node and the runtime printed."""
        return "\n".join(self._log)

    @property
    def exit_status(self) -> int | None:
        """How Node ended, or None while it runs."""
        return self._process.poll()

    def send(self, identifier: int, payload: bytes) -> None:
        """Write one frame.

        Raises:
            OSError: The process has ended.
        """
        with self._writing:
            self._stdin.write(_HEADER.pack(_ID_SIZE + len(payload), identifier))
            self._stdin.write(payload)
            self._stdin.flush()

    def kill(self) -> None:
        """End the process at once; `on_end` follows."""
        self._process.kill()

    def close(self) -> None:
        """End the process in order, or after some seconds by force, and remove its databases. Idempotent."""
        with contextlib.suppress(OSError, ValueError):
            self._stdin.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._end_orphan()
        for thread in (self._reader, self._log_reader):
            if thread is not threading.current_thread():
                thread.join(_END_SECONDS)
        shutil.rmtree(self.storage, ignore_errors=True)

    def finish(self) -> None:
        """Wait for the log and the exit status of a process that has ended, and end what it left."""
        self._log_reader.join(_END_SECONDS)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS)
            self._end_orphan()

    def _end_orphan(self) -> None:
        """End the runtime below a Node that could not do it: one that a signal killed."""
        pid, self.runtime_pid = self.runtime_pid, None
        if pid is not None and self._process.returncode not in _IN_ORDER:
            with contextlib.suppress(OSError):
                os.kill(pid, _KILL)

    def _read_frames(self, stdout: IO[bytes]) -> None:
        with stdout:
            while len(header := stdout.read(_HEADER.size)) == _HEADER.size:
                size, identifier = _HEADER.unpack(header)
                payload = stdout.read(size - _ID_SIZE)
                if len(payload) < size - _ID_SIZE:
                    break
                self._on_frame(identifier, payload)
        self._on_end()

    def _read_log(self, stderr: IO[bytes]) -> None:
        with stderr:
            for line in stderr:
                self._log.append(line.decode("utf-8", "replace").rstrip())


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes], IO[bytes]]:
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise RuntimeFailed("Node was started without pipes")
    return process.stdin, process.stdout, process.stderr


def _fastest_folder() -> Path | None:
    """Return where files live in memory, if there is room: a new database costs half there."""
    if os.environ.get("TMPDIR") or not os.access(_MEMORY, os.W_OK | os.X_OK):
        return None
    return _MEMORY if shutil.disk_usage(_MEMORY).free >= _ROOM else None


def _environment(storage: Path) -> dict[str, str]:
    # miniflare's own temporary files go where this object removes them.
    folder = str(storage)
    return {**node_environment(), "TMPDIR": folder, "TEMP": folder, "TMP": folder, "NO_COLOR": "1"}
