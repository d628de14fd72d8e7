"""The lane of carriers: prepared and concluded under the lock, called without it, bounded per carrier."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from uuid import UUID

import pytest

from actions import relay
from actions.claims import LeasedAction, LeftSearch
from actions.lane_claims import LaneClaims, Room
from actions.models import OutboxAction
from actions.registry import Delivered, PermanentFailure, RetryAfter
from actions.relay import MOST_CRASHES
from batch import service as batch
from carriers.links.errors import CarrierBusy, CarrierRefused, CarrierUnreachable, CircuitOpen
from carriers.links.loop import background_loop
from copies.models import Copy
from forms.models import Event
from quoting import dispatcher as dispatching
from quoting.carrier_actions import LANE
from tenants.access import Actor
from tenants.current_tenant import across_tenants, use_tenant
from tenants.models import Tenant
from tests.harness.carrier_lane import Doors, HeldPool, hang, knock
from tests.harness.outboxes import pass_time, rows

pytestmark = pytest.mark.django_db
PATIENCE = 10.0


@pytest.fixture
def doors() -> Doors:
    doors = Doors()
    doors.register()
    return doors


def version_of(copy_id: UUID, tenant: Tenant) -> int:
    with use_tenant(tenant):
        return Copy.objects.get(id=copy_id).version


def raising(error: Exception) -> Callable[[str], object]:
    async def call(_: str) -> str:
        raise error

    return call


def test_an_action_is_prepared_called_concluded_and_deleted(doors: Doors, kennels: Tenant, form_id: UUID) -> None:
    knock(kennels, form_id, "PA")

    assert doors.dispatcher().finish(seconds=PATIENCE) == 0

    assert doors.steps == [("PA", "prepared"), ("PA", "opened")]
    with use_tenant(kennels):
        assert [event.details["step"] for event in Event.objects.order_by("created_at")] == ["prepared", "opened"]
    assert [row.kind for row in rows() if row.kind == "knock"] == []


def test_the_relay_leaves_the_lane_alone(doors: Doors, kennels: Tenant, form_id: UUID) -> None:
    knock(kennels, form_id, "PA")

    assert relay.drain("default", registry=doors.registry).attempts == 0

    assert doors.steps == []


def test_the_copy_is_free_during_the_call(doors: Doors, kennels: Tenant, agent: Actor, form_id: UUID) -> None:
    dispatcher = doors.dispatcher()
    doors.calls["PA"] = hang
    knock(kennels, form_id, "PA")
    dispatcher.turn()

    with batch.find_and_lock(form_id, scope=kennels, actor=agent, wait=0) as context:
        context.changeset.copy.rename("Meanwhile")
        context.save()

    assert doors.steps == [("PA", "prepared")]


def test_the_actions_of_one_copy_share_a_save(doors: Doors, kennels: Tenant, form_id: UUID) -> None:
    before = version_of(form_id, kennels)
    for number in range(5):
        doors.calls[f"C{number}"] = hang
        knock(kennels, form_id, f"C{number}")

    doors.dispatcher().turn()

    assert version_of(form_id, kennels) == before + 1
    assert [step for _, step in doors.steps] == ["prepared"] * 5


def test_a_step_that_fails_spoils_no_other(kennels: Tenant, form_id: UUID) -> None:
    doors = Doors()

    def stumble(context: object, action: object) -> None:
        if action.payload["name"] == "bad":  # type: ignore[attr-defined]
            raise ZeroDivisionError

    doors.register(prepare=stumble)
    knock(kennels, form_id, "PA", "good")
    knock(kennels, form_id, "PA", "bad")
    knock(kennels, form_id, "PA", "fine")

    doors.dispatcher().finish(seconds=PATIENCE)

    assert {name for name, step in doors.steps if step == "opened"} == {"good", "fine"}
    (left,) = [row for row in rows() if row.kind == "knock"]
    assert (left.target.endswith("bad"), left.attempts, "ZeroDivisionError" in left.last_error) == (True, 1, True)


def test_what_a_slow_call_leads_to_is_done_too(
    doors: Doors, kennels: Tenant, form_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is claimed in the turn in which a slow call ends, and there is more to do after it."""

    async def take_long(_: str) -> str:
        await asyncio.sleep(3 * dispatching._TURN_SECONDS)
        return "opened"

    note = doors.note

    def note_and_knock(step: str, action: Delivered) -> None:
        note(step, action)
        if (step, action.payload["name"]) == ("opened", "first"):
            knock(kennels, form_id, "PA", "second")

    doors.calls["PA"] = take_long
    monkeypatch.setattr(doors, "note", note_and_knock)
    knock(kennels, form_id, "PA", "first")

    doors.dispatcher().finish(seconds=PATIENCE)

    assert [name for name, step in doors.steps if step == "opened"] == ["first", "second"]


