"""`Replaced`: attributes of others that are replaced while invocations run, and put back as they were."""

import threading
from collections.abc import Callable
from typing import Any, Final, final

_MISSING: Final = object()
_lock: Final = threading.RLock()
_left: Final[list[tuple[Any, str, Any, Any]]] = []
"""What could not be put back, as somebody had replaced it in turn: owner, name, original, and what took its place."""


@final
class Replaced:
    """What was replaced. Several may replace the same attribute, and put it back in any order."""

    def __init__(self) -> None:
        self._originals: list[tuple[Any, str, Any, Any]] = []

    def __call__(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """Replace an attribute.

        Args:
            owner: A class or module.
            name: The attribute, which a class may have from its base.
            make: Makes what takes its place from what is there.
        """
        with _lock:
            _put_back_left(owner, name)
            ours = make(getattr(owner, name))
            self._originals.append((owner, name, vars(owner).get(name, _MISSING), ours))
            setattr(owner, name, ours)

    def restore(self) -> None:
        """Put back what nobody else has replaced since; what is left behind passes on to what it replaced."""
        with _lock:
            while self._originals:
                owner, name, _, _ = replaced = self._originals.pop()
                _left.append(replaced)
                _put_back_left(owner, name)


def _put_back_left(owner: Any, name: str) -> None:
    """Put back an attribute as far as what stands there was left behind."""
    while (stands := vars(owner).get(name)) is not None:
        found = next((one for one in _left if one[3] is stands), None)
        if found is None:
            return
        _left.remove(found)
        if found[2] is _MISSING:
            delattr(owner, name)
        else:
            setattr(owner, name, found[2])
