"""Gates by licenses and appointments, compared with a count of all states and days by hand."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest

from quoting.permissions import Appointment, Gate, License, Permissions, Sale, gate_of
from tests.harness.tiers import seeds

FIRST = date(2026, 1, 1)
LAST = date.max
STATES = ("OH", "TX", "FL")
LINES = ("gl", "wc")
PRODUCTS = ("A-GL", "A-WC", "B-GL")


def sale(*states: str, days: tuple[date, ...] = (FIRST,), product: str = "A-GL") -> Sale:
    carrier, line = product.split("-")
    return Sale(
        product=product,
        line=line.lower(),
        line_label="General liability",
        carrier=carrier,
        carrier_name=f"Carrier {carrier}",
        states=states,
        days=frozenset(days),
    )


def some(drawn: random.Random, codes: tuple[str, ...]) -> frozenset[str]:
    return frozenset(drawn.sample(codes, drawn.randint(0, len(codes) - 1)))


def days(drawn: random.Random) -> tuple[date, date]:
    since = FIRST + timedelta(days=drawn.randint(0, 9))
    return since, (LAST if drawn.random() < 0.2 else since + timedelta(days=drawn.randint(0, 5)))


def licenses(drawn: random.Random) -> list[License]:
    return [License(drawn.choice(STATES), some(drawn, LINES), *days(drawn)) for _ in range(drawn.randint(0, 9))]


def appointments(drawn: random.Random) -> list[Appointment]:
    return [
        Appointment(
            drawn.choice("AB"), some(drawn, STATES), some(drawn, LINES), some(drawn, PRODUCTS), *days(drawn)
        )
        for _ in range(drawn.randint(0, 9))
    ]  # fmt: skip


def expected_code(wanted: Sale, permissions: Permissions) -> str | None:
    """Return the code by a table of every allowed (state, day), filled day by day."""
    calendar = [FIRST + timedelta(days=place) for place in range(30)]
    licensed, appointed = set(), set()
    for item in permissions.licenses or ():
        for day in calendar:
            if not day < item.since and not day > item.until and (wanted.line in item.lines or item.lines == set()):
                licensed.add((item.state, day))
    for other in permissions.appointments or ():
        for state in other.states or STATES:
            for day in calendar:
                is_named = wanted.line in (other.lines or LINES) and wanted.product in (other.products or PRODUCTS)
                if other.carrier == wanted.carrier and is_named and other.since <= day <= other.until:
                    appointed.add((state, day))
    needed = {(state, day) for state in wanted.states for day in wanted.days}
    if permissions.licenses is not None and needed - licensed:
        return "not_licensed"
    return "not_appointed" if permissions.appointments is not None and needed - appointed else None


@pytest.mark.parametrize("seed", seeds(4))
def test_gates_are_those_of_a_calendar(seed: int) -> None:
    drawn, codes = random.Random(seed), list[str | None]()

    for _ in range(500):
        permissions = Permissions(
            licenses=None if drawn.random() < 0.5 else licenses(drawn),
            appointments=None if drawn.random() < 0.2 else appointments(drawn),
        )
        wanted = sale(
            *drawn.sample(STATES, drawn.randint(0, 2)),
            days=tuple(FIRST + timedelta(days=drawn.randint(0, 12)) for _ in range(drawn.randint(1, 2))),
            product=drawn.choice(PRODUCTS),
        )
        gate = gate_of(wanted, permissions)
        codes.append(gate and gate.code)
        assert codes[-1] == expected_code(wanted, permissions), (wanted, permissions)
        assert gate_of(wanted, permissions.within({*wanted.states, drawn.choice(STATES)})) == gate

    assert min(codes.count("not_licensed"), codes.count("not_appointed"), codes.count(None)) > 25


def test_a_tenant_without_records_is_not_gated() -> None:
    assert gate_of(sale("OH", "TX"), Permissions()) is None
    assert Permissions().gate_nothing


def test_empty_records_gate_all_states() -> None:
    wanted = sale("TX", "OH")

    assert gate_of(wanted, Permissions(licenses=[])) == Gate(
        "not_licensed", "No producer license for General liability in OH and TX."
    )
    assert gate_of(wanted, Permissions(appointments=[])) == Gate(
        "not_appointed", "Not appointed with Carrier A in OH and TX."
    )


def test_without_a_known_state_nothing_is_gated() -> None:
    assert gate_of(sale(), Permissions(licenses=[], appointments=[])) is None


def test_a_license_that_ends_before_the_policy_begins_names_the_day() -> None:
    begins = date(2026, 7, 1)
    held = [License("OH", frozenset(), FIRST, date(2026, 6, 30)), License("TX", frozenset(), FIRST, LAST)]

    gate = gate_of(sale("OH", "TX", days=(FIRST, begins)), Permissions(licenses=held))

    assert gate is not None
    assert gate.text == "No producer license for General liability in OH on July 1, 2026."
    assert gate_of(sale("OH", "TX"), Permissions(licenses=held)) is None


def test_first_and_last_day_count() -> None:
    held = Permissions(licenses=[License("OH", frozenset(), FIRST, FIRST + timedelta(days=1))])

    gated = [gate_of(sale("OH", days=(FIRST + timedelta(days=place),)), held) for place in (-1, 0, 1, 2)]

    assert [gate is not None for gate in gated] == [True, False, False, True]
