"""What the Worker does: fetch, store, refresh."""

from collections.abc import Iterable
from dataclasses import dataclass

from repo_tracker.github import GitHubService
from repo_tracker.models import Tier
from repo_tracker.scheduler import Progress
from repo_tracker.storage import StorageService


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of tracking repositories.

    Attributes:
        saved: How many were fetched and stored.
        unchanged: How many were as they are stored.
        failed: Why the others were not, by name.
    """

    saved: int
    unchanged: int
    failed: dict[str, str]


class RepoTracker:
    """Fetch repositories and store them; one for each invocation."""

    def __init__(self, github: GitHubService, storage: StorageService) -> None:
        raise NotImplementedError

    async def track(self, names: Iterable[str]) -> Outcome:
        """Fetch repositories by name and store them, with today's metrics and their tier."""
        raise NotImplementedError

    async def refresh(self, tier: Tier, cursor: int) -> Progress:
        """Refresh a part of a tier that fits into one invocation: the `Step` of a `TierScheduler`."""
        raise NotImplementedError
