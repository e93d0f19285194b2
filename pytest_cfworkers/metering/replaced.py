"""`Replaced`: attributes of others that are replaced while invocations run, and put back as they were."""

from collections.abc import Callable
from typing import Any, Final, final

_MISSING: Final = object()


@final
class Replaced:
    """What was replaced."""

    def __init__(self) -> None:
        self._originals: list[tuple[Any, str, Any, Any]] = []

    def __call__(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """Replace an attribute.

        Args:
            owner: A class or module.
            name: The attribute, which a class may have from its base.
            make: Makes what takes its place from what is there.
        """
        ours = make(getattr(owner, name))
        self._originals.append((owner, name, vars(owner).get(name, _MISSING), ours))
        setattr(owner, name, ours)

    def restore(self) -> None:
        """Put back what nobody else has replaced since; what is left behind passes on to what it replaced."""
        while self._originals:
            owner, name, original, ours = self._originals.pop()
            if vars(owner).get(name) is not ours:
                continue
            if original is _MISSING:
                delattr(owner, name)
            else:
                setattr(owner, name, original)
