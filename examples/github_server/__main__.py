"""`python -m examples.github_server`: serve until interrupted, and print the address first."""

import argparse
import asyncio
import sys
import threading
from contextlib import suppress

from .control import Control
from .wire import Wire


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="github_server", description=__doc__)
    parser.add_argument("--seed", type=int, default=7, help="what repositories and faults are drawn from (default: 7)")
    parser.add_argument("--size", type=int, default=2_000, help="how many repositories there are (default: 2000)")
    parser.add_argument("--host", default="127.0.0.1", help="the interface (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=0, help="the port (default: a free one)")
    parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS", help="what every answer takes")
    parser.add_argument("--until-eof", action="store_true", help="end when standard input does, so with its parent")
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace) -> None:
    wire = Wire(Control(arguments.seed, arguments.size), arguments.latency)
    server = await asyncio.start_server(wire.serve, arguments.host, arguments.port, backlog=256)
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def wait_for_parent() -> None:
        sys.stdin.buffer.read()
        loop.call_soon_threadsafe(ended.set)

    print(f"http://{arguments.host}:{server.sockets[0].getsockname()[1]}", flush=True)
    if arguments.until_eof:
        threading.Thread(target=wait_for_parent, daemon=True).start()
    await ended.wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(_arguments()))
