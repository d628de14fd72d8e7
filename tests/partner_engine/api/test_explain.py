"""``/copies/{id}/explain`` and ``/copies/{id}/needed``."""

from __future__ import annotations

import pytest

from catalogue.demo import Sample, read_samples
from tenants.access import Right
from tenants.models import ApiClient
from tests.harness.api_client import Api, assert_problem
from tests.harness.certain_text import certain

pytestmark = pytest.mark.django_db
SAMPLES = {sample.id: sample for sample in read_samples()}


def test_a_decline_names_its_rule_and_values(api: Api, s1: Sample) -> None:
    copy = api.start(s1)
    api.patch(f"/copies/{copy['id']}/answers", {"answers": {"mqs_gl_liquor_pct": 35}})

    told = api.get(f"/copies/{copy['id']}/explain?target=product:QM-BOP").json()

    assert (told["target"], told["kind"], told["result"], told["version"]) == (
        "product:QM-BOP",
        "product",
        "decline",
        2,
    )
    matching = [rule for rule in told["rules"] if rule["truth"] == "true"]
    assert [(rule["id"], rule["values"]) for rule in matching] == [("QB5", {"mqs_gl_liquor_pct": 35})]
    assert "QB5" in told["text"]


def test_the_past_is_explained_too(api: Api, s1: Sample) -> None:
    copy = api.start(s1)
    api.patch(f"/copies/{copy['id']}/answers", {"answers": {"mqs_gl_liquor_pct": 35}})

    told = api.get(f"/copies/{copy['id']}/explain?target=QM-BOP&at_version=1").json()

    assert (told["result"], told["version"]) == ("eligible", 1)
    unmet = next(rule for rule in told["rules"] if rule["id"] == "QB5")
    assert unmet["truth"] == "false"
    assert "mqs_gl_liquor_pct" in unmet["would_match"]


def test_a_price_lists_its_steps(api: Api, s1: Sample) -> None:
    copy = api.start(s1)

    told = api.get(f"/copies/{copy['id']}/explain?target=premium:QM-BOP").json()

    assert told["result"] == 2451
    assert round(told["premium_steps"][-1]["amount"]) == 2451


def test_personal_values_are_hidden_in_explanations(demo: None, harbor_client: ApiClient) -> None:
    discreet = Api(harbor_client, [Right.READ_FORMS, Right.WRITE_FORMS, Right.SET_AS_OF])
    copy = discreet.start(SAMPLES["S1"])

    for code, answer in copy["answers"].items():
        if answer.get("sensitive") == "pii":
            response = discreet.get(f"/copies/{copy['id']}/explain?target=question:{code}")
            assert response.status_code == 200
            assert str(SAMPLES["S1"].answers[code]) not in certain(response.content)


@pytest.mark.parametrize("target", ["product:NONE", "question:locations/x/mqs_loc_state", "weather:fine", "x" * 300])
def test_invalid_targets_of_explanations(api: Api, s1: Sample, target: str) -> None:
    copy = api.start(s1)

    assert_problem(api.get(f"/copies/{copy['id']}/explain?target={target}"), 422, "unknown_target")


def test_a_target_is_needed(api: Api, s1: Sample) -> None:
    copy = api.start(s1)

    assert_problem(api.get(f"/copies/{copy['id']}/explain"), 400, "invalid_query")


def test_needed_answers(api: Api) -> None:
    copy = api.start(SAMPLES["S11"])

    response = api.get(f"/copies/{copy['id']}/needed")

    assert response["ETag"].startswith('"1-')
    shared = {key: copy[key] for key in ("needed", "needed_counts", "messages")}
    assert response.json() == {"version": 1, **shared}
    assert "mqs_gl_liquor_pct" in copy["needed"]["quote"]
