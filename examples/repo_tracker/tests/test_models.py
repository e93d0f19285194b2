"""What is tracked."""

import pytest

from repo_tracker.models import Repository, RepositoryMetrics, Tier
from tests.kit.github import described


@pytest.mark.parametrize(
    ("stars", "archived", "tier"),
    [
        (0, False, Tier.COLD),
        (499, False, Tier.COLD),
        (500, False, Tier.WARM),
        (9_999, False, Tier.WARM),
        (10_000, False, Tier.HOT),
        (10_000, True, Tier.COLD),
    ],
)
def test_what_many_look_at_is_refreshed_often(stars: int, archived: bool, tier: Tier) -> None:
    assert Tier.of(Repository(id=1, full_name="octo/one", stars=stars, archived=archived)) is tier


def test_a_description_of_github_is_taken_over() -> None:
    repository = Repository.from_github({**described(stargazers_count=12), "more": "is ignored"}, etag='"v"')
    assert (repository.stars, repository.forks, repository.open_issues, repository.etag) == (12, 7, 3, '"v"')
    assert RepositoryMetrics.of(repository, "2026-11-24") == RepositoryMetrics(
        repository_id=1, day="2026-11-24", stars=12, forks=7, open_issues=3
    )


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"id": None}, "id is None"),
        ({"stargazers_count": None}, "stargazers_count is None"),
        ({"archived": "no"}, "archived is 'no'"),
        ({"language": ["Python"]}, r"language is \['Python'\]"),
    ],
)
def test_a_description_that_d1_would_refuse_is_refused_before_it_spoils_a_batch(
    changes: dict[str, object], problem: str
) -> None:
    with pytest.raises(TypeError, match=problem):
        Repository.from_github({**described(), **changes})
