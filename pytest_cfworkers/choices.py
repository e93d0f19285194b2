"""The words that a user chooses among. Every run needs them to read its options, so they stand apart from the facts."""

from typing import Final, Literal, get_args

Plan = Literal["free", "paid"]
ConnectionModel = Literal["body", "headers"]
MemoryMode = Literal["auto", "trace", "memray", "off"]

PLANS: Final[tuple[Plan, ...]] = get_args(Plan)
CONNECTION_MODELS: Final[tuple[ConnectionModel, ...]] = get_args(ConnectionModel)
