"""Where hypothesis makes the test of a state machine, each of whose examples is an invocation."""

import functools
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

Function = Callable[..., Any]

MAKER: Final = "get_state_machine_test"
"""What makes it: not documented for others, so what follows asks whether it is there and used."""

_MODULE: Final = "hypothesis.stateful"


def module_of(function: object) -> ModuleType | None:
    """Return where the test is made that a function runs.

    Args:
        function: The function of a test, such as `runTest` of `RuleBasedStateMachine.TestCase`.

    Returns:
        The module whose `MAKER` makes it; None where the function runs no state machine by itself, or where this
        version of hypothesis makes its test elsewhere.
    """
    if getattr(function, "__module__", None) != _MODULE:
        return None
    module = sys.modules.get(_MODULE)
    runner = getattr(getattr(module, "run_state_machine_as_test", None), "__code__", None)
    return module if hasattr(module, MAKER) and runner is not None and MAKER in runner.co_names else None


def guarding(make: Function, guarded: Callable[[Function], Function]) -> Function:
    """Make what guards each example of the tests that `MAKER` makes.

    Args:
        make: The `MAKER` of hypothesis.
        guarded: Makes of a function one each of whose calls is an invocation.
    """

    @functools.wraps(make)
    def make_guarded(*args: Any, **kwargs: Any) -> Any:
        test = make(*args, **kwargs)
        handle = getattr(test, "hypothesis", None)
        if handle is None or not hasattr(handle, "inner_test"):
            return guarded(test)
        handle.inner_test = guarded(handle.inner_test)
        return test

    return make_guarded
