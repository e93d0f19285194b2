"""`cf_d1_limits`: production's documented limits, or those of the local runtime."""

import pytest

from tests.integration.user_project import Project

MANY = (
    "import asyncio\n\n\ndef test_it(cf_d1):\n"
    "    arguments = ', '.join(str(n) for n in range(40))\n"
    "    async def ask():\n"
    "        return await cf_d1.prepare(f'SELECT max({arguments}) AS m').first()\n\n"
    "    asyncio.run(ask())\n"
)


@pytest.mark.parametrize(("limits", "outcome"), [("documented", "failed"), ("local", "passed")])
def test_forty_arguments_are_too_many_in_production_only(project: Project, limits: str, outcome: str) -> None:
    project.write(test_it=MANY)
    project.run(f"--cf-d1-limits={limits}").assert_outcomes(**{outcome: 1})


def test_the_documented_ones_hold_by_default(project: Project) -> None:
    project.write(test_it=MANY)
    result = project.run()
    result.stdout.fnmatch_lines(["*D1_ERROR: too many arguments on function max*"])