@pytest.mark.parametrize("error", [CarrierBusy(40.0), CircuitOpen(40.0)])
def test_a_busy_carrier_costs_no_attempt(doors: Doors, kennels: Tenant, form_id: UUID, error: Exception) -> None:
    doors.calls["PA"] = raising(error)  # type: ignore[assignment]
    knock(kennels, form_id, "PA")

    doors.dispatcher().finish(seconds=PATIENCE)

    (row,) = [row for row in rows() if row.kind == "knock"]
    assert (row.attempts, row.crashes, row.state) == (0, 0, "waiting")
    assert 35 < (row.next_attempt_at - row.created_at).total_seconds() < 50
    assert doors.steps == [("PA", "prepared"), ("PA", "delayed 1")]


def test_a_carrier_out_of_reach_is_tried_until_the_budget_is_spent(kennels: Tenant, form_id: UUID) -> None:
    doors = Doors()
    doors.register(tries=2)
    doors.calls["PA"] = raising(CarrierUnreachable("no connection"))  # type: ignore[assignment]
    knock(kennels, form_id, "PA")

    doors.dispatcher().finish(seconds=PATIENCE)
    pass_time(3_600)
    doors.dispatcher().finish(seconds=PATIENCE)

    (row,) = [row for row in rows() if row.kind == "knock"]
    assert (row.attempts, row.state, row.last_error) == (2, "dead", "The carrier cannot be reached (no connection).")
    assert [step for _, step in doors.steps] == ["prepared", "delayed 1", "prepared", "given up"]


def test_a_refusal_ends_the_action_with_the_carriers_words(doors: Doors, kennels: Tenant, form_id: UUID) -> None:
    doors.calls["PA"] = raising(CarrierRefused(422, "bad_class", "We need a class."))  # type: ignore[assignment]
    knock(kennels, form_id, "PA")

    doors.dispatcher().finish(seconds=PATIENCE)

    assert doors.steps == [("PA", "prepared"), ("PA", "refused: We need a class.")]
    assert [row for row in rows() if row.kind == "knock"] == []


def test_a_step_may_come_again_later_or_never(kennels: Tenant, form_id: UUID) -> None:
    doors = Doors()
    errors = {"early": RetryAfter(20.0, "It is too early.", counts=False), "wrong": PermanentFailure("It is wrong.")}

    def object_to(context: object, action: object) -> None:
        raise errors[action.payload["name"]]  # type: ignore[attr-defined]

    doors.register(prepare=object_to)
    for name in errors:
        knock(kennels, form_id, "PA", name)

    doors.dispatcher().finish(seconds=PATIENCE)

    found = {row.target.rpartition("/")[2]: row for row in rows() if row.kind == "knock"}
    assert (found["early"].state, found["early"].attempts, found["early"].last_error) == (
        "waiting",
        0,
        "It is too early.",
    )
    assert (found["wrong"].state, found["wrong"].last_error) == ("dead", "It is wrong.")


def test_an_action_that_kills_its_workers_becomes_a_dead_letter(doors: Doors, kennels: Tenant, form_id: UUID) -> None:
    knock(kennels, form_id, "PA", crashes=MOST_CRASHES)

    doors.dispatcher().finish(seconds=PATIENCE)

    assert doors.steps == [("PA", "given up")]
    assert [row.state for row in rows() if row.kind == "knock"] == ["dead"]


def test_a_hanging_carrier_occupies_its_own_places_alone(
    kennels: Tenant, make_form: Callable[..., UUID]
) -> None:  # fmt: skip
    doors = Doors(most_in_flight=3)
    doors.register()
    doors.calls["DEAD"] = hang
    form_id = make_form()
    dispatcher = doors.dispatcher()
    knock(kennels, form_id, "DEAD", "first")
    dispatcher.turn()
    for number in range(20):
        knock(kennels, form_id, "DEAD", f"d{number}")
    for number in range(8):
        knock(kennels, form_id, "PA", f"p{number}")

    def opened() -> int:
        return sum(step == "opened" for name, step in doors.steps if name.startswith("p"))

    for _ in range(5):
        dispatcher.turn()
    # A busy machine takes more turns.
    until = time.monotonic() + PATIENCE
    while opened() < 8 and time.monotonic() < until:
        dispatcher.turn()

    assert opened() == 8
    assert sum(name.startswith(("d", "first")) for name, step in doors.steps if step == "prepared") == 3
    leased = [row for row in rows() if row.kind == "knock" and row.lease_token]
    assert len(leased) == 3


