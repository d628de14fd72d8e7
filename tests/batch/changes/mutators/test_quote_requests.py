"""Quote requests: their states, and what a carrier's messages do to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch import errors
from batch import service as batch
from batch.changes.changeset import Changeset
from batch.changes.mutators import quote_requests
from batch.changes.mutators.carrier_messages import Received, judge, report_of
from batch.changes.mutators.quote_requests import QuoteRequestMutator, QuoteRequestRow
from carriers.links.wire import Change, Premium, Quote, QuoteStatus, Reason, SubjectivityKind, WireSubjectivity
from forms.models import QuoteRequest, Subjectivity
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.attached_records import Saved, only, other_events
from tests.harness.quotes import VALID_UNTIL, WHEN, quote_of
from tests.harness.tiers import amount

NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
TODAY: Final = date(2026, 3, 1)


@contextmanager
def opened(form_id: UUID, scope: Tenant, actor: Actor) -> Iterator[QuoteRequestMutator]:
    """Return a submitted request of a copy that is locked and never saved."""
    with batch.find_and_lock(form_id, scope=scope, actor=actor) as context:
        request = context.changeset.quote_requests.request("PA-CARE")
        request.queue()
        request.submit(payload_hash="1")
        yield request


def receive(request: QuoteRequestMutator) -> None:
    assert request.receive(quote_of(request))


def put_into(request: QuoteRequestMutator, state: str, **values: Any) -> None:
    row = msgspec.structs.replace(request.row, state=state, **values)
    request._tracker.put_record(quote_requests.QUOTE_REQUESTS, row)


@pytest.mark.django_db
def test_a_quote_request_passes_its_states(saved: Saved, kennels: Tenant) -> None:
    saved(lambda changeset: changeset.quote_requests.request("PA-CARE"))
    saved(lambda changeset: only(changeset, "quote_requests").queue())
    saved(lambda changeset: only(changeset, "quote_requests").submit(payload_hash="1", indication=600))
    quoted = saved(
        lambda changeset: only(changeset, "quote_requests").receive(quote_of(only(changeset, "quote_requests")))
    )
    selected = saved(lambda changeset: only(changeset, "quote_requests").select())
    bound = saved(lambda changeset: only(changeset, "quote_requests").bind(policy_number="P-1"))

    assert other_events(quoted) == ["quote_request.quoted"]
    assert other_events(selected) == ["quote_request.selected"]
    assert other_events(bound) == ["quote_request.bound"]
    with use_tenant(kennels):
        request = QuoteRequest.objects.get()
    assert (request.carrier, request.state, request.premium, request.is_bindable) == ("PA", "bound", 640, True)
    # Sent with version 3, which was loaded when it was submitted.
    assert (request.asked_version, request.indication, request.policy_number) == (3, 600, "P-1")
    assert request.submitted_at <= request.answered_at == request.firm_at


STEPS: Final[dict[str, Callable[[Any], object]]] = {
    "queued": lambda request: request.queue(),
    "submitted": lambda request: request.submit(payload_hash="1"),
    "quoted": lambda request: request.deselect(),
    "failed": lambda request: request.fail("No reply"),
    "stale": lambda request: request.mark_stale("Changed"),
    "expired": lambda request: request.expire(),
    "selected": lambda request: request.select(),
    "bound": lambda request: request.bind(policy_number="P-1"),
    "withdrawn": lambda request: request.withdraw(),
}


@pytest.mark.django_db
def test_a_state_refuses_those_that_may_not_follow(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    with opened(form_id, kennels, agent) as request:
        for state, following in quote_requests.FOLLOWING.items():
            for wanted, step in STEPS.items():
                put_into(request, state, is_bindable=True)
                if wanted in following:
                    step(request)
                    assert request.row.state == wanted
                else:
                    with pytest.raises(errors.WrongState, match=f"is {state} and cannot become {wanted}"):
                        step(request)
                    assert request.row.state == state


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "code"), [({"is_bindable": False}, "not_bindable"), ({"valid_until": date(2020, 1, 1)}, "not_bindable")]
)
def test_an_indication_and_an_expired_quote_cannot_be_selected(
    form_id: UUID, kennels: Tenant, agent: Actor, values: dict[str, Any], code: str
) -> None:
    with opened(form_id, kennels, agent) as request:
        put_into(request, "quoted", **({"is_bindable": True} | values))

        with pytest.raises(errors.NotBindable) as refused:
            request.select()

        assert request.row.state == "quoted"
    assert refused.value.code == code


QUOTE_STATES: Final = ("submitted", "estimated", "quoted", "referred", "declined", "blocked", "expired")
#: The state after a message with this status, from every state in which the carrier has the request.
REPORTED: Final = {
    QuoteStatus.RECEIVED: "submitted",
    QuoteStatus.ESTIMATED: "estimated",
    QuoteStatus.QUOTED: "quoted",
    QuoteStatus.REFERRED: "referred",
    QuoteStatus.DECLINED: "declined",
    QuoteStatus.BLOCKED: "blocked",
    QuoteStatus.EXPIRED: "expired",
    QuoteStatus.WITHDRAWN: "withdrawn",
}
AT_CARRIER: Final = (
    "submitted",
    "estimated",
    "quoted",
    "referred",
    "declined",
    "blocked",
    "expired",
    "failed",
    "selected",
)


@pytest.mark.django_db
def test_a_message_leads_to_the_state_that_it_reports(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    with opened(form_id, kennels, agent) as request:
        for before in AT_CARRIER:
            for status, after in REPORTED.items():
                put_into(request, before, sequence=1, carrier_state="submitted", premium=None, changes=[])
                assert request.receive(quote_of(request, status=status))
                assert request.row.state == after


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["draft", "queued", "bound", "withdrawn"])
def test_a_request_that_is_not_at_the_carrier_keeps_its_state(
    form_id: UUID, kennels: Tenant, agent: Actor, state: str
) -> None:
    with opened(form_id, kennels, agent) as request:
        put_into(request, state)

        assert request.receive(quote_of(request)) is (state == "bound")
        assert (request.row.state, request.row.premium) == (state, None)


@pytest.mark.django_db
def test_an_estimate_is_kept_beside_the_firm_quote(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    with opened(form_id, kennels, agent) as request:
        request.receive(quote_of(request, status=QuoteStatus.ESTIMATED, premium=700, reference="E-1"))
        estimated = request.row
        request.receive(quote_of(request, premium=640, reference="Q-2"))
        firm = request.row

    assert (estimated.state, estimated.estimate, estimated.premium, estimated.firm_at) == ("estimated", 700, None, None)
    assert (firm.state, firm.estimate, firm.premium, firm.carrier_reference) == ("quoted", 700, 640, "Q-2")
    assert firm.previous_references == ["E-1"]
    assert firm.firm_at is not None


@pytest.mark.django_db
def test_a_declined_request_is_revived(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    with opened(form_id, kennels, agent) as request:
        reasons = (Reason(code="R1", text="Too many dogs"),)
        request.receive(quote_of(request, status=QuoteStatus.DECLINED, premium=None, reasons=reasons))
        declined = request.row
        request.receive(quote_of(request, status=QuoteStatus.REFERRED, premium=None))
        referred = request.row
        request.receive(quote_of(request, premium=900))

        assert (declined.state, declined.reason) == ("declined", "Too many dogs")
        assert (referred.state, referred.reason, referred.reasons) == ("referred", "", [])
        assert (request.row.state, request.row.premium) == ("quoted", 900)


@pytest.mark.django_db
def test_a_stale_quote_is_stale_until_the_payload_is_the_same_again(
    form_id: UUID, kennels: Tenant, agent: Actor
) -> None:
    with opened(form_id, kennels, agent) as request:
        request.mark_stale("State changed")
        request.receive(quote_of(request, premium=900))
        stale = request.row
        request.mark_current()

        assert (stale.state, stale.premium) == ("stale", 900)
        assert (request.row.state, request.row.reason, request.row.stale_by) == ("quoted", "", "")
        request.mark_stale("Another copy", by=quote_requests.BY_OTHER_COPY)
        request.mark_current()
        assert request.row.state == "stale"


@pytest.mark.django_db
def test_a_selection_ends_where_the_carrier_changes_its_offer(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    with opened(form_id, kennels, agent) as request:
        request.receive(quote_of(request))
        request.select()
        request.receive(quote_of(request))
        same = request.row.state
        request.receive(quote_of(request, premium=641))

        assert (same, request.row.state) == ("selected", "quoted")


@pytest.mark.django_db
def test_asking_again_keeps_nothing_but_the_references(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    with opened(form_id, kennels, agent) as request:
        subjectivity = WireSubjectivity(code="S1", kind=SubjectivityKind.SIGN, text="Sign")
        message = quote_of(request, subjectivities=(subjectivity,))
        request.receive(message)
        first = request.row
        request.queue()
        again = request.row
        (closed,) = [row for row in request._tracker.attached["subjectivities"].rows.values()]

        assert again.request_token != first.request_token
        assert (again.premium, again.valid_until, again.payload_hash, again.sequence) == (None, None, "", 0)
        assert (again.carrier_reference, again.previous_references) == ("", ["Q-1"])
        assert closed.state == "closed"
        request.submit(payload_hash="2")
        # A late message about the first request is of no interest.
        assert not request.receive(msgspec.structs.replace(message, sequence=9))
        assert request.row.state == "submitted"


@pytest.mark.django_db
def test_nothing_of_a_carrier_is_trusted(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    long = "x" * 400
    with opened(form_id, kennels, agent) as request:
        request.receive(
            quote_of(
                request,
                reasons=tuple(Reason(code=f"R{n}", text=f"\u202eNo\n{n}\0") for n in range(9)),
                changes=tuple(
                    Change(field="limit", asked=5, offered=long, reason="SSN 123-45-6789") for _ in range(99)
                ),
                subjectivities=tuple(
                    WireSubjectivity(code=f"S{n}", kind=SubjectivityKind.PAY, text=long) for n in range(99)
                ),
            )
        )
        row = request.row

        assert row.reasons == [{"code": f"R{n}", "text": f"No {n}"} for n in range(4)]
        assert len(row.changes) == 20
        assert len(row.changes[0]["offered"]) == 300
        assert row.changes[0]["reason"] == "(Withheld: it contains a personal number.)"
        assert len(request._tracker.attached["subjectivities"].rows) == 30


@pytest.mark.django_db
@pytest.mark.parametrize("premium", [None, Premium(amount=0), Premium(amount=9, currency="EUR")])
def test_a_quote_without_a_price_is_no_quote(
    form_id: UUID, kennels: Tenant, agent: Actor, premium: Premium | None
) -> None:
    with opened(form_id, kennels, agent) as request:
        request.receive(msgspec.structs.replace(quote_of(request), premium=premium))

        assert (request.row.state, request.row.premium, request.row.is_bindable) == ("referred", None, False)
        assert request.row.reason == "The carrier sent no premium."


@pytest.mark.django_db
def test_subjectivities_follow_the_carriers_list(saved: Saved, kennels: Tenant) -> None:
    def report(*codes: str) -> Callable[[Changeset], object]:
        listed = tuple(WireSubjectivity(code=code, kind=SubjectivityKind.SIGN, text=code) for code in codes)
        return lambda changeset: only(changeset, "quote_requests").receive(
            quote_of(only(changeset, "quote_requests"), subjectivities=listed)
        )

    def ask(changeset: Changeset) -> None:
        request = changeset.quote_requests.request("PA-CARE")
        request.queue()
        request.submit(payload_hash="1")

    saved(ask)
    saved(report("S1", "S2"))
    done = saved(lambda changeset: next(iter(changeset.subjectivities)).mark_done())
    closed = saved(report("S1", "S3"))

    assert other_events(done) == ["subjectivity.done"]
    assert other_events(closed) == ["subjectivity.open", "subjectivity.closed"]
    with use_tenant(kennels):
        rows = {row.code: (row.done_at is not None, row.closed_at is not None) for row in Subjectivity.objects.all()}
    assert rows == {"S1": (True, False), "S2": (False, True), "S3": (False, False)}


# Whatever comes in whatever order

MESSAGES: Final = st.lists(
    st.builds(
        Quote,
        reference=st.sampled_from(["Q-1", "Q-2"]),
        request_token=st.just("token"),
        product=st.just("PA-CARE"),
        status=st.sampled_from(QuoteStatus),
        updated_at=st.just(WHEN),
        sequence=st.integers(0, 30),
        premium=st.one_of(st.none(), st.builds(Premium, amount=st.integers(0, 3))),
        is_bindable=st.booleans(),
        valid_until=st.sampled_from([None, VALID_UNTIL, date(2020, 1, 1)]),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda quote: quote.sequence,
)


def applied(messages: list[Quote]) -> QuoteRequestRow:
    row = QuoteRequestRow(
        id=UUID(int=1),
        created_at=NOW,
        updated_at=NOW,
        carrier="PA",
        product="PA-CARE",
        state="submitted",
        request_token="token",
        submitted_at=NOW,
    )
    for message in messages:
        if judge(row, message) is Received.APPLIED:
            values = report_of(row, message, find_source=lambda field: None, now=NOW, today=TODAY)
            row = msgspec.structs.replace(row, state=values["carrier_state"], **values)
    return row


@given(messages=MESSAGES, data=st.data())
@settings(max_examples=amount(80, full=300), deadline=None)
def test_the_last_message_counts_in_whatever_order_and_however_often_they_come(
    messages: list[Quote], data: st.DataObject
) -> None:
    arriving = data.draw(st.permutations(messages + data.draw(st.lists(st.sampled_from(messages), max_size=6))))

    row, in_order = applied(arriving), applied(sorted(messages, key=lambda quote: quote.sequence))

    shown = ("state", "sequence", "premium", "is_bindable", "valid_until", "carrier_reference", "reason")
    assert [getattr(row, name) for name in shown] == [getattr(in_order, name) for name in shown]
    last = max(messages, key=lambda quote: quote.sequence)
    assert row.sequence == last.sequence
