"""Quoting against the running simulator: the demo's samples, and each carrier's quirks one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from actions.kinds import CancelQuoteRequest
from batch import service as batch
from catalogue.demo import Sample
from catalogue.models import Release
from tenants.models import Tenant
from tests.harness.carrier_simulator import CarrierSimulator
from tests.harness.outboxes import rows as outbox
from tests.harness.quoting_world import AGENT, Quoting

pytestmark = pytest.mark.django_db
SLOW = pytest.mark.slow
FINAL = {"quoted", "declined", "blocked", "failed"}
MakeQuoting = Callable[..., Quoting]


@pytest.fixture
def quoting(
    demo: Release, harbor: Tenant, carrier_simulator: CarrierSimulator, monkeypatch: pytest.MonkeyPatch
) -> MakeQuoting:
    """Return the maker of a tenant's links; its arguments are a carrier and what is special about it."""

    def make(carrier: str = "", **behavior: Any) -> Quoting:
        if carrier:
            carrier_simulator.behave(carrier, **behavior)
        world = Quoting(harbor, carrier_simulator)
        world.link_up()
        return world

    return make


@pytest.mark.parametrize(
    "sample_id", ["S1", "S7", *(pytest.param(name, marks=pytest.mark.slow) for name in ("S3", "S5", "S10"))]
)
def test_a_sample_is_quoted_by_all_its_open_products(
    quoting: MakeQuoting, samples: dict[str, Sample], sample_id: str
) -> None:
    world, sample = quoting(), samples[sample_id]
    copy_id = world.save(sample)
    expected = {code: one.premium for code, one in sample.expect.items() if one.outcome == "eligible"}

    world.request(copy_id)
    found = world.settle(copy_id, into=FINAL | {"referred"})

    quoted = {product: row.premium for product, row in found.items() if row.state == "quoted"}
    assert {code: quoted.get(code) for code in expected} == expected
    assert all(row.indication == expected[code] for code, row in found.items() if code in expected)


def test_surplus_lines_are_quoted_by_hand(quoting: MakeQuoting, samples: dict[str, Sample]) -> None:
    world, sample = quoting(), samples["S4"]
    copy_id = world.save(sample)
    world.request(copy_id, "OH-GL")
    world.run(lambda: world.simulator.quotes("OH"))
    (asked,) = world.simulator.quotes("OH")

    world.simulator.answer("OH", asked["request_token"], status="quoted", premium=sample.expect["OH-GL"].premium)
    row = world.settle(copy_id, into=FINAL)["OH-GL"]

    assert (row.state, row.premium) == ("quoted", sample.expect["OH-GL"].premium)


def test_what_our_rules_decline_meanwhile_is_not_sent(
    quoting: MakeQuoting, s1: Sample, samples: dict[str, Sample]
) -> None:
    world = quoting()
    declined = next(
        sample for sample in samples.values() if sample.copy_of == "S1" and sample.expect["QM-BOP"].outcome == "decline"
    )
    copy_id = world.save(s1)
    world.request(copy_id, "QM-BOP")
    with batch.find_and_lock(copy_id, scope=world.tenant, actor=AGENT) as context:
        context.changeset.apply_answers(dict(declined.changed), {})
        context.save()

    row = world.settle(copy_id, into=FINAL)["QM-BOP"]

    assert (row.state, row.submitted_at) == ("failed", None)
    assert row.reason != ""
    assert world.simulator.counts("QM").get("submit", 0) == 0


def test_a_reply_lost_after_acceptance_is_asked_for(quoting: MakeQuoting, s1: Sample) -> None:
    world = quoting("QM", faults=[{"kind": "reset", "stage": "after", "times": 1}])
    copy_id = world.save(s1)
    world.request(copy_id, "QM-BOP")

    row = world.settle(copy_id, into=FINAL)["QM-BOP"]

    assert row.premium == s1.expect["QM-BOP"].premium
    assert (world.simulator.counts("QM")["submit"], world.simulator.counts("QM")["find"]) == (1, 1)
    assert [quote["reference"] for quote in world.simulator.quotes("QM")] == [row.carrier_reference]


