"""A place for each repository by comparing it with all others: `ORDER BY stars`, or sort once."""

import pytest

from naive_tracker.ranking import ranked


@pytest.mark.cf_limits(cpu_ms=10)
def test_places_of_a_thousand_repositories() -> None:
    repositories = [{"full_name": f"owner/{number}", "stars": number} for number in range(1_000)]
    assert ranked(repositories)["owner/999"] == 1
