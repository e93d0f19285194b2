"""`--cf-top`: how many tests the summary names per limit."""

from tests.integration.user_project import Project


def test_top_is_the_number_of_rows_per_limit(project: Project) -> None:
    project.write(
        test_it="from sending import send\n" + "\n".join(f"\ndef test_{n}():\n    send({n + 1})" for n in range(7))
    )
    for args, rows in (((), 5), (("--cf-top=2",), 2), (("--cf-top=99",), 7)):
        result = project.run("--cf-limits=enforce", "--cf-plan=free", *args)
        assert sum(" / 50 " in line for line in result.outlines) == rows
    result = project.run("--cf-limits=enforce", "--cf-top=0")
    result.stdout.no_fnmatch_line("*= limits of Cloudflare Workers =*")
