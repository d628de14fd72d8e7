"""Quote requests: their states, and when they become stale."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
import pytest

from batch import errors
from batch import service as batch
from batch.changes.changeset import Changeset
from batch.changes.mutators import quote_requests
from forms.models import QuoteRequest
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.attached_records import Saved, only, other_events

pytestmark = pytest.mark.django_db

MakeForm = Callable[..., UUID]


def test_a_quote_request_passes_its_states(saved: Saved, kennels: Tenant) -> None:
    saved(lambda changeset: changeset.quote_requests.request("PA-CARE"))
    saved(lambda changeset: only(changeset, "quote_requests").queue())
    saved(lambda changeset: only(changeset, "quote_requests").submit(read_set=["state", "has_cats"]))
    quoted = saved(lambda changeset: only(changeset, "quote_requests").quote(premium=640, is_bindable=True))
    selected = saved(lambda changeset: only(changeset, "quote_requests").select())

    assert other_events(quoted) == ["quote_request.quoted"]
    assert other_events(selected) == ["quote_request.selected"]
    with use_tenant(kennels):
        request = QuoteRequest.objects.get()
    assert (request.carrier, request.state, request.premium, request.is_bindable) == ("PA", "selected", 640, True)
    # Sent with version 3, which was loaded when it was submitted.
    assert (request.asked_version, request.read_set) == (3, ["has_cats", "state"])


def test_a_quote_becomes_stale_when_an_answer_of_its_read_set_changes(saved: Saved, kennels: Tenant) -> None:
    def ask(changeset: Changeset) -> None:
        request = changeset.quote_requests.request("PA-CARE")
        request.queue()
        request.submit(read_set=["state"])
        request.quote(premium=500, is_bindable=False)

    saved(ask)

    other = saved(lambda changeset: changeset.find_answer("kennel_name").apply("Happier Tails"))
    assert "quote_request.stale" not in other_events(other)

    result = saved(lambda changeset: changeset.find_answer("state").apply("OH"))

    assert "quote_request.stale" in other_events(result)
    with use_tenant(kennels):
        request = QuoteRequest.objects.get()
    assert (request.state, request.reason) == ("stale", "Changed since it was sent: state")
    assert [change.after for change in result.changes if change.path.startswith("copy.quote_requests/")] == ["stale"]


def test_a_state_refuses_those_that_may_not_follow(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    steps: dict[str, Callable[[Any], None]] = {
        "queued": lambda request: request.queue(),
        "submitted": lambda request: request.submit(read_set=[]),
        "quoted": lambda request: request.deselect(),
        "referred": lambda request: request.refer("An underwriter looks"),
        "declined": lambda request: request.decline("Too many dogs"),
        "failed": lambda request: request.fail("No answer"),
        "stale": lambda request: request.mark_stale("Changed"),
        "selected": lambda request: request.select(),
        "withdrawn": lambda request: request.withdraw(),
    }
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        request = context.changeset.quote_requests.request("PA-CARE")
        for state, following in quote_requests.FOLLOWING.items():
            for wanted, step in steps.items():
                context.changeset.tracker.put_record(
                    quote_requests.QUOTE_REQUESTS, msgspec.structs.replace(request.row, state=state)
                )
                if wanted in following:
                    step(request)
                    assert request.row.state == wanted
                else:
                    with pytest.raises(errors.WrongState, match=f"is {state} and cannot become {wanted}"):
                        step(request)
                    assert request.row.state == state


@pytest.mark.parametrize("change", ["the row goes", "a row comes", "an answer in it changes"])
def test_a_quote_becomes_stale_with_the_rows_of_its_read_set(
    saved: Saved, form_id: UUID, kennels: Tenant, agent: Actor, change: str
) -> None:
    (row,) = batch.find_changeset(form_id, scope=kennels, actor=agent).find_pool("houses").rows

    def ask(changeset: Changeset) -> None:
        request = changeset.quote_requests.request("PA-CARE")
        request.queue()
        request.submit(read_set=["houses", f"{row.path}/runs"])

    saved(ask)
    changes: dict[str, Callable[[Changeset], object]] = {
        "the row goes": lambda changeset: changeset.find_pool("houses").rows[0].remove(),
        "a row comes": lambda changeset: changeset.find_pool("houses").add(),
        "an answer in it changes": lambda changeset: changeset.find_answer(f"{row.path}/runs").apply(21),
    }
    saved(changes[change])

    with use_tenant(kennels):
        assert QuoteRequest.objects.get().state == "stale"
