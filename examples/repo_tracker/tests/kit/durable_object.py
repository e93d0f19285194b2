"""The storage of a Durable Object."""

from typing import Any


class Storage:
    """The storage of a Durable Object, and its one alarm.

    Attributes:
        alarm: When it is due, in milliseconds; None if there is none.
    """

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.alarm: int | None = None

    async def get(self, key: str, /) -> Any:
        return self.values.get(key)

    async def put(self, key: str, value: Any, /) -> None:
        assert isinstance(value, str)
        self.values[key] = value

    async def getAlarm(self) -> int | None:  # noqa: N802 - the platform's name
        return self.alarm

    async def setAlarm(self, scheduled_time: int, /) -> None:  # noqa: N802
        assert scheduled_time > 0
        self.alarm = scheduled_time
