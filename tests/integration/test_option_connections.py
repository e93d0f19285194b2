"""`--cf-connections`: how long a connection holds its place."""

import pytest

from tests.integration.user_project import Project

SEVEN_UNREAD = """
    from sending import leave_unread

    def test_it():
        held = [leave_unread() for _ in range(7)]
        for response in held[::-1]:
            response.close()
"""


@pytest.mark.parametrize(("model", "outcome"), [("body", {"failed": 1}), ("headers", {"passed": 1})])
def test_connections_says_how_long_one_holds_its_slot(project: Project, model: str, outcome: dict[str, int]) -> None:
    project.write(test_it=SEVEN_UNREAD)
    project.run("--cf-limits=enforce", f"--cf-connections={model}").assert_outcomes(**outcome)
