"""Runs: from the publish on, in every database, seen by staff; joined, resumed and repeated without harm."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from actions.kinds import DecideAnew
from actions.models import OutboxAction
from batch import service as batch
from catalogue import publish_work, releases
from catalogue.loader import load
from catalogue.models import Catalogue
from catalogue.publish_notices import compile_noticed
from copies.models import Copy
from decisions.models import DecisionRun
from decisions.runs import count_waiting, decide_part, open_run
from failpoints import FailpointReached, armed
from tenants.access import system_actor
from tenants.current_tenant import across_tenants, use_tenant
from tenants.models import Tenant, User
from tests.harness.api_client import Api
from tests.harness.cast import SECOND_DATABASE
from tests.harness.kennel_catalogue import HOUSES
from tests.harness.later_releases import publish_release
from tests.harness.moments import DATED, EARLY_ZONE, dated_answers, declining, run_actions
from tests.harness.page_client import markup

pytestmark = pytest.mark.django_db

Start = Callable[..., dict[str, Any]]


def runs(alias: str = "default") -> list[DecisionRun]:
    with across_tenants(using=alias):
        return list(DecisionRun.objects.using(alias).order_by("started_at"))


def test_a_publish_that_fails_emits_no_run(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    start()
    emitted = OutboxAction.unscoped_objects.filter(kind=DecideAnew.kind)
    before = emitted.count()

    def fail(release: object) -> None:
        raise LookupError

    monkeypatch.setattr("catalogue.publish_work._in_publish", [*publish_work._in_publish, fail])
    with pytest.raises(LookupError):
        publish_release(declining())

    assert emitted.count() == before
    assert releases.current("kennels").number == 1


def test_the_command_shows_what_it_will_do_does_it_and_says_how_long_it_took(start: Start, kennels: Tenant) -> None:
    start(), start(state="OH")
    load(declining())
    shown = StringIO()

    call_command("publish_catalogue", "kennels", stdout=shown)

    first, second, third = shown.getvalue().splitlines()
    assert first == "To do: 2 open copies are decided anew."
    assert second == "Published release 2 of kennels; it is now current everywhere."
    assert third.startswith("Open copies decided anew: 2 copies, 1 changed, in ")
    with use_tenant(kennels):
        assert count_waiting(kennels) == 0


def test_staff_see_before_and_after_a_publish_what_it_decides(
    start: Start, staff: User, sign_in: Callable[[User], Client]
) -> None:
    copy = start()
    load(declining())
    catalogue = Catalogue.objects.get(code="kennels")
    browser = sign_in(staff)
    address = reverse("admin:catalogue_catalogue_publish", args=(catalogue.pk,))
    report = markup(browser.get(address))
    assert "1 open copy is decided anew." in report

    page = markup(browser.post(address, follow=True))
    assert "none waited" in page
    run_actions()

    release = releases.current("kennels")
    page = browser.get(f"/admin/catalogue/release/{release.id}/change/").content.decode()
    assert "1 copy, 1 changed, in " in page
    listed = browser.get("/admin/decisions/decisionrun/").content.decode()
    assert "1 of 1, done" in listed
    assert browser.get(f"/admin/decisions/decisionrun/{runs()[0].pk}/change/").status_code == 200
    shown = browser.get(f"/admin/copies/copy/{copy['id']}/change/").content.decode()
    assert "Not written any more" in shown


def test_the_admin_filters_by_the_present_state(start: Start, staff: User, sign_in: Callable[[User], Client]) -> None:
    declined, ready = start(), start(state="OH")
    publish_release(declining())
    browser = sign_in(staff)

    for address in ("/admin/copies/copy/", "/admin/forms/applicationform/"):
        page = browser.get(f"{address}?state=declined").content.decode()
        assert declined["id"] in page
        assert ready["id"] not in page


@pytest.mark.django_db(databases=["default", SECOND_DATABASE])
def test_a_tenant_with_a_database_of_its_own_is_reached_too(first_release: object, summit_apart: Tenant) -> None:
    summit_apart.catalogue, summit_apart.time_zone = "kennels", EARLY_ZONE
    summit_apart.save()
    with batch.build_context(scope=summit_apart, actor=system_actor("test")) as context:
        context.changeset.apply_answers(dated_answers(), {"houses": HOUSES})
        context.save()
    publish_release(declining())

    run_actions(SECOND_DATABASE)

    read = batch.find(context.copy.id, scope=summit_apart, actor=system_actor("test"))
    assert (read.version, read.evaluation.eligibility["PA-CARE"].outcome) == (2, "decline")
    assert [(run.decided, run.changed) for run in runs(SECOND_DATABASE)] == [(1, 1)]
    assert runs() == []


#: Further points of one save and its action.
POINTS = ("write_sending", "written", "action_ran")


@pytest.mark.parametrize(
    "point", ["decisions_noted", "decided_chunk", *(pytest.param(name, marks=pytest.mark.slow) for name in POINTS)]
)
def test_a_run_that_breaks_off_goes_on_where_it_was(
    api: Api, start: Start, kennels: Tenant, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("decisions.runs.CHUNK", 2)
    for state in ("TX", "OH", "TX", "OH", "TX"):
        start(state=state)
    publish_release(declining())

    with armed(point, nth=2), pytest.raises(FailpointReached), use_tenant(kennels):
        run = open_run(kennels, cause="release")
        assert run is not None
        decide_part(run.pk, kennels, seconds=60.0)
        raise FailpointReached(point)  # a point of the relay, which is not in this work
    run_actions()

    with use_tenant(kennels):
        versions = sorted(Copy.objects.values_list("version", flat=True))
        assert (versions, count_waiting(kennels)) == ([1, 1, 2, 2, 2], 0)
    (run,) = runs()
    assert run.finished_at is not None


def test_a_second_publish_joins_the_run_on_its_way(start: Start, kennels: Tenant) -> None:
    copy = start()
    publish_release(declining())
    with use_tenant(kennels):
        open_run(kennels, cause="release")
    publish_release(DATED)
    publish_release(declining(when='state == "OH"'))

    run_actions()

    (run,) = runs()
    assert run.finished_at is not None
    with use_tenant(kennels):
        stored = Copy.objects.get(pk=copy["id"])
    assert stored.decided_release_id == releases.current("kennels").id
    assert stored.summary["standing"] == "ready"


def test_an_unreadable_copy_is_counted_and_delays_no_other(start: Start, kennels: Tenant) -> None:
    broken, fine = start(), start()
    with use_tenant(kennels):
        Copy.objects.filter(pk=broken["id"]).update(document=b"\x01nothing")
    publish_release(declining())

    run_actions()

    (run,) = runs()
    assert (run.decided, run.changed, run.failed, run.finished_at is not None) == (1, 1, 1, True)
    with use_tenant(kennels):
        assert Copy.objects.get(pk=fine["id"]).version == 2


def test_a_notice_compiles_a_release_before_anyone_asks_for_it(first_release: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("catalogue.publish_notices.connections.close_all", lambda: None)
    releases.forget_compiled_releases()

    assert compile_noticed(str(first_release.pk).encode())
    assert not compile_noticed(b"0")
    assert not compile_noticed(b"nonsense")

    monkeypatch.setattr("catalogue.releases.compile_catalogue", None)
    assert releases.current("kennels").id == first_release.pk
