"""Prices over the API: none before its inputs are known, three counts, effects of reasons, numbers that JSON holds."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from actions.models import OutboxAction
from catalogue.demo import Sample
from catalogue.loader import load
from catalogue.releases import publish
from forms.models import Declination
from rules.definition.catalogue import Derived
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.api_client import Api
from tests.harness.kennel_catalogue import ANSWERS, HOUSES, KENNELS

pytestmark = pytest.mark.django_db

WORKERS = {"mqs_lobs": ["wc"], "mqs_naics": "722511", "mqs_mail_state": "TX"}


def test_a_pool_without_rows_prices_nothing(api: Api) -> None:
    copy = api.post("/application_forms", {"answers": WORKERS}).json()

    for outcome in copy["eligibility"].values():
        assert (outcome["outcome"], outcome["premium"], outcome["bindable"]) == ("need_info", None, False)
        assert "wc_classes" in outcome["missing"]
    assert "wc_classes" in copy["needed"]["quote"]


def test_a_price_names_what_it_still_needs(api: Api, s1: Sample) -> None:
    copy = api.start(s1)
    assert copy["eligibility"]["QM-BOP"]["premium"] == 2451

    changes = api.patch(f"/copies/{copy['id']}/answers", {"answers": {"mqs_gl_limit": None}}).json()

    outcome = changes["eligibility"]["QM-BOP"]
    assert (outcome["outcome"], outcome["premium"], outcome["missing"]) == ("eligible", None, [])
    assert outcome["missing_for_price"] == ["mqs_gl_limit"]
    assert outcome["priced_by_carrier"] is False


def test_three_counts_are_told_apart(api: Api, s1: Sample) -> None:
    copy = api.start(s1)
    before = copy["needed_counts"]
    cleared = {"mqs_gl_liquor_pct": None, "mqs_gl_limit": None, "mqs_consent": None}

    changes = api.patch(f"/copies/{copy['id']}/answers", {"answers": cleared}).json()

    counts = changes["needed_counts"]
    assert (before["decide"], before["price"]) == (0, 0)
    assert (counts["decide"], counts["price"]) == (1, 1)
    assert (counts["quote"] - before["quote"], counts["bind"] - before["bind"]) == (2, 3)
    assert api.get(f"/copies/{copy['id']}/needed").json()["needed_counts"] == counts
    (listed,) = api.get("/application_forms").json()["results"]
    assert listed["copy"]["needed_counts"] == counts
    assert listed["copy"]["missing_for_price"] == {"QM-BOP": 1, "LF-BOP": 1}
    assert set(listed["copy"]["premiums"]) == {"TT-WC", "LF-WC"}


def test_a_premium_is_bindable_only_once_nothing_is_needed_to_quote(api: Api, s1: Sample) -> None:
    copy = api.start(s1)
    path = f"/copies/{copy['id']}/answers"
    needed = {code: "Austin" for code in copy["needed"]["quote"]}
    assert needed == {} and copy["eligibility"]["QM-BOP"]["bindable"] is True

    cleared = api.patch(path, {"answers": {"mqs_ops_description": None}}).json()
    given = api.patch(path, {"answers": {"mqs_ops_description": "A bistro with forty seats."}}).json()

    # The premium is the same; only its worth changed.
    assert [moved["eligibility"]["QM-BOP"]["premium"] for moved in (cleared, given)] == [2451, 2451]
    assert [moved["eligibility"]["QM-BOP"]["bindable"] for moved in (cleared, given)] == [False, True]


def test_every_reason_has_its_effect(api: Api, s1: Sample) -> None:
    copy = api.start(s1)
    answers = {"mqs_annual_revenue": 7000000, "mqs_bop_open_24h": True, "mqs_naics": "541110"}

    changes = api.patch(f"/copies/{copy['id']}/answers", {"answers": answers}).json()

    effects = {reason["rule"]: reason["effect"] for reason in changes["eligibility"]["QM-BOP"]["reasons"]}
    assert effects == {"class": "base", "QB2": "decline"} or effects == {"QB2": "decline"}
    told = api.get(f"/copies/{copy['id']}/explain?target=product:LF-BOP").json()
    matched = {rule["id"]: rule["effect"] for rule in told["rules"] if rule["truth"] == "true"}
    assert matched["LB1"] == "decline"
    assert {rule["effect"] for rule in told["rules"]} == {"base", "decline", "refer"}


def test_a_webhook_carries_effects_and_what_the_price_needs(api: Api, s1: Sample, harbor: Tenant) -> None:
    copy = api.start(s1)
    api.patch(f"/copies/{copy['id']}/answers", {"answers": {"mqs_gl_limit": None, "mqs_annual_revenue": 4000000}})

    with use_tenant(harbor):
        last = OutboxAction.objects.filter(version=2, payload__event_type="product.outcome_changed").get()

    products = last.payload["data"]["products"]
    assert products["QM-BOP"]["reasons"] == [{"rule": "QB2", "text": "Revenue over 3M", "effect": "decline"}]
    assert products["LF-BOP"]["missing_for_price"] == ["mqs_gl_limit"]


def test_typing_a_state_records_no_declination(api: Api, s1: Sample, harbor: Tenant) -> None:
    copy = api.start(s1)
    (location,) = copy["answer_pools"]["locations"]

    for state in ("TN", "TX"):
        body = {"answer_pools": {"locations": [{"id": location["id"], "answers": {"mqs_loc_state": state}}]}}
        response = api.patch(f"/copies/{copy['id']}/answers", body)
        assert response.status_code == 200

    with use_tenant(harbor):
        assert not Declination.objects.exists()


@pytest.fixture
def growing(api: Api, harbor: Tenant) -> Api:
    """Return a client whose tenant has a catalogue in which each derived value is the square of the one before."""
    chain = [Derived(code="d0", value="runs_limit * runs_limit")]
    chain += [Derived(code=f"d{place}", value=f"d{place - 1} * d{place - 1}") for place in range(1, 18)]
    first, *others = KENNELS.question_sets
    number = msgspec.structs.replace(first.questions[-1], code="runs_limit", type="number", validate=(), when="")
    first = msgspec.structs.replace(first, questions=(*first.questions, number))
    publish(
        load(msgspec.structs.replace(KENNELS, code="grows", question_sets=(first, *others), derived=tuple(chain))),
        actor_id="test",
    )
    return api


@pytest.mark.parametrize(("value", "shown"), [(1.5, 2.25), (999999999999.5, "999999999999000000000000.25"), (-3, 9)])
def test_numbers_that_outgrow_decimals_fail_nothing(growing: Api, value: float, shown: Any) -> None:
    body = {"catalogue": "grows", "answers": {**ANSWERS, "runs_limit": value}, "answer_pools": {"houses": HOUSES}}

    made = growing.post("/application_forms", body)

    assert made.status_code == 201, made.content
    copy = made.json()
    assert copy["eligibility"]["PA-CARE"]["premium"] == 300
    explained = [growing.get(f"/copies/{copy['id']}/explain?target=derived:{code}").json() for code in ("d0", "d17")]
    assert [told["result"] for told in explained] == [shown, None]
