"""The page that binds a quote: what is bound, what is needed, the consent, the orders, and the carrier's decision."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.http import HttpResponse

from batch import service as batch
from batch.context import BatchContext
from catalogue.demo import Sample
from forms.models import Binding
from tenants.access import system_actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User
from tests.harness.bindings import offer, require
from tests.harness.page_client import Page, StartForm, markup, triggered_events

pytestmark = pytest.mark.django_db
CARRIERS = system_actor("carriers")


class BindPage:
    """The page of one quote, as its scripts use it."""

    def __init__(self, page: Page, quote_id: UUID, tenant: Tenant) -> None:
        self.page, self.quote_id, self.tenant = page, quote_id, tenant
        self.address = f"/forms/{page.copy_id}/bind/{quote_id}"

    def show(self) -> str:
        response = self.page.client.get(self.address)
        assert response.status_code == 200, response.content
        return markup(response)

    def order(self, **values: str) -> HttpResponse:
        headers = {"HX-Request": "true", "X-Copy-Version": str(self.page.version)}
        return self.page.client.post(f"{self.address}/order", values, headers=headers)

    def answer(self, **answers: Any) -> HttpResponse:
        headers = {"HX-Request": "true", "X-Copy-Version": "0"}
        body = {"answers": json.dumps(answers), "searched": "{}"}
        return self.page.client.post(f"{self.address}/answers", body, headers=headers)

    @property
    def wording_hash(self) -> str:
        return self.show().partition('data-hash="')[2][:64]

    def bind(self, **values: str) -> HttpResponse:
        consent = {"wording_hash": self.wording_hash, "accepted_by": "Robin Example", "agrees": "yes"}
        return self.order(order="bind", **{**consent, **values})

    def change_in(self, act: Callable[[BatchContext], object]) -> None:
        with batch.find_and_lock(UUID(self.page.copy_id), scope=self.tenant, actor=CARRIERS) as context:
            act(context)
            context.save()

    def change(self, act: Callable[[Any], object]) -> None:
        self.change_in(lambda context: act(context.changeset))

    @property
    def states(self) -> list[str]:
        with use_tenant(self.tenant):
            return list(Binding.objects.values_list("state", flat=True))


@pytest.fixture
def bind_page(start_form: StartForm, open_page: Callable[[str], Page], s1: Sample, harbor: Tenant) -> BindPage:
    """Return the page of a quote for the restaurant, which needs the owner's date of birth."""
    copy_id = start_form(s1.answers, s1.answer_pools, as_of=s1.as_of)
    quote_id = offer(UUID(copy_id), scope=harbor, actor=CARRIERS, product="QM-BOP", premium=2451, reference="QM-31")
    return BindPage(open_page(copy_id), quote_id, harbor)


@pytest.fixture
def ready(bind_page: BindPage, harbor: Tenant) -> BindPage:
    """Return the page of a quote that only lacks the consent."""

    def answer(changeset: Any) -> None:
        (row,) = changeset.find_pool("owners").rows
        changeset.find_answer(f"{row.path}/mqs_own_dob").apply("1980-02-03")

    bind_page.change(answer)
    return bind_page


def test_the_page_shows_what_is_bound_and_what_is_needed(bind_page: BindPage) -> None:
    shown = bind_page.show()

    assert "Quillmark Mutual" in shown
    assert "$2,451" in shown
    assert "Still needed: 1 answer" in shown
    assert "Date of birth" in shown
    assert "Payment plan: Monthly." in shown
    assert 'data-open="yes"' in shown
    assert 'id="bind-obstacles" aria-labelledby="obstacles-title" hidden' in shown


def test_an_answer_given_here_is_saved_and_no_longer_needed(bind_page: BindPage) -> None:
    response = bind_page.answer(mqs_billing="full")

    events = triggered_events(response)
    assert events["answers-taken"]["taken"] == ["mqs_billing"]
    assert events["copy-saved"]["said"] == "Saved. 1 answer still needed."
    assert "Payment plan: Pay in full." in response.content.decode()
    assert "Payment plan: Pay in full." in bind_page.show()


