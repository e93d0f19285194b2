"""What stands behind an exception."""

from collections.abc import Iterator


def behind(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, and those that it holds or was raised from."""
    to_do = [error]
    seen: set[int] = set()
    while to_do:
        one = to_do.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        to_do += [one.__cause__, one.__context__, *(one.exceptions if isinstance(one, BaseExceptionGroup) else ())]
