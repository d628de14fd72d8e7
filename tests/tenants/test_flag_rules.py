"""The rules of flags as tables, against an oracle, and the share of a percentage."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import given

from tenants.flag_rules import FlagRule, FlagState, Owner, count_on, explain, place_of

HARBOR, SUMMIT = UUID(int=1), UUID(int=2)
ROBIN = Owner(id="robin", tenant_id=HARBOR, groups=frozenset({7}))
EVERYBODY = [Owner(id=f"owner-{number}") for number in range(4_000)]


@pytest.mark.parametrize(
    ("flag", "expected"),
    [
        ({}, (False, FlagRule.NOBODY)),
        ({"everyone": True}, (True, FlagRule.EVERYONE)),
        ({"everyone": False, "percent": Decimal(100)}, (False, FlagRule.EVERYONE)),
        ({"percent": Decimal(100)}, (True, FlagRule.PERCENTAGE)),
        ({"tenants": {HARBOR}, "everyone": False}, (True, FlagRule.TENANT)),
        ({"tenants": {SUMMIT}}, (False, FlagRule.NOBODY)),
        ({"allowed": {"robin"}, "everyone": False}, (True, FlagRule.ALLOW_LIST)),
        ({"allowed_groups": {7, 8}}, (True, FlagRule.ALLOW_LIST)),
        ({"denied": {"robin"}, "allowed": {"robin"}, "everyone": True}, (False, FlagRule.DENY_LIST)),
        ({"denied_tenants": {HARBOR}, "allowed": {"robin"}}, (False, FlagRule.DENY_LIST)),
        ({"is_on": False, "allowed": {"robin"}, "everyone": True}, (False, FlagRule.SWITCH)),
    ],
)
def test_the_first_rule_that_decides(flag: dict[str, object], expected: tuple[bool, FlagRule]) -> None:
    verdict = explain(FlagState(name="copies", **flag), ROBIN)  # type: ignore[arg-type]

    assert (verdict.is_on, verdict.rule) == expected
    assert verdict.text.startswith("On:" if verdict else "Off:")


FLAGS = st.builds(
    FlagState,
    name=st.sampled_from(["copies", "quotes"]),
    is_on=st.booleans(),
    denied=st.frozensets(st.sampled_from(["robin", "sam"])),
    denied_tenants=st.frozensets(st.sampled_from([HARBOR, SUMMIT])),
    allowed=st.frozensets(st.sampled_from(["robin", "sam"])),
    allowed_groups=st.frozensets(st.integers(6, 8)),
    tenants=st.frozensets(st.sampled_from([HARBOR, SUMMIT])),
    everyone=st.sampled_from([True, False, None]),
    percent=st.decimals(0, 100, places=2),
)
OWNERS = st.builds(
    Owner,
    id=st.sampled_from(["robin", "sam", "alex"]),
    tenant_id=st.sampled_from([HARBOR, SUMMIT, None]),
    groups=st.frozensets(st.integers(6, 8)),
)


@given(FLAGS, OWNERS)
def test_the_order_of_the_rules_against_an_oracle(flag: FlagState, owner: Owner) -> None:
    """The oracle lists all rules with their opinion, the weakest first: the last opinion counts."""
    opinions = [
        False,
        True if place_of(flag.name, owner.id) < flag.percent else None,
        flag.everyone,
        True if owner.tenant_id in flag.tenants else None,
        True if owner.id in flag.allowed or flag.allowed_groups & owner.groups else None,
        False if owner.id in flag.denied or owner.tenant_id in flag.denied_tenants else None,
        None if flag.is_on else False,
    ]

    assert explain(flag, owner).is_on is [opinion for opinion in opinions if opinion is not None][-1]


@given(st.text(max_size=20), st.decimals(0, 100, places=2), st.decimals(0, 100, places=2))
def test_a_larger_percentage_takes_nobody_out(owner: str, one: Decimal, other: Decimal) -> None:
    small, large = sorted((one, other))
    if explain(FlagState(name="copies", percent=small), Owner(id=owner)):
        assert explain(FlagState(name="copies", percent=large), Owner(id=owner))


@pytest.mark.parametrize("percent", [1, 10, 50, 99])
def test_a_percentage_is_about_that_share(percent: int) -> None:
    counts = count_on(FlagState(name="copies", percent=Decimal(percent)), EVERYBODY)

    # Four standard deviations of a fair draw.
    spread = 4 * (len(EVERYBODY) * percent * (100 - percent) / 10_000) ** 0.5
    assert abs(counts[FlagRule.PERCENTAGE] - len(EVERYBODY) * percent / 100) < spread


def test_flags_choose_their_owners_independently() -> None:
    chosen = [
        {owner.id for owner in EVERYBODY if explain(FlagState(name=name, percent=Decimal(50)), owner)}
        for name in ("copies", "quotes")
    ]

    assert abs(len(chosen[0] & chosen[1]) - len(EVERYBODY) / 4) < len(EVERYBODY) / 20


def test_places_never_change() -> None:
    """The places of owners are part of the contract: a release that moved them would switch features off and on."""
    places = [place_of("copies", owner) for owner in ("robin", "018f3c5e-7b1a-7cc0-9a51-0242ac120002", "")]

    assert [str(place) for place in places] == ["97.4", "35.43", "0.36"]
