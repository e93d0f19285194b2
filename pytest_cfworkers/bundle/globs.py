"""The patterns of wrangler's configuration, as the library that it uses reads them."""

import re
from functools import cache


@cache
def compiled(glob: str) -> re.Pattern[str]:
    """Compile a pattern for whole names with forward slashes.

    `*` stands for anything within a folder, `**` between slashes for any number of folders. Everything else, also
    `?` and brackets, stands for itself.
    """
    parts = re.split(r"(\*+)", glob)
    written = []
    for number, part in enumerate(parts):
        if not part.startswith("*"):
            written.append(re.escape(part))
            continue
        before, after = parts[number - 1], parts[number + 1]
        if len(part) > 1 and (not before or before.endswith("/")) and (not after or after.startswith("/")):
            parts[number + 1] = after.removeprefix("/")
            written.append(r"(?:[^/]*(?:/|\Z))*")
        else:
            written.append("[^/]*")
    return re.compile("".join(written) + r"\Z", re.DOTALL)
