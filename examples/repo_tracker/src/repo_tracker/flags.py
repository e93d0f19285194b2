"""What can be switched on and off without a deployment of other code."""

from dataclasses import dataclass
from typing import Final, Self

_ON: Final = ("on", "true", "1")
_OFF: Final = ("off", "false", "0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """The switches of a roll-out, each on its own. Off is the slow and simple way that fits the limits as well.

    Attributes:
        pooling: Six requests at once; off: one after the other.
        batching: Many rows in one round trip to D1; off: one statement in each.
        streaming: A batch in memory at a time; off: a whole step at once.
    """

    pooling: bool = True
    batching: bool = True
    streaming: bool = True

    @classmethod
    def from_environment(cls, env: object) -> Self:
        """Read `POOLING`, `BATCHING` and `STREAMING` from the `vars` of the wrangler file.

        Args:
            env: What the Worker is bound to; what it lacks is on.

        Raises:
            ValueError: A value is none of on, true, 1, off, false, 0.
        """
        return cls(**{name: _switch(env, name.upper()) for name in ("pooling", "batching", "streaming")})


def _switch(env: object, name: str) -> bool:
    given = getattr(env, name, None)
    value = "on" if given is None else str(given).strip().lower()  # JSON's true and false are switches, too
    if value not in (*_ON, *_OFF):
        raise ValueError(f"{name} = {value!r} is no switch; valid: {', '.join((*_ON, *_OFF))}")
    return value in _ON
