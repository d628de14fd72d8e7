"""A save marks a quote stale when what its carrier would be sent differs, and current when it is the same again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
import pytest

from actions.relay import drain
from batch import service as batch
from batch.changes import quote_staleness
from batch.changes.changeset import Changeset
from batch.changes.mutators.quote_requests import QuoteRequestRow
from batch.context import BatchContext
from batch.revert import revert
from catalogue.publish_work import count_impacts
from forms.models import QuoteRequest
from rules.definition.catalogue import CatalogueDefinition, Payload
from rules.payload import payload_hash, quote_payload
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.attached_records import other_events
from tests.harness.kennel_catalogue import KENNELS
from tests.harness.later_releases import publish_release, renamed
from tests.harness.quotes import quote_of

pytestmark = pytest.mark.django_db
Saved = Callable[..., Any]
Change = Callable[[Changeset], object]


class Form:
    """One form whose product PA-CARE was quoted."""

    def __init__(self, form_id: UUID, scope: Tenant, actor: Actor) -> None:
        self.id = form_id
        self._scope = scope
        self._actor = actor

    def save(self, *changes: Change) -> Any:
        with batch.find_and_lock(self.id, scope=self._scope, actor=self._actor) as context:
            for change in changes:
                change(context.changeset)
            return context.save()

    def answer(self, **answers: Any) -> Any:
        return self.save(lambda changeset: changeset.apply_answers(answers, {}))

    def open(self) -> BatchContext:
        return batch.find(self.id, scope=self._scope, actor=self._actor)

    @property
    def request(self) -> QuoteRequestRow:
        (row,) = self.open().attached["quote_requests"]
        assert isinstance(row, QuoteRequestRow)
        return row

    def quote(self, **values: Any) -> None:
        """Request a quote as it is sent, and take the carrier's reply."""
        self.save(lambda changeset: changeset.quote_requests.request("PA-CARE").queue())
        changeset, evaluation = self.open().current_view()
        payload = quote_payload(changeset.catalogue, changeset.document, "PA-CARE", evaluation=evaluation)
        token = self.request.request_token
        self.save(
            lambda changeset: next(iter(changeset.quote_requests)).submit(payload_hash=payload_hash(payload, token))
        )
        self.save(lambda changeset: receive(changeset, **values))


def receive(changeset: Changeset, **values: Any) -> None:
    (request,) = changeset.quote_requests
    request.receive(quote_of(request, **values))


@pytest.fixture
def form(form_id: UUID, kennels: Tenant, agent: Actor) -> Form:
    form = Form(form_id, kennels, agent)
    form.quote()
    return form


def with_payload(**quote: str) -> CatalogueDefinition:
    """Return the kennels with another payload of PA-CARE."""
    products = tuple(
        msgspec.structs.replace(product, payload=Payload(quote=quote)) if product.code == "PA-CARE" else product
        for product in KENNELS.products
    )
    return msgspec.structs.replace(KENNELS, products=products)


def test_a_save_marks_the_quote_whose_payload_differs_and_says_why(form: Form) -> None:
    result = form.answer(state="OH")

    row = form.request
    assert (row.state, row.stale_by, row.reason) == ("stale", "payload", "State changed.")
    assert "quote_request.stale" in other_events(result)
    assert row.premium == 640  # what the carrier reported stays


@pytest.mark.parametrize("answers", [{"owner_phone": "614-555-0101"}, {"has_cats": True}, {"owner_ssn": "987-65-4321"}])
def test_what_is_not_sent_makes_nothing_stale(form: Form, answers: dict[str, Any]) -> None:
    form.answer(**answers)

    assert form.request.state == "quoted"


def test_the_same_answers_again_make_the_quote_current(form: Form) -> None:
    form.answer(state="OH")
    form.answer(kennel_name="Sad Tails")
    form.answer(state="TX")
    assert form.request.state == "stale"

    form.answer(kennel_name="Happy Tails")

    assert (form.request.state, form.request.reason, form.request.stale_by) == ("quoted", "", "")


def test_rows_and_several_answers_are_named(form: Form) -> None:
    form.save(
        lambda changeset: changeset.find_pool("houses").add(answers={"house_name": "South", "runs": 3}),
        lambda changeset: changeset.find_answer("kennel_name").apply("Sad Tails"),
    )

    assert form.request.reason == "Kennel houses, Runs and Name of the kennel changed."


def test_no_value_is_in_the_reason(form: Form) -> None:
    form.answer(kennel_name="Sad Tails")

    assert form.request.reason == "Name of the kennel changed."


def test_a_message_of_the_carrier_leaves_a_stale_quote_stale_and_is_in_force_later(form: Form) -> None:
    form.answer(state="OH")
    form.save(lambda changeset: receive(changeset, premium=700))
    assert (form.request.state, form.request.premium) == ("stale", 700)

    form.answer(state="TX")

    assert (form.request.state, form.request.premium) == ("quoted", 700)


