"""What is uploaded is what wrangler would take, or what a folder holds."""

from pathlib import Path

import pytest

from pytest_cfworkers.bundle.upload import BundleError, of_folder, of_wrangler
from tests.bundle.worker import wrangler, write


def names(root: Path, text: str = 'main = "src/entry.py"\n') -> list[str]:
    return list(of_wrangler(wrangler(root, text)).files)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path, "src/entry.py")
    return tmp_path


def test_every_python_file_below_the_entrys_folder_is_taken_and_nothing_beside_it(root: Path) -> None:
    for name in ("src/app/routes.py", "src/tests/test_app.py", "other.py", "src/notes.md", "src/data.json"):
        write(root, name)
    assert names(root) == ["app/routes.py", "entry.py", "tests/test_app.py"]


def test_texts_data_and_wasm_are_taken(root: Path) -> None:
    for name in ("src/page.html", "src/a.txt", "src/a.sql", "src/a.bin", "src/a.wasm", "src/a.css", "src/a.so"):
        write(root, name)
    assert names(root) == ["a.bin", "a.sql", "a.txt", "a.wasm", "entry.py", "page.html"]


def test_a_virtual_environment_below_the_base_is_taken_as_wrangler_does(root: Path) -> None:
    """Wrangler asks no .gitignore; who sees it here sees why the upload is large."""
    write(root, ".venv-workers/lib/site.py")
    write(root, "python_modules/pkg/__init__.py")
    taken = names(root, 'main = "src/entry.py"\nbase_dir = "."\n')
    assert ".venv-workers/lib/site.py" in taken


def test_caches_git_and_wranglers_own_folder_are_not_taken(root: Path) -> None:
    for name in ("src/__pycache__/entry.cpython-313.pyc", "src/.git/config", "src/.wrangler/tmp/x.py"):
        write(root, name)
    assert names(root) == ["entry.py"]


def test_all_that_is_vendored_is_taken_but_what_is_excluded(root: Path) -> None:
    for name in ("pkg/__init__.py", "pkg/native.so", "pkg/data.json", "pkg/__pycache__/a.pyc", "pkg/tests/test_a.py"):
        write(root, f"python_modules/{name}")
    vendored = ["python_modules/pkg/__init__.py", "python_modules/pkg/data.json", "python_modules/pkg/native.so"]
    assert names(root) == ["entry.py", *vendored, "python_modules/pkg/tests/test_a.py"]
    excluding = '[python_modules]\nexclude = ["**/*.pyc", "**/tests/**"]\n'
    assert names(root, f'main = "src/entry.py"\n{excluding}') == ["entry.py", *vendored]


def test_a_rule_of_ones_own_ends_the_default_of_its_type_unless_it_falls_through(root: Path) -> None:
    write(root, "src/a.txt")
    write(root, "src/a.css")
    rule = 'main = "src/entry.py"\n[[rules]]\ntype = "Text"\nglobs = ["**/*.css"]\n'
    assert names(root, rule) == ["a.css", "entry.py"]
    assert names(root, f"{rule}fallthrough = true\n") == ["a.css", "a.txt", "entry.py"]


def test_a_base_above_the_wrangler_file_is_one(root: Path) -> None:
    write(root, "worker/entry.py")
    write(root, "shared/a.py")
    upload = of_wrangler(wrangler(root / "worker", 'main = "./entry.py"\nbase_dir = ".."\n'))
    assert {"worker/entry.py", "shared/a.py"} <= set(upload.files)
    assert upload.roots[0] == root


def test_links_to_folders_are_not_followed_and_broken_links_not_read(root: Path) -> None:
    write(root, "elsewhere/big.py")
    (root / "src/link").symlink_to(root / "elsewhere")
    (root / "src/loop").symlink_to(root / "src")
    (root / "src/gone.py").symlink_to(root / "nothing.py")
    assert names(root) == ["entry.py"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('name = "x"\n', "names no main; name the folder of the bundle: --cf-bundle=DIR"),
        ('main = "src/gone.py"\n', "does not exist"),
        ('main = "src/entry.py"\nbase_dir = "lib"\n', "is not below its base_dir"),
        ('main = "src/index.ts"\n', "run `npx wrangler deploy --dry-run --outdir=dist`"),
    ],
)
def test_a_worker_without_a_python_entry_is_refused(root: Path, text: str, said: str) -> None:
    write(root, "src/index.ts")
    with pytest.raises(BundleError, match=said):
        of_wrangler(wrangler(root, text))


def test_of_a_folder_every_file_counts_but_what_no_upload_holds(tmp_path: Path) -> None:
    for name in ("index.py", "python_modules/pkg/data.bin", "assets/a.css"):
        write(tmp_path, name)
    for name in ("README.md", "index.js.map", "__pycache__/a.pyc", ".git/x", "node_modules/x.js", ".wrangler/x"):
        write(tmp_path, name)
    upload = of_folder(tmp_path, None)
    assert list(upload.files) == ["assets/a.css", "index.py", "python_modules/pkg/data.bin"]
    assert upload.entry == tmp_path / "index.py"


def test_the_entry_of_a_folder_is_that_of_the_wrangler_file_first(tmp_path: Path) -> None:
    write(tmp_path, "index.py")
    write(tmp_path, "other.py")
    assert of_folder(tmp_path, "other.py").entry == tmp_path / "other.py"
    assert of_folder(tmp_path, "gone.py").entry == tmp_path / "index.py"


def test_a_folder_that_is_not_there_or_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is no folder; valid: what `wrangler deploy"):
        of_folder(tmp_path / "gone", None)
    with pytest.raises(BundleError, match="holds no file that would be uploaded; build first"):
        of_folder(tmp_path, None)
