"""Writing a file whole or not at all, and whether that will do."""

import contextlib
import os
import tempfile
from pathlib import Path


def problem(path: Path) -> str:
    """Say why a file cannot be written to a path, and what to do; "" where it can."""
    if path.is_dir():
        return f"{path} is a folder; valid: a path of a file"
    folder = path.resolve().parent
    if not folder.is_dir():
        return f"the folder {path.parent} does not exist; make it first, or choose another"
    if path.exists() and not os.access(path, os.W_OK):
        return f"{path} may not be written to"
    try:
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return f"{path} cannot be written: {error.strerror} in {folder}"


def write_text(path: Path, text: str) -> None:
    """Write a file so that a reader, or a crash, meets the old one or the new one and nothing between.

    What cannot be encoded, half of a surrogate pair, is written as its escape, which is what JSON has for it.

    Args:
        path: Where to; the folder must exist. A link stays a link: what it leads to is replaced.
        text: What to write, in UTF-8 with plain line feeds.

    Raises:
        OSError: It cannot be written.
    """
    target = Path(os.path.realpath(path))
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:80]}.")
    try:
        with open(handle, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
            file.write(text.encode("utf-8", "backslashreplace"))
        Path(name).chmod(_mode_of(target))
        Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def _mode_of(target: Path) -> int:
    """The permissions that a file has, or that a new one gets."""
    try:
        return target.stat().st_mode & 0o777
    except OSError:
        umask = os.umask(0)
        os.umask(umask)
        return 0o666 & ~umask
