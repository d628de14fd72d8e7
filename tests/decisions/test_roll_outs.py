"""Guarded releases: completed, stopped when outcomes leave the forecast, continued, taken back."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django_redis import get_redis_connection
from msgspec.structs import replace
from uuid_utils.compat import uuid7

from actions.kinds import DecideAnew, GuardRelease
from actions.models import OutboxAction
from actions.relay import drain
from batch import service as batch
from catalogue import release_pointer, releases, roll_outs
from catalogue.loader import load
from catalogue.models import Catalogue, Release, RollOut, RollOutPart, RollOutTenant
from catalogue.releases import publish
from catalogue.roll_outs import OrderRefused, Tolerance
from copies.models import Copy
from decisions import roll_out_steps
from decisions.roll_out_figures import Deviation
from decisions.roll_out_steps import UnknownTenant, deviation_of, do_step, emit_after_run, start_guarded
from decisions.runs import finish_run, open_run
from failpoints import GUARDING, FailpointReached, armed
from rules.definition.catalogue import CatalogueDefinition, Question
from rules.definition.faults import CatalogueErrors
from tenants.access import system_actor
from tenants.current_tenant import across_tenants, use_tenant
from tenants.models import ApiClient, Tenant, every_right
from tests.harness.api_client import Api
from tests.harness.cast import SECOND_DATABASE
from tests.harness.kennel_catalogue import HOUSES, KENNELS
from tests.harness.later_releases import publish_release, renamed, with_sensitivity, without_question
from tests.harness.moments import DATED, EARLY_ZONE, dated_answers, declining, run_actions, with_question

pytestmark = pytest.mark.django_db

CODES = ("alder", "birch", "cedar")
State = RollOutTenant.State


class Broker:
    """One tenant with its API client."""

    def __init__(self, code: str) -> None:
        self.tenant = Tenant.objects.create(code=code, name=code.title(), catalogue="kennels", time_zone=EARLY_ZONE)
        client = ApiClient.objects.create(
            client_id=code, client_secret="s", name=code, allowed_scopes=every_right(), tenant=self.tenant
        )
        self.api = Api(client)

    def start(self, **answers: Any) -> str:
        """Start a form; return its id."""
        body = {"answers": {**dated_answers(), **answers}, "answer_pools": {"houses": HOUSES}}
        response = self.api.post("/application_forms", body)
        assert response.status_code == 201, response.content
        return str(response.json()["id"])

    def outcomes(self) -> dict[str, str]:
        """Return the stored outcome of every copy by id."""
        with use_tenant(self.tenant):
            copies = list(Copy.objects.all())
        return {str(copy.pk): self.outcome(str(copy.pk)) for copy in copies}

    def outcome(self, copy_id: str) -> str:
        """Return the outcome of PA-CARE as the API shows it."""
        shown = self.api.get(f"/copies/{copy_id}").json()
        return str(shown["eligibility"]["PA-CARE"]["outcome"])

    def state(self, copy_id: str) -> str:
        """Return the answer to ``state`` of a copy."""
        return str(self.api.get(f"/copies/{copy_id}").json()["answers"]["state"]["value"])

    def listed(self, state: str) -> list[dict[str, Any]]:
        """Return the forms that a list shows in a state."""
        return list(self.api.get(f"/application_forms?state={state}").json()["results"])

    def stored_release(self) -> set[int | None]:
        """Return the releases that the copies were decided with."""
        with use_tenant(self.tenant):
            return set(Copy.objects.values_list("decided_release_id", flat=True))

    def release(self) -> int:
        """Return the number of the release that the API shows."""
        return int(self.api.get("/catalogue").json()["number"])


@pytest.fixture
def idle_brokers(db: None) -> list[Broker]:
    """Return three tenants without forms."""
    publish_release(DATED)
    return [Broker(code) for code in CODES]


@pytest.fixture
def brokers(idle_brokers: list[Broker]) -> list[Broker]:
    """Return three tenants with two forms each, of which the next release declines one."""
    for broker in idle_brokers:
        broker.start()
        broker.start(state="OH")
    return idle_brokers


def go(definition: CatalogueDefinition | None = None, **options: Any) -> RollOut:
    """Start a roll-out of ``definition``."""
    catalogue = load(declining() if definition is None else definition)
    return start_guarded(catalogue, actor_id="robin", tolerance=options.pop("tolerance", Tolerance()), **options)


def do_steps(roll_out: RollOut, broker: Broker, *, count: int) -> None:
    """Do steps of a roll-out at one tenant: its forecast is the first, and that it follows the second."""
    for _ in range(count):
        with use_tenant(broker.tenant):
            do_step(broker.tenant, roll_out.pk)


def run_to_forecast(roll_out: RollOut, broker: Broker) -> None:
    """Run actions until the book of one tenant is forecast, and no further."""
    while not roll_out.tenants.get(tenant=broker.tenant).is_forecast:
        assert drain("default", batch=1, until_empty=False).attempts


def states(roll_out: RollOut) -> list[str]:
    """Return the states of the tenants in order."""
    return list(roll_out.tenants.order_by("position").values_list("state", flat=True))


def orders(roll_out: RollOut) -> list[tuple[str, str]]:
    """Return what was ordered, and by which actor."""
    return list(roll_out.orders.order_by("id").values_list("kind", "actor_id"))


def test_a_release_goes_out_tenant_by_tenant_and_ends_current_for_all(brokers: list[Broker]) -> None:
    roll_out = go(first=["cedar"])
    assert [row.tenant.code for row in roll_out.tenants.order_by("position")] == ["cedar", "alder", "birch"]
    assert {broker.release() for broker in brokers} == {1}

    run_actions()

    roll_out.refresh_from_db()
    assert roll_out.state == RollOut.State.DONE
    assert states(roll_out) == [State.DECIDED] * 3
    assert orders(roll_out) == [("start", "robin"), ("finish", "system")]
    for row in roll_out.tenants.all():
        assert row.forecast["flips"] == row.actual["flips"] == {"PA-CARE: eligible to decline": 1}
        assert (row.forecast["copies"], row.forecast["moved"]) == (row.actual["copies"], row.actual["moved"])
        assert row.forecast["premium"] == row.actual["premium"] > 0
        assert deviation_of(row).flips_percent == deviation_of(row).premium_percent == 0
    for broker in brokers:
        assert sorted(broker.outcomes().values()) == ["decline", "eligible"]
        assert broker.stored_release() == {roll_out.release_id}
    assert releases.current_id("kennels") == roll_out.release_id
    with across_tenants(using="default"):
        assert not OutboxAction.objects.filter(kind="guard_release").exists()


@pytest.mark.slow
def test_two_tenants_see_different_releases_at_the_same_time(brokers: list[Broker]) -> None:
    roll_out = go()
    alder, birch, _ = brokers
    do_steps(roll_out, alder, count=2)
    release, former = roll_out.release, roll_out.former

    assert (alder.release(), birch.release()) == (release.number, former.number) == (2, 1)
    tags = [one.api.get("/catalogue")["ETag"] for one in (alder, birch)]
    assert tags[0] != tags[1]
    assert alder.api.get("/catalogue", if_none_match=tags[1]).status_code == 200
    assert [alder.outcome(alder.start()), birch.outcome(birch.start())] == ["decline", "eligible"]
    assert [len(one.listed("declined")) for one in (alder, birch)] == [2, 0]
    assert [len(one.listed("ready")) for one in (alder, birch)] == [1, 3]
    assert releases.current_id("kennels") == former.pk
    assert releases.current_id("kennels", tenant_id=alder.tenant.pk) == release.pk
    with use_tenant(birch.tenant):
        assert releases.current_id("kennels") == former.pk
        assert releases.current_id("kennels", tenant_id=alder.tenant.pk) == release.pk
    with across_tenants(using="default"):
        assert releases.current_id("kennels") == former.pk


def set_state(broker: Broker, copy_ids: list[str], state: str) -> None:
    """Change the state of copies, as the product itself: no forecast knows of it."""
    for copy_id in copy_ids:
        with batch.find_and_lock(UUID(copy_id), scope=broker.tenant, actor=system_actor("test")) as context:
            context.changeset.find_answer("state").apply(state)
            context.save()


def stopped(brokers: list[Broker], definition: CatalogueDefinition | None = None, **options: Any) -> RollOut:
    """Return a roll-out whose second tenant has other outcomes than were forecast."""
    birch = brokers[1]
    others = [birch.start(state="OH") for _ in range(3)]
    roll_out = go(definition, **options)
    run_to_forecast(roll_out, birch)
    set_state(birch, others, "TX")
    run_actions()
    roll_out.refresh_from_db()
    return roll_out


def test_it_stops_where_outcomes_leave_the_forecast_and_is_taken_back(brokers: list[Broker]) -> None:
    roll_out = stopped(brokers)
    alder, birch, cedar = brokers
    assert roll_out.state == RollOut.State.STOPPED
    assert states(roll_out) == [State.DECIDED, State.LEFT, State.WAITING]
    assert [broker.release() for broker in brokers] == [2, 1, 1]
    assert sorted(alder.outcomes().values()) == ["decline", "eligible"]
    assert set(birch.outcomes().values()) == {"eligible"}
    assert birch.stored_release() == cedar.stored_release() == {roll_out.former_id}
    last = roll_out.orders.order_by("id").last()
    assert last is not None
    assert last.detail == (
        "birch: PA-CARE: eligible to decline: 4 instead of 1 copies; premium moved by -1,200 instead of -300"
    )

    roll_outs.order_back(roll_out, actor_id="kim")
    assert {broker.release() for broker in brokers} == {1}
    run_actions()

    roll_out.refresh_from_db()
    assert roll_out.state == RollOut.State.TAKEN_BACK
    assert states(roll_out) == [State.BACK, State.BACK, State.WAITING]
    assert orders(roll_out) == [("start", "robin"), ("stop", "system"), ("back", "kim")]
    for broker in brokers:
        assert set(broker.outcomes().values()) == {"eligible"}
        assert broker.stored_release() == {roll_out.former_id}
    assert releases.current_id("kennels") == roll_out.former_id
    with pytest.raises(OrderRefused):
        roll_outs.order_back(roll_out, actor_id="kim")


def test_what_people_start_and_change_meanwhile_does_not_stop_it(brokers: list[Broker]) -> None:
    roll_out, (alder, birch, _) = go(), brokers
    run_to_forecast(roll_out, alder)
    for broker in (alder, birch):
        broker.start()
        [changed] = [copy_id for copy_id in broker.outcomes() if broker.state(copy_id) == "OH"]
        shown = broker.api.get(f"/copies/{changed}")
        saved = broker.api.patch(f"/copies/{changed}/answers", {"answers": {"state": "TX"}}, if_match=shown["ETag"])
        assert saved.status_code == 200, saved.content

    run_to_forecast(roll_out, birch)

    first, second, third = roll_out.tenants.order_by("position")
    assert states(roll_out) == [State.DECIDED, State.WAITING, State.WAITING]
    assert (first.actual["copies"], first.actual["left_out"]) == (1, 1)
    # A book is forecast when it is its turn.
    assert second.forecast["flips"] == {"PA-CARE: eligible to decline": 3}
    assert not third.is_forecast
    assert not RollOutPart.objects.filter(of=first).exists()


def test_errors_in_opposite_directions_do_not_cancel_out(brokers: list[Broker]) -> None:
    alder = brokers[0]
    by_state = {alder.state(copy_id): copy_id for copy_id in alder.outcomes()}
    roll_out = go()
    run_to_forecast(roll_out, alder)
    set_state(alder, [by_state["OH"]], "TX")
    set_state(alder, [by_state["TX"]], "OH")

    run_actions()

    roll_out.refresh_from_db()
    assert roll_out.state == RollOut.State.STOPPED
    assert deviation_of(roll_out.tenants.get(position=0)).flips_percent == 100
    last = roll_out.orders.order_by("id").last()
    assert last is not None
    assert last.detail.startswith("alder: 2 copies have other outcomes than forecast, in equal numbers")


@pytest.mark.slow
def test_without_a_comparison_the_stop_is_missed(brokers: list[Broker], monkeypatch: pytest.MonkeyPatch) -> None:
    none = Deviation(flips_percent=Decimal(0), premium_percent=Decimal(0), text="")
    monkeypatch.setattr(roll_out_steps, "deviation", lambda actual: none)

    roll_out = stopped(brokers)

    assert (roll_out.state, states(roll_out)) == (RollOut.State.DONE, [State.DECIDED] * 3)


@pytest.mark.slow
def test_staff_let_it_go_on_although_outcomes_left_the_forecast(brokers: list[Broker]) -> None:
    roll_out = stopped(brokers)

    roll_outs.order_continue(roll_out, actor_id="kim")
    run_actions()

    roll_out.refresh_from_db()
    assert roll_out.state == RollOut.State.DONE
    assert states(roll_out) == [State.DECIDED] * 3
    assert orders(roll_out) == [("start", "robin"), ("stop", "system"), ("continue", "kim"), ("finish", "system")]
    assert sorted(brokers[1].outcomes().values()) == ["decline"] * 4 + ["eligible"]
    assert {broker.release() for broker in brokers} == {2}


@pytest.mark.slow
def test_a_wide_tolerance_lets_it_pass(brokers: list[Broker]) -> None:
    roll_out = stopped(brokers, tolerance=Tolerance(flips_percent=Decimal(60), premium_percent=Decimal(60)))

    assert roll_out.state == RollOut.State.DONE
    assert deviation_of(roll_out.tenants.get(position=1)).flips_percent == 60


def test_the_release_after_one_that_was_taken_back_is_a_new_one(idle_brokers: list[Broker]) -> None:
    roll_out = go()
    roll_outs.order_back(roll_out, actor_id="kim")
    catalogue = Catalogue.objects.get(code="kennels")

    publish_after = publish(catalogue, actor_id="kim")
    run = publish(catalogue, actor_id="kim")

    assert (publish_after.number, publish_after.pk) == (run.number, run.pk) == (3, releases.current_id("kennels"))
    assert publish(load(declining()), actor_id="kim").number == 3
    assert {broker.release() for broker in idle_brokers} == {3}


@pytest.mark.parametrize(
    ("definition", "code", "where"),
    [
        (renamed({"state": "us_state"}, base=KENNELS), "renames_in_roll_out", "state"),
        (with_sensitivity(state="pii"), "stricter_in_roll_out", "state"),
        (without_question("owner_phone"), "stricter_in_roll_out", "owner_phone"),
        (KENNELS, "nothing_new", ""),
    ],
)
def test_what_could_not_be_taken_back_is_refused(
    definition: CatalogueDefinition, code: str, where: str, db: None
) -> None:
    publish_release(KENNELS)
    Tenant.objects.create(code="alder", name="Alder", catalogue="kennels")
    before = Release.objects.count()

    with pytest.raises(CatalogueErrors) as refused:
        go(definition)

    assert (code, where) in {(fault.code, fault.where) for fault in refused.value.faults}
    assert Release.objects.count() == before
    assert not RollOut.objects.exists()


def test_questions_that_become_less_strict_are_refused(db: None) -> None:
    publish_release(with_sensitivity(state="pii"))
    Tenant.objects.create(code="alder", name="Alder", catalogue="kennels")

    with pytest.raises(CatalogueErrors) as refused:
        go(KENNELS)

    assert [(fault.code, fault.where) for fault in refused.value.faults] == [("looser_in_roll_out", "state")]


def test_a_first_release_and_a_catalogue_without_tenants_are_refused(db: None) -> None:
    for code in ("no_former_release", "no_tenants"):
        with pytest.raises(CatalogueErrors) as refused:
            go(declining())
        assert [fault.code for fault in refused.value.faults] == [code]
        publish_release(DATED)


def test_while_one_is_under_way_nothing_else_is_published(idle_brokers: list[Broker]) -> None:
    roll_out = go()
    catalogue = load(declining(when='state == "OH"'))
    for start in (
        lambda: publish(catalogue, actor_id="kim"),
        lambda: start_guarded(catalogue, actor_id="kim", tolerance=Tolerance()),
    ):
        with pytest.raises(CatalogueErrors) as refused:
            start()
        assert [fault.code for fault in refused.value.faults] == ["roll_out_under_way"]
    assert Release.objects.filter(catalogue=catalogue).count() == 2

    roll_outs.order_back(roll_out, actor_id="kim")
    assert publish(catalogue, actor_id="kim").number == 3


def test_an_unknown_tenant_is_refused(idle_brokers: list[Broker]) -> None:
    with pytest.raises(UnknownTenant, match="elm"):
        go(first=["elm"])
    assert not RollOut.objects.exists()


def test_orders_are_refused_where_they_make_no_sense(idle_brokers: list[Broker]) -> None:
    roll_out = go()
    with pytest.raises(OrderRefused, match="not stopped"):
        roll_outs.order_continue(roll_out, actor_id="kim")
    assert orders(roll_out) == [("start", "robin")]


@pytest.mark.parametrize(
    ("point", "nth"),
    [("roll_out_changed", 5)]
    + [pytest.param(point, nth, marks=pytest.mark.slow) for point in GUARDING for nth in (1, 3, 6)],
)
def test_a_step_that_breaks_off_is_completed(
    brokers: list[Broker], point: str, nth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roll_out_steps, "PART", 1)
    roll_out = go()
    with armed(point, nth=nth):
        run_actions()
    with across_tenants(using="default"):
        OutboxAction.objects.filter(kind="guard_release").update(next_attempt_at="2020-01-01T00:00:00Z")

    run_actions()

    roll_out.refresh_from_db()
    assert roll_out.state == RollOut.State.DONE
    assert roll_out.is_settled
    assert states(roll_out) == [State.DECIDED] * 3
    assert {broker.release() for broker in brokers} == {2}


def test_what_fails_at_one_roll_out_keeps_the_hourly_look_from_no_other(
    idle_brokers: list[Broker], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, tenant = go(), idle_brokers[0].tenant
    other = replace(DATED, code="catteries")
    publish_release(other)
    second = roll_outs.start(load(declining(other)), actor_id="robin", tenants=[tenant], tolerance=Tolerance())
    RollOut.objects.update(is_settled=False)
    refresh = roll_outs.refresh_pointer

    def fail_once(code: str) -> None:
        if code == "kennels":
            raise OperationalError
        refresh(code)

    monkeypatch.setattr(roll_outs, "refresh_pointer", fail_once)
    with use_tenant(tenant):
        do_step(tenant)
        with pytest.raises(OperationalError):
            do_step(tenant, first.pk)

    assert [RollOut.objects.get(pk=one.pk).is_settled for one in (first, second)] == [False, True]
    assert second.tenants.get().is_forecast


def test_a_step_settles_no_earlier_change_that_is_not_known_everywhere(
    idle_brokers: list[Broker], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(roll_outs, "_reach_databases", lambda roll_out, emit: False)
        roll_out = go()
        do_steps(roll_out, idle_brokers[0], count=1)
        roll_out.refresh_from_db()
        assert not roll_out.is_settled
        assert roll_out.tenants.get(position=0).is_forecast

    do_steps(roll_out, idle_brokers[0], count=1)
    roll_out.refresh_from_db()
    assert (roll_out.is_settled, roll_out.following) == (True, 1)


@pytest.mark.slow
def test_a_start_that_breaks_off_goes_on(brokers: list[Broker]) -> None:
    with armed("roll_out_changed"), pytest.raises(FailpointReached):
        go()

    run_actions()

    assert RollOut.objects.get().state == RollOut.State.DONE
    assert {broker.release() for broker in brokers} == {2}


def test_redis_never_returns_to_an_earlier_state_of_a_roll_out(idle_brokers: list[Broker]) -> None:
    roll_out = go()
    early = release_pointer.read_pointer("kennels")
    assert early is not None
    roll_outs.follow_next(roll_out)
    late = release_pointer.cached_pointer("kennels")
    assert late is not None
    assert late.following == 1

    release_pointer.set_pointer("kennels", early)
    release_pointer.set_pointer("kennels", release_pointer.Pointer(roll_out.former_id, roll_out.former_id))

    assert release_pointer.cached_pointer("kennels") == late == release_pointer.read_pointer("kennels")


def test_one_read_of_redis_finds_the_release(
    idle_brokers: list[Broker], django_assert_num_queries: Callable[[int], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    roll_out = go()
    roll_outs.follow_next(roll_out)
    tenant = idle_brokers[0].tenant
    releases.current_id("kennels", tenant_id=tenant.pk)

    with django_assert_num_queries(0):
        assert releases.current_id("kennels", tenant_id=tenant.pk) == roll_out.release_id
    get_redis_connection("default").delete(release_pointer._key("kennels"))
    with django_assert_num_queries(1):
        assert releases.current_id("kennels", tenant_id=tenant.pk) == roll_out.release_id


@pytest.mark.slow
def test_the_command_starts_shows_and_orders(brokers: list[Broker]) -> None:
    def call(*given: str) -> list[str]:
        shown = StringIO()
        call_command("roll_out", "kennels", *given, stdout=shown)
        return shown.getvalue().splitlines()

    with pytest.raises(CommandError, match="has had no guarded release"):
        call("status")
    load(declining())
    with pytest.raises(CommandError, match="No tenant 'elm'"):
        call("start", "--first", "elm")
    assert call("start", "--first", "birch", "--flips", "2.5", "--actor", "robin")[0] == "Release 2: Under way."
    assert [row.tenant.code for row in RollOut.objects.get().tenants.order_by("position")] == [
        "birch",
        "alder",
        "cedar",
    ]
    assert RollOut.objects.get().flips_percent == Decimal("2.5")
    with pytest.raises(CommandError, match="roll-out is not stopped"):
        call("continue")
    with pytest.raises(CommandError, match="roll-out of release 2 is under way"):
        call("start")
    run_actions()
    first, second, *_ = call("status")
    assert first == "Release 2: Done: current for all tenants."
    assert second == (
        "Birch: Decided as forecast; 2 copies, outcomes 1 PA-CARE: eligible to decline (forecast 1 PA-CARE: eligible "
        "to decline), premium -300 (forecast -300). 0% of the copies, 0% of the premium (as forecast)"
    )


@pytest.mark.slow
def test_answers_to_added_questions_survive_the_way_back(brokers: list[Broker]) -> None:
    added = Question(code="groomer", label="Groomer", type="text", indexed=True)
    roll_out = stopped(brokers, with_question(added, declining()))
    assert roll_out.state == RollOut.State.STOPPED
    alder = brokers[0]
    copy_id = alder.start(groomer="Gwendolyn")
    run_actions()

    roll_outs.order_back(RollOut.objects.get(), actor_id="kim")

    assert alder.api.get("/search?q=Gwendolyn").json()["results"] == []
    run_actions()
    shown = alder.api.get(f"/copies/{copy_id}")
    assert shown.status_code == 200
    assert "Gwendolyn" not in shown.content.decode()
    saved = alder.api.patch(
        f"/copies/{copy_id}/answers", {"answers": {"kennel_name": "Happier Tails"}}, if_match=shown["ETag"]
    )
    assert saved.status_code == 200, saved.content
    assert publish(Catalogue.objects.get(), actor_id="kim").number == 3
    assert alder.api.get(f"/copies/{copy_id}").json()["answers"]["groomer"]["value"] == "Gwendolyn"


def test_the_end_of_one_run_is_compared_by_each_roll_out_that_waits_for_it(idle_brokers: list[Broker]) -> None:
    tenant, ended = idle_brokers[0].tenant, uuid7()
    found = [go()]
    other = replace(KENNELS, code="catteries", products=KENNELS.products[:1])
    publish_release(other)
    draft = load(declining(other))
    found.append(roll_outs.start(draft, actor_id="robin", tenants=[tenant], tolerance=Tolerance()))
    RollOutTenant.objects.filter(tenant=tenant).update(state=State.FOLLOWING)

    with use_tenant(tenant):
        emit_after_run(tenant, ended_by=ended)
        emitted = list(OutboxAction.objects.filter(kind=GuardRelease.kind, target__contains=str(ended)))

    assert sorted(action.payload["roll_out_id"] for action in emitted) == [one.pk for one in found]


def test_copies_that_still_wait_after_a_run_get_another_one(brokers: list[Broker]) -> None:
    roll_out, alder = go(), brokers[0]
    do_steps(roll_out, alder, count=2)
    with use_tenant(alder.tenant):
        runs = OutboxAction.objects.filter(kind=DecideAnew.kind)
        runs.delete()
        do_step(alder.tenant, roll_out.pk)
        # Its action has run, and is not deleted yet.
        assert runs.update(lease_token=uuid7()) == 1
        run = open_run(alder.tenant, cause="release", release_id=roll_out.release_id)
        assert run is not None
        finish_run(run.pk)

        do_step(alder.tenant, roll_out.pk)

        assert runs.filter(lease_token=None).count() == 1


@pytest.mark.slow
@pytest.mark.django_db(databases=["default", SECOND_DATABASE])
def test_a_tenant_with_a_database_of_its_own_has_its_turn(summit_apart: Tenant) -> None:
    publish_release(DATED)
    alder = Broker("alder")
    alder.start()
    summit_apart.catalogue, summit_apart.time_zone = "kennels", EARLY_ZONE
    summit_apart.save()
    with batch.build_context(scope=summit_apart, actor=system_actor("test")) as context:
        context.changeset.apply_answers(dated_answers(), {"houses": HOUSES})
        context.save()
    roll_out = go(first=[summit_apart.code])

    for _ in range(4):
        run_actions()
        run_actions(SECOND_DATABASE)

    roll_out.refresh_from_db()
    assert (roll_out.state, states(roll_out)) == (RollOut.State.DONE, [State.DECIDED] * 2)
    read = batch.find(context.copy.id, scope=summit_apart, actor=system_actor("test"))
    assert (read.version, read.evaluation.eligibility["PA-CARE"].outcome) == (2, "decline")