def test_a_busy_carrier_is_called_again(quoting: MakeQuoting, s1: Sample) -> None:
    world = quoting("QM", faults=[{"kind": "busy", "retry_after": 1, "times": 1}])
    copy_id = world.save(s1)
    world.request(copy_id, "QM-BOP")

    assert world.settle(copy_id, into=FINAL)["QM-BOP"].state == "quoted"


def test_an_unreadable_reply_is_asked_for(quoting: MakeQuoting, s1: Sample) -> None:
    world = quoting("QM", faults=[{"kind": "malformed", "stage": "after", "times": 1}])
    copy_id = world.save(s1)
    world.request(copy_id, "QM-BOP")

    assert world.settle(copy_id, into=FINAL)["QM-BOP"].state == "quoted"
    assert world.simulator.counts("QM")["submit"] == 1


def test_an_estimate_comes_first_and_stays_beside_the_firm_quote(quoting: MakeQuoting, s1: Sample) -> None:
    world = quoting("QM", mode="poll", has_estimate=True, p50_seconds=6_000, p95_seconds=7_000)
    copy_id = world.save(s1)
    world.request(copy_id, "QM-BOP")

    row = world.settle(copy_id, into=FINAL)["QM-BOP"]

    assert (row.state, row.premium, row.estimate is not None) == ("quoted", s1.expect["QM-BOP"].premium, True)


def test_a_new_reference_at_a_new_quote_is_followed(quoting: MakeQuoting, s1: Sample) -> None:
    world = quoting("QM", renames=True)
    copy_id = world.save(s1)
    world.request(copy_id, "QM-BOP")
    first = world.settle(copy_id, into=FINAL)["QM-BOP"].carrier_reference
    with batch.find_and_lock(copy_id, scope=world.tenant, actor=AGENT) as context:
        next(iter(context.changeset.quote_requests)).mark_stale("It was changed.", by="other_copy")
        context.save()

    world.request(copy_id, "QM-BOP")
    row = world.settle(copy_id, into=FINAL)["QM-BOP"]

    assert row.carrier_reference != first
    assert first in row.previous_references


def test_a_blocked_account_is_shown_as_such(quoting: MakeQuoting, s1: Sample) -> None:
    world = quoting("QM", outcome="blocked")
    copy_id = world.save(s1)
    world.request(copy_id, "QM-BOP")

    assert world.settle(copy_id, into=FINAL)["QM-BOP"].state == "blocked"


def test_a_lowered_limit_is_shown_beside_what_was_asked(quoting: MakeQuoting, samples: dict[str, Sample]) -> None:
    world, sample = quoting(), samples["S3"]
    copy_id = world.save(sample)
    world.request(copy_id, "VC-CYB")

    row = world.settle(copy_id, into=FINAL)["VC-CYB"]

    (change,) = row.changes
    assert (row.state, row.premium) == ("quoted", sample.expect["VC-CYB"].premium)
    assert change["asked"] != change["offered"]


def test_a_withdrawn_request_is_withdrawn_at_the_carrier(quoting: MakeQuoting, s1: Sample) -> None:
    world = quoting()
    copy_id = world.save(s1)
    world.request(copy_id, "QM-BOP")
    world.settle(copy_id, into=FINAL)
    with batch.find_and_lock(copy_id, scope=world.tenant, actor=AGENT) as context:
        request = next(iter(context.changeset.quote_requests))
        request.withdraw()
        names = {"copy_id": str(copy_id), "request_id": str(request.row.id), "carrier": "QM"}
        context.changeset.defer(CancelQuoteRequest(**names))
        context.save()

    world.run(lambda: not [row for row in outbox() if row.kind == "cancel_quote_request"])

    assert [quote["status"] for quote in world.simulator.quotes("QM")] == ["withdrawn"]
