"""Quote requests as people and programs make them: what is queued, refused, selected, withdrawn and entered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest

from batch import service as batch
from batch.changes.records import SaveResult
from batch.context import BatchContext
from batch.errors import CopyIsLocked, NotBindable, WrongState
from carriers.link_models import CarrierLink
from carriers.links.wire import QuoteStatus
from forms.models import QuoteRequest
from quoting import service
from quoting.refusals import CannotBeQuoted, NoManualEntry, NoPortal, UnknownQuoteRequest
from quoting.sending import NotSendable, check_sendable
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.quotes import quote_of

pytestmark = pytest.mark.django_db

Work = Callable[[Callable[[BatchContext], Any]], tuple[Any, SaveResult]]


@pytest.fixture
def form_id(make_form: Callable[..., UUID]) -> UUID:
    return make_form()


@pytest.fixture
def work(form_id: UUID, kennels: Tenant, agent: Actor) -> Work:
    """Return a function that works on the form under its lock and saves."""

    def run(act: Callable[[BatchContext], Any]) -> tuple[Any, SaveResult]:
        with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
            done = act(context)
            return done, context.save()

    return run


def deferred(result: SaveResult) -> list[str]:
    return [action.kind for action in result.actions if action.kind not in ("publish_webhook", "index_form")]


def request_of(context: BatchContext) -> Any:
    (request,) = context.changeset.quote_requests
    return request


def quoted(context: BatchContext, **values: Any) -> None:
    request = request_of(context)
    request.submit(payload_hash="")
    assert request.receive(quote_of(request, **values))


def states(tenant: Tenant) -> dict[str, str]:
    with use_tenant(tenant):
        return dict(QuoteRequest.objects.values_list("product", "state"))


def test_all_open_products_are_queued_and_the_others_refused(work: Work, kennels: Tenant) -> None:
    everything, result = work(service.request_quotes)
    chosen, _ = work(lambda context: service.request_quotes(context, products=["WO-CARE", "PA-CARE", "NOBODY"]))

    assert [one.id for one in everything.requested] != []
    assert everything.refused == {}
    assert deferred(result) == ["submit_quote_request"]
    assert states(kennels) == {"PA-CARE": "queued"}
    assert {product: refusal.code for product, refusal in chosen.refused.items()} == {
        "WO-CARE": "locked",
        "PA-CARE": "running",
        "NOBODY": "unknown_product",
    }


def test_a_current_quote_is_not_requested_again_and_one_that_has_ended_is(work: Work, kennels: Tenant) -> None:
    work(service.request_quotes)
    work(quoted)
    current, _ = work(service.request_quotes)
    assert current.refused["PA-CARE"].code == "already_quoted"

    work(lambda context: request_of(context).mark_stale("Changed"))
    _, result = work(service.request_quotes)

    assert deferred(result) == ["submit_quote_request"]
    assert states(kennels) == {"PA-CARE": "queued"}


def test_a_quote_whose_last_day_is_over_is_requested_again(work: Work, kennels: Tenant) -> None:
    work(service.request_quotes)
    work(quoted)

    def age(context: BatchContext) -> None:
        request_of(context)._change(valid_until=date(2020, 1, 1))

    work(age)
    work(service.request_quotes)

    assert states(kennels) == {"PA-CARE": "queued"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda changeset: changeset.copy.lock(), "copy_locked"),
        (lambda changeset: changeset.dispositions.give("bound"), "form_bound"),
    ],
)
def test_a_closed_copy_is_refused(
    work: Work, form_id: UUID, kennels: Tenant, agent: Actor, change: Callable[..., object], code: str
) -> None:
    work(lambda context: change(context.changeset))

    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        with pytest.raises((CannotBeQuoted, CopyIsLocked)) as refused:
            service.request_quotes(context)
        with pytest.raises(NotSendable):
            check_sendable(context, "PA-CARE")
        assert not context.changeset.quote_requests
    assert refused.value.code == code


def test_a_product_that_closed_meanwhile_is_not_sent(work: Work, form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    work(service.request_quotes)
    work(lambda context: context.changeset.apply_answers({"has_cats": True, "cat_count": 120, "state": "OH"}))

    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        with pytest.raises(NotSendable, match="More than 100 cats") as refused:
            check_sendable(context, "PA-CARE")
    assert refused.value.code == "decline"


def test_asking_again_replaces_the_carriers_reference(work: Work, kennels: Tenant) -> None:
    work(service.request_quotes)
    work(quoted)
    first, _ = work(request_token)
    _, result = work(lambda context: service.ask_again(context, request_of(context).id))
    second, _ = work(request_token)

    assert deferred(result) == ["submit_quote_request"]
    assert first != second
    with use_tenant(kennels):
        assert QuoteRequest.objects.get().previous_references == ["Q-1"]


def request_token(context: BatchContext) -> str:
    return str(request_of(context).row.request_token)


def test_a_withdrawal_reaches_the_carrier_only_if_it_may_know_the_request(work: Work, kennels: Tenant) -> None:
    work(service.request_quotes)
    _, unsent = work(lambda context: service.withdraw(context, request_of(context).id))
    work(service.request_quotes)

    def withdraw_sent(context: BatchContext) -> None:
        request = list(context.changeset.quote_requests)[-1]
        request.submit(payload_hash="")
        service.withdraw(context, request.id)

    _, sent = work(withdraw_sent)

    assert deferred(unsent) == []
    assert deferred(sent) == ["mark_quotes_stale", "cancel_quote_request"]
    with use_tenant(kennels):
        assert [*QuoteRequest.objects.values_list("state", flat=True)] == ["withdrawn", "withdrawn"]


def test_only_a_bindable_current_quote_is_selected(work: Work, kennels: Tenant) -> None:
    work(service.request_quotes)
    work(lambda context: quoted(context, is_bindable=False))
    with pytest.raises(NotBindable):
        work(lambda context: service.select(context, request_of(context).id))
    work(lambda context: request_of(context).receive(quote_of(request_of(context))))
    work(lambda context: service.select(context, request_of(context).id))
    assert states(kennels) == {"PA-CARE": "selected"}

    work(lambda context: request_of(context).mark_stale("Changed"))
    with pytest.raises(WrongState):
        work(lambda context: service.select(context, request_of(context).id))


def test_only_a_manual_carriers_quote_is_entered(work: Work, kennels: Tenant, manual_link: CarrierLink) -> None:
    work(service.request_quotes)

    def enter(context: BatchContext) -> None:
        request = request_of(context)
        service.enter_answer(context, request.id, quote_of(request, premium=777, sequence=0))

    work(enter)
    with use_tenant(kennels):
        request = QuoteRequest.objects.get()
    assert (request.state, request.premium, request.payload_hash != "") == ("quoted", 777, True)

    manual_link.mode = CarrierLink.Mode.SYNC
    manual_link.save()
    with pytest.raises(NoManualEntry):
        work(enter)


@pytest.fixture
def manual_link(kennels: Tenant) -> CarrierLink:
    return CarrierLink.objects.create(
        catalogue=kennels.catalogue,
        carrier="PA",
        mode=CarrierLink.Mode.MANUAL,
        base_url="https://quotes.carrier.example",
        client_id="kennels",
    )


def test_a_bridge_leads_to_the_carriers_pages(work: Work, manual_link: CarrierLink) -> None:
    work(service.request_quotes)
    with pytest.raises(NoPortal):
        work(lambda context: service.bridge(context, request_of(context).id))
    manual_link.portal_url = "https://portal.carrier.example/"
    manual_link.save()

    url, result = work(lambda context: service.bridge(context, request_of(context).id))

    assert url == "https://portal.carrier.example/"
    assert deferred(result) == ["bridge_to_carrier"]


def test_an_unknown_request_is_refused(work: Work) -> None:
    for act in (service.select, service.deselect, service.withdraw, service.ask_again, service.bridge):
        with pytest.raises(UnknownQuoteRequest):
            work(lambda context, act=act: act(context, uuid4()))


def test_a_declined_quote_is_requested_again_only_on_purpose(work: Work, kennels: Tenant) -> None:
    work(service.request_quotes)
    work(lambda context: quoted(context, status=QuoteStatus.DECLINED, premium=None))
    again, _ = work(service.request_quotes)
    assert again.refused["PA-CARE"].code == "carrier_declined"

    work(lambda context: service.ask_again(context, request_of(context).id))

    assert states(kennels) == {"PA-CARE": "queued"}
