"""Every face shows the decision of today and of the current release, before and after the run, whatever moved on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from actions import relay
from actions.kinds import DecideAnew
from actions.maintenance import emit_hourly_actions
from actions.registry import REGISTRY, Registry
from batch import service as batch
from copies.models import Copy
from decisions.models import DecisionRun
from rules.definition.catalogue import CatalogueDefinition, Question
from tenants.access import Role, system_actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User
from tests.harness.api_client import Api
from tests.harness.later_releases import publish_release
from tests.harness.moments import DATED, declining, let_a_day_begin, run_actions, with_question
from tests.harness.outbox_events import published_events

pytestmark = pytest.mark.django_db

Start = Callable[..., dict[str, Any]]
ASKING = with_question(Question(code="vet", label="Vet on call?", type="boolean", required="quote"), DATED)


def listed(api: Api, query: str = "") -> dict[str, dict[str, Any]]:
    """Return the listed copies by id."""
    response = api.get(f"/application_forms{query}")
    assert response.status_code == 200, response.content
    return {row["copy"]["id"]: row["copy"] for row in response.json()["results"]}


def assert_agree(api: Api, copy_id: str) -> dict[str, Any]:
    """Check that every list, filter and catch-up shows the decision of the copy; return the copy."""
    copy = api.get(f"/copies/{copy_id}").json()
    outcomes = {code: product["outcome"] for code, product in copy["eligibility"].items()}
    premiums = {code: product["premium"] for code, product in copy["eligibility"].items() if product["premium"]}
    words = copy["answers"]["kennel_name"]["value"]
    hits = {hit["form"]["copy"]["id"]: hit["form"]["copy"] for hit in api.get(f"/search?q={words}").json()["results"]}
    form = api.get(f"/application_forms/{copy['application_form_id']}").json()
    summaries = [listed(api)[copy_id], hits[copy_id], *(one for one in form["copies"] if one["id"] == copy_id)]
    for summary in summaries:
        assert (summary["state"], summary["needed"]) == (copy["state"], len(copy["needed"]["quote"]))
        assert (summary["outcomes"], summary["premiums"]) == (outcomes, premiums)
    for state in ("ready", "incomplete", "declined", "locked"):
        assert (copy_id in listed(api, f"?state={state}")) == (state == copy["state"]), state
        found = api.get(f"/search?q={words}&state={state}").json()["results"]
        assert (copy_id in {hit["form"]["copy"]["id"] for hit in found}) == (state == copy["state"]), state
    changes = api.get(f"/copies/{copy_id}/changes?since={copy['version']}").json()
    assert (changes["version"], changes["needed"], changes["messages"]) == (
        copy["version"],
        copy["needed"],
        copy["messages"],
    )
    assert api.get(f"/copies/{copy_id}/needed").json()["needed"] == copy["needed"]
    return copy


def move_day(tenant: Tenant) -> None:
    let_a_day_begin(tenant)


def publish(definition: CatalogueDefinition) -> Callable[[Tenant], None]:
    return lambda tenant: publish_release(definition) and None


@pytest.mark.parametrize(
    ("move", "state", "needed", "outcome"),
    [
        pytest.param(move_day, "incomplete", ["start_date"], "eligible", id="a new day"),
        pytest.param(publish(declining()), "declined", [], "decline", id="a declining release"),
        pytest.param(publish(ASKING), "incomplete", ["vet"], "eligible", id="one question more"),
    ],
)
def test_what_moved_on_is_shown_everywhere_at_once_and_saved_by_the_run(
    api: Api, start: Start, kennels: Tenant, move: Callable[[Tenant], None], state: str, needed: list[str], outcome: str
) -> None:
    copy = start()
    run_actions()
    assert assert_agree(api, copy["id"])["state"] == "ready"

    move(kennels)

    moved = assert_agree(api, copy["id"])
    assert (moved["state"], moved["needed"]["quote"], moved["version"]) == (state, needed, 1)
    assert moved["eligibility"]["PA-CARE"]["outcome"] == outcome

    trigger(kennels)
    run_actions()

    saved = assert_agree(api, copy["id"])
    assert saved["version"] == 2
    ignored = {"version", "updated_at"}
    assert {key: saved[key] for key in saved.keys() - ignored} == {key: moved[key] for key in moved.keys() - ignored}
    with use_tenant(kennels):
        stored = Copy.objects.get(pk=copy["id"])
        assert stored.summary["needed"] == len(needed)


def trigger(tenant: Tenant) -> None:
    """Emit what the hour emits; a publish has emitted it already."""
    emit_hourly_actions("default")


def test_a_run_says_why_in_history_and_tells_webhooks_what_moved(api: Api, start: Start, kennels: Tenant) -> None:
    copy = start()
    second = publish_release(declining())
    with use_tenant(kennels):
        before = len(published_events(kennels, "product"))
    assert before == 1

    run_actions_but_webhooks(kennels)

    newest = api.get(f"/copies/{copy['id']}/history").json()["results"][0]
    assert newest["cause"] == {"type": "release", "id": str(second.number)}
    assert (newest["by"]["type"], newest["by"]["source"]) == ("system", "release")
    assert newest["eligibility"]["PA-CARE"]["outcome"] == "decline"
    changed = published_events(kennels, "product")[-1]
    assert changed[:2] == ("product.outcome_changed", 2)
    assert changed[2]["products"]["PA-CARE"]["outcome"] == "decline"
    assert api.get(f"/copies/{copy['id']}").json()["last_touched_by_user_at"] == copy["last_touched_by_user_at"]


def run_actions_but_webhooks(tenant: Tenant) -> None:
    """Run the decisions alone, so that the events stay in the outbox."""
    registry = Registry()
    registry.register(DecideAnew, REGISTRY.find(DecideAnew.kind).handler)
    relay.drain("default", registry=registry)


def test_what_a_release_asks_is_caused_by_it_in_the_changes(api: Api, start: Start, kennels: Tenant) -> None:
    copy = start()
    release = publish_release(ASKING)
    waiting = api.get(f"/copies/{copy['id']}/changes?since=1").json()["changes"]

    run_actions()

    changes = api.get(f"/copies/{copy['id']}/changes?since=1").json()["changes"]
    vet = next(change for change in changes if change["path"] == "vet")
    assert (vet["active"], vet["required"]) == (True, "quote")
    assert {one["path"]: (one["before"], one["after"]) for one in changes} == {
        "vet": (None, None),
        "question_sets/start": ("completed", "open"),
    }
    assert [change["cause"] for change in changes] == [{"type": "release", "id": str(release.number)}] * 2
    assert [one["path"] for one in waiting] == [one["path"] for one in changes]


def test_a_decision_that_stays_the_same_writes_no_version(api: Api, start: Start, kennels: Tenant) -> None:
    copy = start(state="OH")
    release = publish_release(declining())
    run_actions()

    with use_tenant(kennels):
        stored = Copy.objects.get(pk=copy["id"])
    assert (stored.version, stored.release_id != release.id, stored.decided_release_id) == (1, True, release.id)
    shown = assert_agree(api, copy["id"])
    assert (shown["version"], shown["release"]) == (1, release.id)
    assert not DecisionRun.unscoped_objects.filter(finished_at=None).exists()


def test_a_copy_that_does_not_depend_on_the_day_does_not_wait_for_it(api: Api, start: Start, kennels: Tenant) -> None:
    copy = start(start_date=None)
    run_actions()

    today = let_a_day_begin(kennels)

    shown = assert_agree(api, copy["id"])
    assert (shown["version"], shown["as_of"]) == (1, today.isoformat())
    trigger(kennels)
    run_actions()
    assert not DecisionRun.unscoped_objects.exists()


def test_a_locked_a_bound_and_a_deleted_copy_keep_their_decision(api: Api, start: Start, kennels: Tenant) -> None:
    locked, bound, deleted = start(), start(), start()
    first = locked["release"]
    assert api.post(f"/copies/{locked['id']}/lock").status_code == 200
    with batch.find_and_lock(bound["id"], scope=kennels, actor=system_actor("test")) as context:
        context.changeset.dispositions.give("bound")
        context.save()
    deleted = api.post(f"/application_forms/{deleted['application_form_id']}/copies", {}).json()
    assert api.delete(f"/copies/{deleted['id']}").status_code == 204

    publish_release(declining())
    for _ in range(2):
        for copy, state in ((locked, "locked"), (bound, "ready")):
            shown = assert_agree(api, copy["id"])
            assert (shown["state"], shown["release"], shown["version"]) == (state, first, 2)
            assert shown["eligibility"]["PA-CARE"]["outcome"] == "eligible"
            explained = api.get(f"/copies/{copy['id']}/explain?target=product:PA-CARE").json()
            assert (explained["result"], explained["release"]) == ("eligible", first)
        (summary,) = listed(api, "?deleted=true").values()
        assert summary["outcomes"]["PA-CARE"] == "eligible"
        run_actions()

    assert api.post(f"/copies/{locked['id']}/unlock").json()["eligibility"]["PA-CARE"]["outcome"] == "decline"
    with batch.find_and_lock(bound["id"], scope=kennels, actor=system_actor("test")) as context:
        next(iter(context.changeset.dispositions)).take_back()
        context.save()
    assert assert_agree(api, bound["id"])["eligibility"]["PA-CARE"]["outcome"] == "decline"


def test_the_page_says_of_when_a_kept_decision_is(
    api: Api, start: Start, kennels: Tenant, sign_in: Callable[[User], Client]
) -> None:
    agent = User.objects.create_user("agent@kennels.example", "x", role=Role.AGENT, tenant=kennels)
    copy = start()
    api.post(f"/copies/{copy['id']}/lock")
    publish_release(declining())
    browser = sign_in(agent)

    page = browser.get(f"/forms/{copy['id']}").content.decode()

    assert "with release 1" in page
    assert "Not written any more" not in page
    assert "Declined" not in browser.get("/").content.decode().split("<tbody", 1)[1]


def test_more_waiting_copies_than_a_filter_decides_are_still_filtered_rightly(
    api: Api, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("decisions.listing.MOST_DECIDED", 2)
    copies = [start(state=state)["id"] for state in ("TX", "OH", "TX", "OH", "TX")]
    publish_release(declining())

    pages = {state: set(listed(api, f"?state={state}")) for state in ("ready", "declined", "incomplete")}

    assert pages == {
        "ready": {copies[1], copies[3]},
        "declined": {copies[0], copies[2], copies[4]},
        "incomplete": set(),
    }
