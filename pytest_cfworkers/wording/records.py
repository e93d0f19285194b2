"""The record of a broken rule: prose of ours around the number, unit and source of a row in `limits.py`."""

from pytest_cfworkers.callsite import NOWHERE, Site
from pytest_cfworkers.in_force import Limits
from pytest_cfworkers.limits import BY_KEY, BY_RULE, Rule
from pytest_cfworkers.timing_keys import TIMING_HELP
from pytest_cfworkers.violation import Violation
from pytest_cfworkers.wording.lines import prose
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
    key: str = "",
) -> Violation:
    """Make the record of a broken rule; its limit, unit and source are those of the rule's row in `limits.py`.

    Args:
        rule: The rule.
        limits: The limits in force.
        observed: What was measured.
        headline: What happened, in one line.
        evidence: Where it happened.
        platform: What the platform does, in sentences.
        site: The line that broke the rule.
        fix: The two lines that mend it, where they are others than those of the rule.
        key: The key of the limit, where it is another than that of the row.
    """
    row = BY_RULE.get(rule, BY_KEY["connections"])
    allowed = 0.0 if rule == "queued-timeout" else limits[row.key] or 0
    first, second = (line.format(limit=limits.connections) for line in fix or FIXES[rule])
    remedy = [*prose(platform, indent=2), "Fix:", f"    {first}", f"    {second}"]
    remedy += _way_out(rule, key or row.key, limits)
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


def _way_out(rule: Rule, key: str, limits: Limits) -> list[str]:
    """Say how a test may break a rule on purpose."""
    if not limits.whole and key in TIMING_HELP:  # the mark that allows it would guard all the rest, too
        return [f"On purpose? @pytest.mark.cf_timing({key}=...) on the test gives it more time."]
    allowance = f'On purpose? @pytest.mark.cf_limits(allow={{"{rule}": "the reason"}})'
    return [allowance] if limits.whole else [allowance, "The mark guards every other limit, too."]


def own(key: str, limits: Limits) -> str:
    """Say that a number is not the platform's, where what follows tells of that one; "" where it is."""
    return "The limit is your own. " if limits.is_own(key) else ""


def origin(key: str, limits: Limits) -> str:
    """Say where a number comes from that the test did not give: the wrangler file or the plan."""
    if key in limits.given:
        return ""
    set_by_worker = key in limits.configured and limits[key] == limits.configured[key]
    return " (wrangler)" if set_by_worker else f" ({limits.plan_name} plan)"