def test_a_revert_compares_too(form: Form, kennels: Tenant, agent: Actor) -> None:
    version = form.open().version
    form.answer(state="OH")

    with batch.find_and_lock(form.id, scope=kennels, actor=agent) as context:
        revert(context, version)
        context.save()

    assert form.request.state == "quoted"


def test_a_dry_run_shows_it_and_writes_nothing(form: Form, kennels: Tenant, agent: Actor) -> None:
    with batch.find_and_lock(form.id, scope=kennels, actor=agent) as context:
        context.changeset.apply_answers({"state": "OH"}, {})
        result = context.preview()

    assert [change.after for change in result.changes if change.path.startswith("copy.quote_requests/")] == ["stale"]
    assert form.request.state == "quoted"


def test_a_release_that_sends_something_else_marks_by_its_run_and_before_it_for_readers(form: Form) -> None:
    """The decision is the same, so only the quote makes the run save the copy."""
    publish_release(with_payload(name="kennel_name"))
    shown, _ = form.open().current_view()
    (request,) = shown.quote_requests
    assert (request.row.state, form.request.state) == ("stale", "quoted")

    drain("default")

    assert form.request.state == "stale"
    assert form.request.reason == "A new release of the catalogue changed what the carrier is sent."
    version = form.open().version

    publish_release(KENNELS)
    drain("default")

    assert (form.request.state, form.open().version) == ("quoted", version + 1)


def test_a_publish_says_beforehand_how_many_copies_have_such_quotes(form: Form) -> None:
    """The same product rules: only what is sent differs."""
    impacts = [impact.text for impact in count_impacts(with_payload(name="kennel_name"), KENNELS)]

    assert "1 open copy has quotes of products whose carriers are sent something else" in impacts
    form.save(lambda changeset: next(iter(changeset.quote_requests)).withdraw())
    assert [
        impact.text for impact in count_impacts(with_payload(name="kennel_name"), KENNELS) if "quotes" in impact.text
    ] == []


def test_a_release_that_sends_the_same_leaves_quotes_and_versions_alone(form: Form) -> None:
    version = form.open().version

    publish_release(msgspec.structs.replace(KENNELS, title="Kennels"))
    drain("default")

    assert (form.request.state, form.open().version) == ("quoted", version)


def test_a_renamed_question_is_sent_as_before(form_id: UUID, kennels: Tenant, agent: Actor) -> None:
    publish_release(with_payload(name="kennel_name", place="state"))
    form = Form(form_id, kennels, agent)
    form.quote()

    new_codes = {"kennel_name": "house_of_dogs", "state": "home"}
    publish_release(renamed(new_codes, with_payload(name="kennel_name", place="state")))
    drain("default")
    assert form.request.state == "quoted"
    form.answer(house_of_dogs="Sad Tails")

    assert (form.request.state, form.request.reason) == ("stale", "Name of the kennel changed.")


def test_a_product_that_is_gone_has_no_quote(form: Form) -> None:
    products = tuple(product for product in KENNELS.products if product.code != "PA-CARE")

    publish_release(msgspec.structs.replace(KENNELS, products=products))
    drain("default")

    assert (form.request.state, form.request.reason) == ("stale", "The product is no longer offered.")


@pytest.mark.parametrize("answers", [{"owner_phone": "614-555-0101"}, {"state": "OH"}])
def test_a_save_lets_a_quote_expire_after_its_last_day(form: Form, kennels: Tenant, answers: dict[str, str]) -> None:
    let_end(form, kennels)

    form.answer(**answers)

    assert (form.request.state, form.request.reason) == ("expired", "The quote was valid until January 31, 2020.")


def test_a_stale_quote_is_not_current_again_after_its_last_day(form: Form, kennels: Tenant) -> None:
    form.answer(state="OH")
    let_end(form, kennels)

    form.answer(state="TX")

    assert form.request.state == "expired"


def let_end(form: Form, kennels: Tenant) -> None:
    with use_tenant(kennels):
        QuoteRequest.objects.filter(copy_id=form.id).update(valid_until=date(2020, 1, 31))


def test_a_save_without_quote_requests_builds_no_payload(
    form_id: UUID, kennels: Tenant, agent: Actor, monkeypatch: Any
) -> None:
    monkeypatch.setattr(quote_staleness, "PayloadComparison", None)

    Form(form_id, kennels, agent).answer(state="OH")


def test_only_changes_of_what_is_sent_build_a_payload(form: Form, monkeypatch: Any) -> None:
    monkeypatch.setattr(quote_staleness, "fields_hash", None)

    form.answer(owner_phone="614-555-0101")

    assert form.request.state == "quoted"
