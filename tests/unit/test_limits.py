"""The platform's numbers, and the set of them that is in force."""

import datetime as dt
import pickle
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_cfworkers.choices import CONNECTION_MODELS, PLANS, Plan
from pytest_cfworkers.in_force import Limits
from pytest_cfworkers.keys import OPTIONS_HELP, LimitsError
from pytest_cfworkers.limits import (
    BY_KEY,
    BY_RULE,
    CHECKED,
    CONNECTIONS_RELAXED,
    CONNECTIONS_RELAXED_SOURCE,
    LIMITS,
    RULES,
    Limit,
)

KEYS = tuple(BY_KEY)
COUNTS = ("connections", "unread_bodies", "subrequests", "internal_subrequests", "d1_queries")
TIMES = ("cpu_ms", "wall_ms")

changes = st.fixed_dictionaries(
    {},
    optional={
        "connections": st.none() | st.integers(1, 1_000),
        "unread_bodies": st.none() | st.integers(0, 1_000),
        "subrequests": st.none() | st.integers(0, 20_000),
        "internal_subrequests": st.none() | st.integers(0, 20_000),
        "d1_queries": st.none() | st.integers(0, 20_000),
        "memory": st.none() | st.integers(1, 2**40),
        "cpu_ms": st.none() | st.floats(0.1, 1e6),
        "wall_ms": st.none() | st.integers(1, 10**6),
    },
)
plans = st.sampled_from(PLANS)


# the table


@pytest.mark.parametrize("limit", LIMITS, ids=KEYS)
def test_every_limit_has_a_unit_a_source_a_day_and_a_help(limit: Limit) -> None:
    source = urlsplit(limit.source)
    assert (source.scheme, source.netloc) == ("https", "developers.cloudflare.com")
    assert limit.unit in {"connections", "bodies", "subrequests", "queries", "bytes", "ms"}
    assert limit.checked == CHECKED > CONNECTIONS_RELAXED > dt.date(2024, 1, 1)
    assert limit.title
    assert limit.help
    assert not limit.help.endswith(".")


def test_every_key_is_a_limit_of_an_invocation_and_every_rule_has_a_row() -> None:
    limits = Limits.plan()
    assert [limits[key] for key in KEYS] == [limit.paid for limit in LIMITS]
    assert len(BY_KEY) == len(BY_RULE) == len(LIMITS)
    assert set(RULES) - set(BY_RULE) == {"queued-timeout"}  # a consequence of the limit of connections
    assert CONNECTIONS_RELAXED_SOURCE.startswith("https://developers.cloudflare.com/changelog/2026-04-09-")


def test_the_numbers_are_those_of_the_platform() -> None:
    """A second statement of the facts, so that no number changes by accident."""
    assert {key: (limit.free, limit.paid) for key, limit in BY_KEY.items()} == {
        "connections": (6, 6),
        "unread_bodies": (0, 0),
        "subrequests": (50, 10_000),
        "internal_subrequests": (1_000, 10_000),
        "d1_queries": (1_000, 10_000),
        "memory": (134_217_728, 134_217_728),
        "cpu_ms": (10, 30_000),
        "wall_ms": (None, None),
    }


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("memory", 134_217_728, "128 MB"),
        ("memory", 1_000.0, "1000 B"),
        ("cpu_ms", 30_000, "30,000 ms"),
        ("cpu_ms", 12.4, "12 ms"),
        ("subrequests", 10_000, "10,000"),
        ("connections", 6, "6"),
    ],
)
def test_a_number_is_written_in_the_unit_of_its_limit(key: str, value: float, text: str) -> None:
    assert BY_KEY[key].format(value) == text


# plans


@given(plan=plans)
def test_a_plan_has_its_own_numbers_and_gives_none(plan: Plan) -> None:
    limits = Limits.plan(plan)
    assert {key: limits[key] for key in KEYS} == {limit.key: limit.number(plan) for limit in LIMITS}
    assert (limits.plan_name, limits.given, dict(limits.allow)) == (plan, frozenset(), {})
    assert limits.connection_model == "body"


def test_the_paid_plan_is_meant_where_none_is_named() -> None:
    assert Limits.plan() == Limits.plan("paid") != Limits.plan("free")


@pytest.mark.parametrize("name", ["enterprise", "", "FREE", None, 1, ["free"]])
def test_an_unknown_plan_is_refused_with_the_known_ones(name: Any) -> None:
    with pytest.raises(LimitsError) as caught:
        Limits.plan(name)
    assert str(caught.value) == f"plan={name!r} is unknown; valid: free, paid"


