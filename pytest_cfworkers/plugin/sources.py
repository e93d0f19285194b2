"""Where the value of an option comes from: the command line, before the environment, before the ini file."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pytest_cfworkers.plugin.options import Option


class Given(NamedTuple):
    """A value and where it was set.

    Attributes:
        value: The value.
        place: Words for the place; "" for the default.
        base: The folder that a relative path is relative to.
    """

    value: Any
    place: str
    base: Path


def effective(option: Option, config: pytest.Config) -> Given:
    """Return the value of an option that holds, read and checked, and where it was set.

    Raises:
        pytest.UsageError: It is not valid; names where it was set, the value and what is valid.
    """
    default = Given(option.default, "", config.rootpath)
    given = next((source for source in _sources(option, config) if source.value not in (None, "", [])), default)
    if not option.repeatable:
        return given._replace(value=_parsed(option, str(given.value), given.place))
    several = given.value.split(";") if isinstance(given.value, str) else map(str, given.value)
    return given._replace(value=tuple(_parsed(option, text.strip(), given.place) for text in several if text.strip()))


def _parsed(option: Option, text: str, place: str) -> Any:
    try:
        if option.choices and text not in option.choices:
            raise ValueError(", ".join(option.choices))
        return option.parse(text)
    except ValueError as error:
        raise pytest.UsageError(f"{place}: {text!r} is not valid; valid: {error}") from None


def _sources(option: Option, config: pytest.Config) -> Iterator[Given]:
    """Yield what was set, the strongest first; what another value outweighs is not looked at."""
    called_in = config.invocation_params.dir
    yield Given(config.getoption(option.name), option.flag, called_in)
    yield Given(os.environ.get(option.variable), f"the environment variable {option.variable}", called_in)
    yield Given(_from_ini(option, config), _ini_place(option, config), config.rootpath)


def _from_ini(option: Option, config: pytest.Config) -> Any:
    try:
        return config.getini(option.name)
    except TypeError as error:  # a value of another type in a table of TOML; pytest 9.2 refuses it by itself
        raise pytest.UsageError(f"{_ini_place(option, config)}: {error}") from None


def _ini_place(option: Option, config: pytest.Config) -> str:
    overridden = any(given.partition("=")[0].strip() == option.name for given in config.getoption("override_ini") or ())
    return f"-o {option.name}" if overridden else f"{option.name} in {config.inipath or 'the ini file'}"
