"""Which engine measures: the cheap one where it can tell, the exact one where it cannot."""

import ctypes
from contextlib import suppress
from functools import cache
from typing import Final, Literal, get_args

from pytest_cfworkers.memory.engine import Engine
from pytest_cfworkers.memory.preparation import this_process
from pytest_cfworkers.metering.allocations import ALLOCATIONS

Mode = Literal["auto", "trace", "memray", "sample", "off"]
MODES: Final[tuple[Mode, ...]] = get_args(Mode)

SMALLEST: Final = 64 * 2**10
"""The smallest limit that is measured, in bytes: what guards the test takes memory, too."""

FINEST: Final = 16 * 2**20
"""The smallest limit that the kernel's pages can tell about, in bytes. Below, `auto` traces."""


def prepare(mode: Mode, limit: int) -> None:
    """Do beforehand what the cheap engine would do at its start, which may take long: it collects garbage."""
    if _cheap_enough(mode, limit):
        with suppress(OSError), (process := this_process()).lock:  # without books another engine starts
            process.prepare(limit)


def start_engine(mode: Mode, limit: int, *, traces: bool = True) -> Engine:
    """Start the engine that answers for a limit.

    Args:
        mode: What was asked for.
        limit: Bytes.
        traces: Whether "auto" may trace where so much is free in the heap that the cheap engine may not decide.

    Raises:
        OSError: The engine that was asked for does not work here; the text says why.
    """
    if mode == "memray":
        from pytest_cfworkers.memory.profiled import Profiled  # noqa: PLC0415 - only where it is asked for

        return _started(Profiled(limit))
    if mode == "sample":
        from pytest_cfworkers.memory.sampled import Sampled  # noqa: PLC0415 - only where it is needed

        return _started(Sampled(limit))
    if _cheap_enough(mode, limit):
        try:
            return _cheap(limit, traces=traces)
        except OSError:  # no Linux, or another allocator
            return start_engine("sample", limit)
    from pytest_cfworkers.memory.traced import Traced  # noqa: PLC0415 - only where it is needed

    return _started(Traced(limit))


def _cheap_enough(mode: Mode, limit: int) -> bool:
    # Where the application or the user traces already, its books would count as memory of the test.
    return mode == "auto" and limit >= FINEST and not ALLOCATIONS.traced and not _is_padded() and not _is_bounded()


@cache
def _is_padded() -> bool:
    """Tell whether Python's allocator is another than usual: under `-X dev` each block has margins, which are pages."""
    name = getattr(ctypes.pythonapi, "_PyMem_GetCurrentAllocatorName", None)
    if name is None:
        return False
    name.restype = ctypes.c_char_p
    return name() not in {b"pymalloc", None}


def _is_bounded() -> bool:
    """Tell whether the address space has a limit (`ulimit -v`): what is reserved to level marks would be missed."""
    try:
        import resource  # noqa: PLC0415 - Windows has none
    except ImportError:
        return False
    return resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY


def _cheap(limit: int, *, traces: bool) -> Engine:
    try:
        from pytest_cfworkers.memory.highwater import HighWater  # noqa: PLC0415 - only where it works
    except ImportError as error:  # Windows has no module `resource`
        raise OSError(str(error)) from error
    engine = HighWater(limit)
    engine.start()
    if traces and engine.doubtful:  # too much is free in the heap to tell what of it the test uses
        engine.stop()
        return start_engine("trace", limit)
    return engine


def _started(engine: Engine) -> Engine:
    engine.start()
    return engine
