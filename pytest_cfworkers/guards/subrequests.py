"""The two budgets of subrequests: external requests, and calls of Cloudflare's own services.

Source: https://developers.cloudflare.com/workers/platform/limits/#subrequests (checked 2026-11-24).
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import final

from pytest_cfworkers.callsite import Site


@final
@dataclass(slots=True)
class SubrequestGuard:
    """A count of subrequests of one kind.

    Attributes:
        limit: How many are allowed; None for no limit.
        count: How many there were.
        sites: How many each line made.
        first_beyond: The line that made the first one beyond the limit.
    """

    limit: int | None
    count: int = 0
    sites: Counter[Site] = field(default_factory=Counter)
    first_beyond: Site | None = None

    def add(self, site: Site, number: int = 1) -> None:
        """Count subrequests that a line made."""
        self.count += number
        self.sites[site] = self.sites.get(site, 0) + number
        if self.limit is not None and self.count > self.limit and self.first_beyond is None:
            self.first_beyond = site

    def take_back(self, site: Site) -> None:
        """Uncount a subrequest that turned out to be made of others."""
        self.count -= 1
        self.sites[site] -= 1
        if not self.sites[site]:
            del self.sites[site]  # or a message would name it as a line that sent something
        if self.limit is not None and self.count <= self.limit:
            self.first_beyond = None