@given(plan=plans, change=changes)
def test_the_other_plan_changes_only_what_was_not_given_and_twice_is_the_same(
    plan: Plan, change: dict[str, Any]
) -> None:
    limits = Limits.plan(plan).replace(**change)
    other = limits.other_plan()
    for limit in LIMITS:
        expected = change[limit.key] if limit.key in change else limit.number(other.plan_name)
        assert other[limit.key] == expected
    assert {plan, other.plan_name} == set(PLANS)
    assert other.other_plan() == limits


# marks


@given(plan=plans, outer=changes, inner=changes)
def test_the_closest_mark_wins_key_by_key(plan: Plan, outer: dict[str, Any], inner: dict[str, Any]) -> None:
    limits = Limits.plan(plan).replace(**outer).replace(**inner)
    assert limits == Limits.plan(plan).replace(**{**outer, **inner})
    assert limits.given == outer.keys() | inner.keys()


@given(given_first=changes, plan=plans)
def test_a_plan_in_a_closer_mark_leaves_the_given_numbers_alone(given_first: dict[str, Any], plan: Plan) -> None:
    assert Limits.plan("paid").replace(**given_first).replace(plan=plan) == Limits.plan(plan).replace(**given_first)


@given(change=changes, plan=plans)
def test_a_plan_and_numbers_may_stand_in_one_mark(change: dict[str, Any], plan: Plan) -> None:
    assert Limits.plan().replace(plan=plan, **change) == Limits.plan(plan).replace(**change)


def test_replacing_leaves_the_original_alone() -> None:
    limits = Limits.plan("free")
    limits.replace(connections=1)
    assert limits == Limits.plan("free")


def test_what_is_no_number_of_a_limit_is_not_among_the_given() -> None:
    limits = Limits.plan().replace(plan="free", connection_model="headers", allow={"memory": "a big fixture"})
    assert (limits.given, limits.connection_model, dict(limits.allow)) == (
        frozenset(),
        "headers",
        {"memory": "a big fixture"},
    )


def test_a_size_may_be_written_as_text() -> None:
    assert Limits.plan().replace(memory="64 MB").memory == 64 * 2**20


def test_an_allowance_does_not_change_with_the_mapping_it_was_made_from() -> None:
    reasons = {"memory": "a big fixture"}
    limits = Limits.plan().replace(allow=reasons)
    reasons["connections"] = "sneaked in"
    assert dict(limits.allow) == {"memory": "a big fixture"}


# refusals


def test_an_unknown_key_is_refused_with_the_valid_keys() -> None:
    with pytest.raises(LimitsError) as caught:
        Limits.plan().replace(conections=6)
    assert str(caught.value) == f"cf_limits has no key 'conections'; valid keys: {', '.join((*KEYS, *OPTIONS_HELP))}"


@pytest.mark.parametrize("key", COUNTS)
@pytest.mark.parametrize("value", [-1, 1.5, "6", True, False, [], float("inf")])
def test_a_count_that_is_no_count_is_refused(key: str, value: object) -> None:
    with pytest.raises(LimitsError) as caught:
        Limits.plan().replace(**{key: value})
    least = 1 if key == "connections" else 0
    assert str(caught.value) == f"{key}={value!r} is not a limit; valid: an int of at least {least}, or None"


def test_no_connection_at_all_is_no_limit_but_no_body_or_subrequest_is() -> None:
    with pytest.raises(LimitsError, match="connections=0 is not a limit"):
        Limits.plan().replace(connections=0)
    assert Limits.plan().replace(unread_bodies=0, subrequests=0).subrequests == 0


@pytest.mark.parametrize("key", TIMES)
@pytest.mark.parametrize("value", [0, -1, "10", True, float("inf"), float("nan"), []])
def test_a_time_that_is_no_time_is_refused(key: str, value: object) -> None:
    with pytest.raises(LimitsError) as caught:
        Limits.plan().replace(**{key: value})
    presets = ", or a cut-off of the platform: wait_until, cron, queue, alarm" if key == "wall_ms" else ""
    valid = f"a positive number of milliseconds, or None{presets}"
    assert str(caught.value) == f"{key}={value!r} is not a time; valid: {valid}"


@pytest.mark.parametrize("key", ["cpu_ms", "wall_ms"])
def test_a_time_that_is_less_than_can_be_measured_is_refused(key: str) -> None:
    assert Limits.plan().replace(**{key: 0.001})[key] == 0.001
    with pytest.raises(
        LimitsError, match=rf"^{key}=0.0009 is less than can be measured; valid: 0.001 or more, or None"
    ):
        Limits.plan().replace(**{key: 0.0009})


@pytest.mark.parametrize(("preset", "minutes"), [("wait_until", 0.5), ("cron", 15), ("queue", 15), ("alarm", 15)])
def test_wall_time_has_the_cut_offs_of_the_platform_by_name(preset: str, minutes: float) -> None:
    assert Limits.plan().replace(wall_ms=preset).wall_ms == minutes * 60_000