def test_actions_in_progress_do_not_search_for_those_of_dead_workers_each_time(
    doors: Doors, kennels: Tenant, form_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    searches: list[int] = []
    search = LaneClaims.claim_left_with_room
    monkeypatch.setattr(
        LaneClaims, "claim_left_with_room",
        lambda *of, **how: searches.append(1) or search(*of, **how),
    )  # fmt: skip
    monkeypatch.setattr("actions.claims.LEFT_SECONDS", 10 * PATIENCE)
    doors.calls["DEAD"] = hang
    dispatcher = doors.dispatcher()
    knock(kennels, form_id, "DEAD")

    for _ in range(5):
        dispatcher.turn()

    assert len(searches) == 1


def gate_for(doors: Doors, carrier: str) -> Callable[[], None]:
    """Have calls of ``carrier`` wait; return what lets them go on."""
    gate = asyncio.Event()

    async def wait(_: str) -> str:
        await gate.wait()
        return "opened"

    doors.calls[carrier] = wait
    return lambda: background_loop().call_soon_threadsafe(gate.set)  # type: ignore[return-value]


def begin_call(doors: Doors, tenant: Tenant, form_id: UUID) -> tuple[dispatching.Dispatcher, Callable[[], None]]:
    """Return a dispatcher with a call in progress, and what lets the call come back."""
    open_gate = gate_for(doors, "PA")
    knock(tenant, form_id, "PA")
    dispatcher = doors.dispatcher()
    dispatcher.turn()
    return dispatcher, open_gate


def claim_left(doors: Doors, *, lease: float) -> list[LeasedAction]:
    """Claim what is left by dead workers, as another process does."""
    other = LaneClaims("default", registry=doors.registry, lease=lease, lane=LANE)
    with across_tenants(using="default"):
        return other.claim_left_with_room(Room(places={}, usual=10), limit=10)


def knocks() -> list[OutboxAction]:
    return [row for row in rows() if row.kind == "knock"]


@pytest.mark.parametrize("is_renewed", [False, True])
def test_a_process_that_stood_still_goes_on_with_its_own_calls(
    doors: Doors, kennels: Tenant, form_id: UUID, is_renewed: bool
) -> None:
    """Its leases are over when it goes on, and nobody else has taken its actions."""
    dispatcher, open_gate = begin_call(doors, kennels, form_id)
    pass_time(60)
    dispatcher._renewed_at -= 60 * is_renewed
    dispatcher._search = LeftSearch()
    dispatcher.turn()
    assert [(row.attempts, row.crashes) for row in knocks()] == [(1, 0)]
    assert len(claim_left(doors, lease=30.0)) == (not is_renewed)
    open_gate()

    dispatcher.finish(seconds=PATIENCE)

    assert doors.steps == [("PA", "prepared"), ("PA", "opened")]
    assert len(knocks()) == (not is_renewed)


def test_an_action_that_another_process_took_over_and_left_runs_again_after_its_call(
    doors: Doors, kennels: Tenant, form_id: UUID
) -> None:
    dispatcher, open_gate = begin_call(doors, kennels, form_id)
    pass_time(60)
    assert len(claim_left(doors, lease=0.0)) == 1
    dispatcher._search = LeftSearch()
    dispatcher.turn()
    assert doors.steps == [("PA", "prepared")]
    open_gate()

    dispatcher.finish(seconds=PATIENCE)
    dispatcher._search = LeftSearch()
    dispatcher.finish(seconds=PATIENCE)

    assert doors.steps == [("PA", "prepared"), ("PA", "opened")] * 2
    assert knocks() == []


def test_an_action_that_is_due_again_before_its_attempt_is_over_waits_for_it(
    doors: Doors, kennels: Tenant, form_id: UUID
) -> None:
    """As with actions of one copy of which one is delayed for a moment while the others are recorded."""
    dispatcher, open_gate = begin_call(doors, kennels, form_id)
    (row,) = knocks()
    with across_tenants(using="default"):
        assert dispatcher._claims.later(row.id, seconds=0.0, error="It is busy.") == 1
    dispatcher.turn()
    assert doors.steps == [("PA", "prepared")]
    open_gate()

    dispatcher.finish(seconds=PATIENCE)

    assert doors.steps == [("PA", "prepared"), ("PA", "opened")] * 2
    assert knocks() == []


def test_replies_of_one_copy_that_arrive_together_share_a_save(doors: Doors, kennels: Tenant, form_id: UUID) -> None:
    open_gate = gate_for(doors, "C0")
    for number in range(6):
        doors.calls[f"C{number}"] = doors.calls["C0"]
        knock(kennels, form_id, f"C{number}")
    held = HeldPool()
    dispatcher = doors.dispatcher(pool=held)
    dispatcher.turn()
    held.release()
    dispatcher.wait_for_calls(seconds=0.2)
    before = version_of(form_id, kennels)

    open_gate()
    dispatcher.wait_for_calls(seconds=0.5)
    held.release()
    dispatcher.wait_for_calls(seconds=PATIENCE)

    assert version_of(form_id, kennels) == before + 1
    assert sum(step == "opened" for _, step in doors.steps) == 6