def test_a_quote_is_bound_by_one_order(ready: BindPage) -> None:
    response = ready.bind()

    assert response.status_code == 200
    assert ready.states == ["requested"]
    assert triggered_events(response)["copy-saved"]["said"] == "Sending the request"
    shown = ready.show()
    assert 'data-open="no"' in shown
    assert "Quillmark Mutual is asked to bind." in shown


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"wording_hash": "0" * 64}, "The terms have changed since they were shown."),
        ({"accepted_by": ""}, "the name of the person who consents is required"),
        ({"agrees": ""}, "The consent of the insured is missing."),
    ],
)
def test_a_refusal_is_shown_and_nothing_is_bound(ready: BindPage, values: dict[str, str], problem: str) -> None:
    response = ready.bind(**values)

    assert response.status_code == 200
    assert problem in markup(response)
    assert problem in triggered_events(response)["copy-saved"]["said"]
    assert ready.states == []


def test_a_stale_quote_is_not_bound(ready: BindPage) -> None:
    wording_hash = ready.wording_hash
    ready.change(lambda changeset: next(iter(changeset.quote_requests)).mark_stale("Revenue changed"))

    response = ready.bind(wording_hash=wording_hash)

    assert "This quote is out of date: revenue changed. Ask the carrier again." in markup(response)
    assert ready.states == []
    shown = ready.show()
    assert "This quote is out of date" in shown
    assert 'data-open="no"' in shown


def test_an_indication_is_not_bound(ready: BindPage) -> None:
    ready.change(lambda changeset: next(iter(changeset.quote_requests))._change(is_bindable=False))

    response = ready.bind()

    assert "This is an indication" in markup(response)
    assert ready.states == []


def test_a_condition_is_marked_as_done(ready: BindPage) -> None:
    ready.change_in(lambda context: require(context, ready.quote_id))
    assert "Signed application" in ready.show()
    condition = ready.show().partition('data-id="')[2].partition('"')[0]

    ready.order(order="done", id=condition)

    assert "Signed application" not in ready.show()
    ready.bind()
    assert ready.states == ["requested"]


def test_help_is_asked_for_and_given(ready: BindPage) -> None:
    ready.order(order="help")

    assert ready.states == ["help_requested"]
    assert "Help is requested" in ready.show()
    ready.order(order="end-help")
    assert ready.states == ["draft"]


def test_an_order_is_carried_out_once(ready: BindPage) -> None:
    headers = {"HX-Request": "true", "X-Order-Key": "a" * 32}
    values = {"order": "help", "note": ""}

    first = ready.page.client.post(f"{ready.address}/order", values, headers=headers)
    again = ready.page.client.post(f"{ready.address}/order", values, headers=headers)

    assert (first.status_code, again.status_code) == (200, 200)
    assert ready.states == ["help_requested"]


def test_the_parts_follow_the_carrier(ready: BindPage) -> None:
    ready.bind()

    def refuse(changeset: Any) -> None:
        next(iter(changeset.bindings)).refuse("sanctions", "The name check failed")

    ready.change(refuse)
    response = ready.page.client.get(f"{ready.address}/parts", headers={"HX-Request": "true"})

    assert "The name check failed" in response.content.decode()
    assert triggered_events(response)["copy-saved"]["said"] == "Quillmark Mutual did not bind this quote"


def test_an_unknown_order_and_an_unknown_quote(ready: BindPage) -> None:
    assert ready.order(order="bin").status_code == 400
    client = ready.page.client
    assert client.get(f"/forms/{ready.page.copy_id}/bind/{UUID(int=4)}").status_code == 404


def test_a_stranger_finds_nothing(ready: BindPage, stranger: User, sign_in: Any) -> None:
    assert sign_in(stranger).get(ready.address).status_code == 404
