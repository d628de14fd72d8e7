"""Walks through the list of forms while forms are touched: the default order loses none, ``updated`` no change."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import pytest

from catalogue.demo import Sample
from tests.harness.api_client import Api
from tests.harness.tiers import seeds

pytestmark = pytest.mark.django_db

FORMS = 9


def start_forms(api: Api) -> list[str]:
    return [api.post("/application_forms", {"title": str(number)}).json()["id"] for number in range(FORMS)]


def touch(api: Api, form_id: str, value: int) -> None:
    """Change one answer of a form's default copy."""
    response = api.patch(f"/copies/{form_id}/answers", {"answers": {"mqs_full_time_emp": value}})
    assert response.status_code == 200, response.content


def walk(api: Api, query: str, *, between: Any = lambda: None) -> list[dict[str, Any]]:
    """Return the results of all pages; call ``between`` between pages."""
    path, results = f"/application_forms?limit=2{query}", []
    while path:
        page = api.get(path).json()
        results += page["results"]
        path = (page["next"] or "").removeprefix("/api/v1")
        if path:
            between()
    return results


@pytest.mark.parametrize("query", ["", "&order=-created", "&order=created"])
@pytest.mark.parametrize("seed", seeds(5))
def test_every_form_is_met_once_while_random_forms_are_touched(api: Api, query: str, seed: int) -> None:
    forms, chance = start_forms(api), random.Random(seed)

    met = walk(api, query, between=lambda: touch(api, chance.choice(forms), chance.randrange(1, 2_000)))

    assert [result["id"] for result in met] == (forms if query == "&order=created" else forms[::-1])


def test_the_order_for_synchronizing_shows_the_last_state_of_every_form(api: Api) -> None:
    forms, chance = start_forms(api), random.Random(3)
    remaining = iter(range(12))

    def touch_some() -> None:
        if next(remaining, None) is not None:
            touch(api, chance.choice(forms), chance.randrange(1, 2_000))

    met = walk(api, "&order=updated", between=touch_some)

    seen = {result["id"]: result["copy"]["version"] for result in met}  # a later entry replaces an earlier one
    assert seen == {form_id: api.get(f"/copies/{form_id}").json()["version"] for form_id in forms}


def test_only_forms_that_changed_since_come_again(api: Api) -> None:
    forms = start_forms(api)
    latest = max(result["copy"]["updated_at"] for result in walk(api, "&order=updated"))
    moment = (datetime.fromisoformat(latest) + timedelta(microseconds=1)).isoformat().replace("+00:00", "Z")
    touch(api, forms[4], 7)

    again = walk(api, f"&order=updated&updated_since={moment}")

    assert [result["id"] for result in again] == [forms[4]]


def test_a_change_of_a_copy_that_is_not_shown_counts(api: Api) -> None:
    forms = start_forms(api)
    other = api.post(f"/application_forms/{forms[0]}/copies", {"title": "Other"}).json()["id"]
    for copy_id in (other, forms[0]):
        touch(api, copy_id, 3)
    latest = max(result["copy"]["updated_at"] for result in walk(api, "&order=updated"))
    moment = (datetime.fromisoformat(latest) + timedelta(microseconds=1)).isoformat().replace("+00:00", "Z")

    assert api.delete(f"/copies/{other}").status_code == 204

    assert [result["id"] for result in walk(api, f"&order=updated&updated_since={moment}")] == [forms[0]]


def test_filters_hold_in_the_order_for_synchronizing(api: Api, s1: Sample) -> None:
    start_forms(api)
    copy = api.start(s1)

    assert [result["id"] for result in walk(api, "&order=updated&q=kettle")] == [copy["application_form_id"]]
