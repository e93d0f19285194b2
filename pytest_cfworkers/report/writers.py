"""The reports that there are, by the suffix of their file. Each is imported only when it is written."""

from pathlib import PurePath

from pytest_cfworkers.report.run import Run


def render(run: Run, path: PurePath, *, prefix: str = "") -> str:
    """Return the text of the report that a path asks for by its suffix.

    Args:
        run: The run.
        path: Where it will be written.
        prefix: The root of the project from the root of its repository, such as "packages/api/".

    Raises:
        ValueError: There is no such report.
    """
    match path.suffix.lower():
        case ".html":
            from pytest_cfworkers.report import html  # noqa: PLC0415

            return html.render(run)
        case ".json":
            from pytest_cfworkers.report import files  # noqa: PLC0415

            return files.dump(run)
        case ".md":
            from pytest_cfworkers.report import markdown  # noqa: PLC0415

            return markdown.render(run)
        case ".sarif":
            from pytest_cfworkers.report import sarif  # noqa: PLC0415

            return sarif.render(run, prefix=prefix)
        case suffix:
            raise ValueError(f"no report ends in {suffix!r}")
