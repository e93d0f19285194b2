"""Numbers of things, as prose writes them."""


def counted(count: int, one: str, many: str = "") -> str:
    """Write how many there are of something.

    Args:
        count: How many.
        one: What one of them is called.
        many: What several are called; "" where that is only an s longer.
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"
