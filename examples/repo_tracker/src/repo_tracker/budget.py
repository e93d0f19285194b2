"""A budget that ends before the platform's does."""

from typing import Final

FREE_SUBREQUESTS: Final = 50
"""External subrequests of one invocation on the free plan, each redirect hop included.

https://developers.cloudflare.com/workers/platform/limits/#subrequests (checked 2026-11-24)
"""


class BudgetSpentError(Exception):
    """Nothing is left of a budget; what was not done is for the next invocation."""


class Budget:
    """Count what is spent, and refuse to spend more.

    Args:
        size: How much there is to spend.
    """

    def __init__(self, size: int = FREE_SUBREQUESTS) -> None:
        self.size = size
        self.spent = 0

    @property
    def left(self) -> int:
        """How much is left, never less than nothing."""
        return max(self.size - self.spent, 0)

    def take(self) -> None:
        """Spend one.

        Raises:
            BudgetSpentError: None is left; nothing was spent.
        """
        if not self.left:
            raise BudgetSpentError(f"all {self.size} subrequests of this invocation are spent")
        self.spent += 1
