"""`Carrier`: what carries work that was started elsewhere, a task or a thread, and the user's lines that started it."""

from collections.abc import Callable, Iterator
from functools import partial
from sys import _getframe
from typing import Any
from weakref import ReferenceType, ref

from pytest_cfworkers.callsite import Frame, Site, capture, site_of, suspended
from pytest_cfworkers.lineage import home_coroutine, task_here, thread, waiting_coroutines

Carrier = Site | ReferenceType[Any]
"""The task, held weakly, because its result may be a response that is to be collected; or who used the thread."""


def handed_over(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function for another thread, which knows there the user's lines that hand it over here."""
    return partial(_carried, capture(_getframe(1)), function)


def _carried(site: Site, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    __tracebackhide__ = True
    before, thread.handed = thread.handed, site
    try:
        return function(*args, **kwargs)
    finally:
        thread.handed = before


def carrier_here() -> Carrier | None:
    """Return what carries the work that is done here; None in a thread that was handed nothing."""
    task = task_here()
    return ref(task) if task is not None else thread.handed


def led_by(site: Site, carrier: Carrier | None) -> Site:
    """Add to the only line of a site where the user waits for its task, or handed it to its thread.

    `gather(*(fetch(url) for url in urls))` runs each `fetch` in a task, which has no caller on its stack. To look for
    who waits takes longer than to take a site, so it is done for what a message names alone. For a task that has ended
    nobody waits any more.

    Args:
        site: The site.
        carrier: What carried the work when the site was taken.
    """
    if not site.alone or carrier is None:
        return site
    own = site.frames[0]
    for frames in _behind(carrier):
        # The line may be where somebody waits already, who has gone on since.
        if frames and (frames[0].path, frames[0].function) != (own.path, own.function):
            return site_of((own, frames[0]))
    return site


def _behind(carrier: Carrier) -> Iterator[tuple[Frame, ...]]:
    if isinstance(carrier, Site):
        yield carrier.frames
    elif (task := carrier()) is not None:
        yield from map(suspended, waiting_coroutines(task))
        yield from map(suspended, home_coroutine(task))
