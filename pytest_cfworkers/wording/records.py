"""The record of a broken rule: prose of ours around the number, unit and source of a row in `limits.py`."""

from pytest_cfworkers.callsite import NOWHERE, Site
from pytest_cfworkers.in_force import Limits
from pytest_cfworkers.limits import BY_KEY, BY_RULE, Rule
from pytest_cfworkers.violation import Violation
from pytest_cfworkers.wording.remedies import FIXES


def violation_of(
    rule: Rule,
    limits: Limits,
    observed: float,
    headline: str,
    evidence: list[str],
    platform: str,
    site: Site = NOWHERE,
    fix: tuple[str, str] | None = None,
) -> Violation:
    """Make the record of a broken rule; its limit, unit and source are those of the rule's row in `limits.py`."""
    row = BY_RULE.get(rule, BY_KEY["connections"])
    allowed = 0.0 if rule == "queued-timeout" else limits[row.key] or 0
    first, second = (line.format(limit=limits.connections) for line in fix or FIXES[rule])
    remedy = [platform, "Fix:", f"    {first}", f"    {second}"]
    remedy.append(f'On purpose? @pytest.mark.cf_limits(allow={{"{rule}": "the reason"}})')
    return Violation(
        rule=rule,
        observed=observed,
        limit=allowed,
        unit="requests" if rule == "queued-timeout" else row.unit,
        headline=headline,
        evidence=tuple(evidence),
        remedy="\n".join(remedy),
        source=row.source,
        frames=site.frames,
    )


def origin(key: str, limits: Limits) -> str:
    """Say where a number comes from that the test did not give: the wrangler file or the plan."""
    if key in limits.given:
        return ""
    set_by_worker = key in limits.configured and limits[key] == limits.configured[key]
    return " (wrangler)" if set_by_worker else f" ({limits.plan_name} plan)"