@pytest.mark.parametrize("value", ["2KBanana", 0, True, 1.5, "9" * 400 + " GB"])
def test_a_bad_size_is_refused_with_the_units(value: object) -> None:
    with pytest.raises(LimitsError, match=r"^memory=.* is not a size: .*units: B, KB, MB, GB.*, or None$"):
        Limits.plan().replace(memory=value)


@pytest.mark.parametrize("key", KEYS)
def test_none_turns_any_limit_off(key: str) -> None:
    limits = Limits.plan().replace(**{key: None})
    assert limits[key] is None
    assert limits.other_plan()[key] is None


@pytest.mark.parametrize("value", ["bodies", None, 1, {}])
def test_an_unknown_connection_model_is_refused_with_the_known_ones(value: object) -> None:
    with pytest.raises(LimitsError) as caught:
        Limits.plan().replace(connection_model=value)
    assert str(caught.value) == f"connection_model={value!r} is unknown; valid: {', '.join(CONNECTION_MODELS)}"


@pytest.mark.parametrize("value", ["memory", ["memory"], None])
def test_an_allowance_that_is_no_mapping_is_refused(value: object) -> None:
    with pytest.raises(LimitsError) as caught:
        Limits.plan().replace(allow=value)
    assert str(caught.value) == (
        f"allow={value!r} is not a mapping; valid: {{rule: reason}}, rules: {', '.join(RULES)}"
    )


def test_an_allowance_for_an_unknown_rule_is_refused_with_the_rules() -> None:
    with pytest.raises(LimitsError) as caught:
        Limits.plan().replace(allow={"unread_bodies": "because"})
    assert str(caught.value) == f"allow names the unknown rule 'unread_bodies'; valid rules: {', '.join(RULES)}"


@pytest.mark.parametrize("reason", ["", "  ", None, 7])
def test_an_allowance_needs_a_reason(reason: object) -> None:
    with pytest.raises(LimitsError, match=r"^allow=\{'memory': .*\} gives no reason; write why"):
        Limits.plan().replace(allow={"memory": reason})


# the Worker's own configuration


@given(
    plan=plans,
    cpu_ms=st.none() | st.integers(1, 300_000),
    subrequests=st.none() | st.integers(1, 10**6),
)
def test_a_configuration_replaces_the_paid_numbers_and_only_lowers_the_free_ones(
    plan: Plan, cpu_ms: int | None, subrequests: int | None
) -> None:
    limits = Limits.plan(plan).configure(cpu_ms=cpu_ms, subrequests=subrequests)
    set_here = {"cpu_ms": cpu_ms, "subrequests": subrequests, "internal_subrequests": subrequests}
    for limit in LIMITS:
        for now in (limits, limits.other_plan()):
            own, configured = limit.number(now.plan_name), set_here.get(limit.key)
            if configured is None:
                assert now[limit.key] == own
            elif now.plan_name == "paid":
                assert now[limit.key] == configured
            else:
                assert own is not None
                assert now[limit.key] == min(own, configured)


def test_a_configured_number_is_not_a_given_one_and_yields_to_a_mark() -> None:
    limits = Limits.plan().configure(cpu_ms=50, subrequests=20)
    assert limits.given == frozenset()
    assert limits.replace(subrequests=7).subrequests == 7
    assert limits.replace(plan="free").subrequests == 20


def test_a_number_given_before_outlives_the_configuration() -> None:
    assert Limits.plan().replace(subrequests=7).configure(subrequests=20).subrequests == 7


# narrowing


@given(keys=st.sets(st.sampled_from(KEYS)), change=changes)
def test_only_turns_every_other_limit_off_on_both_plans(keys: set[str], change: dict[str, Any]) -> None:
    limits = Limits.plan().replace(**change)
    narrowed = limits.only(*keys)
    for key in KEYS:
        assert narrowed[key] == (limits[key] if key in keys else None)
        assert narrowed.other_plan()[key] == (limits.other_plan()[key] if key in keys else None)


def test_none_limits_nothing_on_either_plan_and_may_be_narrowed() -> None:
    nothing = Limits.none()
    assert {nothing[key] for key in KEYS} == {nothing.other_plan()[key] for key in KEYS} == {None}
    assert nothing.replace(connections=2).connections == 2


def test_a_limit_that_does_not_exist_has_no_number() -> None:
    with pytest.raises(KeyError, match="plan_name"):
        Limits.plan()["plan_name"]


def test_limits_survive_pickle() -> None:
    limits = Limits.plan("free").configure(cpu_ms=5, subrequests=20).replace(allow={"memory": "a reason"})
    assert pickle.loads(pickle.dumps(limits)) == limits  # noqa: S301 - our own
