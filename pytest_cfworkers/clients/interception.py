"""Replacing methods of living objects and classes for a while, and putting them back."""

from collections.abc import Callable
from typing import Any, Final, final
from weakref import ReferenceType, ref

_MISSING: Final = object()
_MARK: Final = "__pytest_cfworkers__"


@final
class Interceptions:
    """The methods that are replaced at present.

    Somebody else may replace the same method later and put ours back after we have gone (a monkeypatch whose
    undo comes late). What cannot be restored yet is tried again at the next `restore`, as long as somebody has it.

    Attributes:
        active: Whether `restore` is sure to be called, so that shared classes may be replaced.
    """

    def __init__(self) -> None:
        self.active = False
        self._done: list[tuple[Any, str, Any, ReferenceType[Callable[..., Any]]]] = []

    def __len__(self) -> int:
        return len(self._done)

    @staticmethod
    def replaced(method: object) -> bool:
        """Tell whether a method is one that took the place of another."""
        return hasattr(method, _MARK)

    def replace(self, owner: Any, name: str, replacement: Callable[..., Any]) -> bool:
        """Replace a method, unless it is replaced already.

        Args:
            owner: The object or class.
            name: The name of the method.
            replacement: What takes its place.

        Returns:
            False if the owner takes no attributes of its own.
        """
        if not hasattr(owner, "__dict__"):
            return False
        before = vars(owner).get(name, _MISSING)
        if self.replaced(before):
            return True
        setattr(replacement, _MARK, True)
        setattr(owner, name, replacement)
        self._done.append((owner, name, before, ref(replacement)))
        return True

    def restore(self) -> None:
        """Put back everything that is still ours to put back, the last first."""
        kept = []
        while self._done:
            owner, name, before, ours = self._done.pop()
            if (replacement := ours()) is None:
                continue  # nobody is left who could put it back
            if vars(owner).get(name) is not replacement:
                kept.append((owner, name, before, ours))
            elif before is _MISSING:
                delattr(owner, name)
            else:
                setattr(owner, name, before)
        self._done = kept[::-1]
