"""Measures a bundle: its bytes before and after compression, and its largest packages."""

import zlib
from collections import Counter
from pathlib import Path
from typing import Final

from pytest_cfworkers.bundle.upload import VENDOR, BundleError, Upload
from pytest_cfworkers.report.run import Bundle

_GZIP: Final = 31
"""What zlib calls the format of gzip, with its largest window."""

_KEPT: Final = 10
"""Packages that are named."""


def measure(upload: Upload, root: Path) -> Bundle:
    """Measure what is uploaded.

    The compressed size is that of all files one after another, as wrangler tells it.

    Args:
        upload: What is uploaded.
        root: The root of the project, from which the path of the bundle is written.

    Raises:
        BundleError: A file cannot be read.
    """
    compressor = zlib.compressobj(wbits=_GZIP)
    size = compressed = 0
    packages: Counter[str] = Counter()
    for name, path in upload.files.items():
        try:
            content = path.read_bytes()
        except OSError as error:
            raise BundleError(f"{path} cannot be read: {error.strerror}") from None
        size += len(content)
        compressed += len(compressor.compress(content))
        packages[_package(name)] += len(content)
    inside = upload.path.is_relative_to(root)
    return Bundle(
        path=(upload.path.relative_to(root) if inside else upload.path).as_posix(),
        size=size,
        gzip_size=compressed + len(compressor.flush()),
        files=len(upload.files),
        packages=tuple(sorted(packages.items(), key=lambda pair: (-pair[1], pair[0]))[:_KEPT]),
    )


def _package(name: str) -> str:
    """Name what a file belongs to: the vendored package, or the folder or file of the Worker's own."""
    first, _, rest = name.partition("/")
    if first == VENDOR and rest:
        return rest.partition("/")[0]
    return f"{first}/" if rest else first
