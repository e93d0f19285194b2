"""Sizes, files and the largest packages of a bundle."""

import gzip
import random
from pathlib import Path

import pytest

from pytest_cfworkers.bundle.measure import measure
from pytest_cfworkers.bundle.upload import BundleError, of_folder, of_wrangler
from tests.bundle.worker import wrangler, write


def test_bytes_are_those_of_the_files_and_of_all_of_them_compressed_together(tmp_path: Path) -> None:
    contents = [random.Random(number).randbytes(5_000) for number in range(3)] + [b"x" * 100_000]  # noqa: S311 - no secret
    for number, content in enumerate(contents):
        (tmp_path / f"{number}.bin").write_bytes(content)
    bundle = measure(of_folder(tmp_path, None), tmp_path.parent)
    together = b"".join(contents)
    assert (bundle.size, bundle.files, bundle.path) == (len(together), 4, tmp_path.name)
    assert bundle.gzip_size == pytest.approx(len(gzip.compress(together, 6)), rel=0.01)


def test_packages_are_named_by_what_is_vendored_and_ones_own_by_folder_the_largest_first(tmp_path: Path) -> None:
    write(tmp_path, "src/entry.py", "x" * 10)
    write(tmp_path, "src/app/a.py", "x" * 20)
    write(tmp_path, "src/app/deep/b.py", "x" * 20)
    write(tmp_path, "python_modules/large/a.py", "x" * 500)
    write(tmp_path, "python_modules/large/b.py", "x" * 500)
    write(tmp_path, "python_modules/single.py", "x" * 7)
    bundle = measure(of_wrangler(wrangler(tmp_path)), tmp_path)
    assert bundle.packages == (("large", 1_000), ("app/", 40), ("entry.py", 10), ("single.py", 7))
    assert bundle.path == "src/entry.py"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    gone = write(tmp_path, "a.py")
    upload = of_folder(tmp_path, None)
    gone.unlink()
    with pytest.raises(BundleError, match=r"a\.py cannot be read: No such file"):
        measure(upload, tmp_path)
