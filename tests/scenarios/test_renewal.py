"""A renewal moves dates, proposes old answers instead of taking them over, and remembers the premiums."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connections
from django.utils import timezone
from msgspec.structs import replace

from batch import service as batch
from batch.changes.changeset import Changeset
from batch.confirmation import PROPOSED, confirm
from batch.context import BatchContext
from batch.errors import InvalidAnswers, NothingToConfirm
from catalogue.loader import load
from catalogue.releases import publish
from copies.codec import decode_document, encode_document
from copies.document import Answer, Document, Proposal, walk_answers
from copies.models import Copy
from rules.types.spans import Span, after
from scenarios.cloning import Clone, CloneOrder, clone_form
from tenants.access import Actor, Right
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.certain_text import certain
from tests.harness.kennel_catalogue import KENNELS
from tests.harness.quotes import quote_of
from tests.scenarios.test_cloning import respond

SSN = "987-65-4321"


def kennels_that_renew(**kennel_name: Any) -> Any:
    """Return the kennel catalogue with dates of a term and answers that end."""
    first, houses, fences = KENNELS.question_sets
    question = type(first.questions[0])
    keys = {
        "has_cats": {"valid_for": "1 year"},
        "owner_phone": {"valid_for": "6 months"},
        "kennel_name": kennel_name,
    }
    questions = [replace(one, **keys.get(one.code, {})) for one in first.questions]
    questions += [
        question(code="begins", label="From", type="date", required="quote", renews_by="1 year"),
        question(code="opened", label="Opened", type="date"),
    ]
    runs = [replace(one, valid_for="1 year") if one.code == "runs" else one for one in houses.questions]
    sets = (replace(first, questions=tuple(questions)), replace(houses, questions=tuple(runs)), fences)
    return replace(KENNELS, question_sets=sets)


@pytest.fixture
def last_year(kennels: Tenant, make_form: Callable[..., UUID]) -> UUID:
    """Return a form whose answers were given 400 days ago, except the state."""
    publish(load(kennels_that_renew()), actor_id="test")
    form_id = make_form(
        {"begins": "2024-02-29", "opened": "2024-02-29", "owner_phone": "614-555-0123", "owner_ssn": SSN}
    )
    age(form_id, kennels, days=400, but=("state",))
    return form_id


def age(copy_id: UUID, scope: Tenant, *, days: int, but: tuple[str, ...] = ()) -> None:
    """Let the answers of a stored copy be older."""
    document = document_of(copy_id, scope)
    for path, answer in walk_answers(document):
        if path not in but and answer.updated_at is not None:
            answer.updated_at -= timedelta(days=days)
    with use_tenant(scope), connections[scope.database_alias].cursor() as cursor:
        cursor.execute("UPDATE copies_copy SET document = %s WHERE id = %s", [encode_document(document), copy_id])


def document_of(copy_id: UUID | None, scope: Tenant) -> Document:
    """Return the stored document of a copy."""
    with use_tenant(scope):
        return decode_document(bytes(Copy.objects.get(id=copy_id).document))


def renewed(form_id: UUID, scope: Tenant, actor: Actor) -> Clone:
    """Return the renewal of the form."""
    return clone_form(form_id, CloneOrder(respond=respond, is_renewal=True), scope=scope, actor=actor)


def work(copy_id: UUID | None, do: Callable[[BatchContext], object], scope: Tenant, actor: Actor) -> Document:
    """Save a change of the copy; return its document."""
    assert copy_id is not None
    with batch.find_and_lock(copy_id, scope=scope, actor=actor) as context:
        do(context)
        context.save()
    return document_of(copy_id, scope)


def test_dates_move_by_a_term_and_other_dates_stay(last_year: UUID, kennels: Tenant, agent: Actor) -> None:
    clone = renewed(last_year, kennels, agent)

    answers = document_of(clone.form_id, kennels).answers
    assert (answers["begins"].value, answers["opened"].value) == ("2025-02-28", "2024-02-29")
    assert answers["begins"].answered_by.type == "process"  # type: ignore[union-attr]
    assert clone.parts[0].notes.moved == ["begins"]
    assert document_of(last_year, kennels).answers["begins"].value == "2024-02-29"


def test_old_answers_are_proposed_and_count_as_unanswered(last_year: UUID, kennels: Tenant, agent: Actor) -> None:
    clone = renewed(last_year, kennels, agent)

    document = document_of(clone.form_id, kennels)
    (house,) = document.answer_pools["houses"]
    proposed = {path: answer.proposed.value for path, answer in walk_answers(document) if answer.proposed}
    assert proposed == {"has_cats": False, "owner_phone": "+16145550123", f"houses/{house.id}/runs": 20}
    assert sorted(clone.parts[0].notes.proposed) == sorted(proposed)
    assert not document.answers["has_cats"].is_answered
    # What has no valid_for, and what was answered since, is given.
    assert (document.answers["state"].value, document.answers["kennel_name"].value) == ("TX", "Happy Tails")
    evaluation = batch.find(clone.form_id or "", scope=kennels, actor=agent).evaluation
    assert evaluation.eligibility["PA-CARE"].outcome == "need_info"
    assert set(evaluation.needed.quote) == {"has_cats", f"houses/{house.id}/runs"}


def test_an_answer_ends_on_the_day_after_its_time(last_year: UUID, kennels: Tenant, agent: Actor) -> None:
    def proposed(days: int) -> bool:
        document = document_of(last_year, kennels)
        today = timezone.now()
        document.answers["has_cats"].updated_at = today - timedelta(days=days)
        with use_tenant(kennels), connections["default"].cursor() as cursor:
            cursor.execute("UPDATE copies_copy SET document = %s WHERE id = %s", [encode_document(document), last_year])
        clone = renewed(last_year, kennels, agent)
        return "has_cats" in clone.parts[0].notes.proposed

    today = timezone.localdate()
    year = (today - after(today, Span(-12, 0))).days
    assert [proposed(days) for days in (year - 1, year, year + 1, year + 30)] == [False, False, True, True]


def test_a_proposal_is_kept_by_a_confirmation_and_replaced_by_an_answer(
    last_year: UUID, kennels: Tenant, agent: Actor
) -> None:
    form_id = renewed(last_year, kennels, agent).form_id

    kept = work(form_id, lambda context: confirm(context, "has_cats", PROPOSED), kennels, agent)
    changed = work(
        form_id, lambda context: context.changeset.find_answer("owner_phone").apply("614-555-0199"), kennels, agent
    )

    answer = kept.answers["has_cats"]
    assert (answer.value, answer.proposed, answer.answered_by.id) == (False, None, agent.id)  # type: ignore[union-attr]
    assert (changed.answers["owner_phone"].value, changed.answers["owner_phone"].proposed) == ("+16145550199", None)
    with batch.find_and_lock(form_id or "", scope=kennels, actor=agent) as context, pytest.raises(NothingToConfirm):
        confirm(context, "has_cats", PROPOSED)


def test_a_proposal_is_cleared_by_null_and_survives_hiding(last_year: UUID, kennels: Tenant, agent: Actor) -> None:
    form_id = renewed(last_year, kennels, agent).form_id

    def runs(document: Document) -> Answer:
        return document.answer_pools["houses"][0].answers["runs"]

    hidden = work(form_id, lambda context: context.changeset.apply_answers({"lines": ["premises"]}), kennels, agent)
    shown = work(form_id, lambda context: context.changeset.apply_answers({"lines": ["care"]}), kennels, agent)
    cleared = work(form_id, lambda context: context.changeset.find_answer("has_cats").clear(), kennels, agent)

    assert (runs(hidden).active, runs(hidden).proposed.value) == (False, 20)  # type: ignore[union-attr]
    assert (runs(shown).active, runs(shown).proposed.value) == (True, 20)  # type: ignore[union-attr]
    assert cleared.answers["has_cats"].proposed is None
    assert not cleared.answers["has_cats"].is_answered


def test_what_no_longer_fits_is_not_kept(last_year: UUID, kennels: Tenant, agent: Actor) -> None:
    form_id = renewed(last_year, kennels, agent).form_id
    document = document_of(form_id, kennels)
    document.answers["has_cats"].proposed = Proposal("perhaps")
    with use_tenant(kennels), connections["default"].cursor() as cursor:
        cursor.execute("UPDATE copies_copy SET document = %s WHERE id = %s", [encode_document(document), form_id])

    with batch.find_and_lock(form_id or "", scope=kennels, actor=agent) as context, pytest.raises(InvalidAnswers):
        confirm(context, "has_cats", PROPOSED)


def test_a_personal_proposal_is_confirmed_only_by_those_who_see_it(
    last_year: UUID, kennels: Tenant, agent: Actor
) -> None:
    form_id = renewed(last_year, kennels, agent).form_id
    discreet = Actor(type="api_client", id="9", source="api", rights=frozenset({Right.READ_FORMS, Right.WRITE_FORMS}))

    with batch.find_and_lock(form_id or "", scope=kennels, actor=discreet) as context, pytest.raises(NothingToConfirm):
        confirm(context, "owner_phone", PROPOSED)


def test_a_proposal_of_a_question_that_becomes_secret_is_dropped(
    last_year: UUID, kennels: Tenant, agent: Actor
) -> None:
    form_id = renewed(last_year, kennels, agent).form_id
    definition = kennels_that_renew()
    first = definition.question_sets[0]
    secret = [
        replace(one, sensitivity="spi", valid_for="", indexed=False) if one.code == "owner_phone" else one
        for one in first.questions
    ]
    sets = (replace(first, questions=tuple(secret)), *definition.question_sets[1:])
    publish(load(replace(definition, question_sets=sets)), actor_id="test")

    document = work(form_id, lambda context: context.changeset.find_answer("state").apply("OH"), kennels, agent)

    assert document.answers["owner_phone"].proposed is None
    assert "555" not in certain(document)


def test_a_secret_answer_is_given_as_it_was(last_year: UUID, kennels: Tenant, agent: Actor) -> None:
    form_id = renewed(last_year, kennels, agent).form_id

    context = batch.find(form_id or "", scope=kennels, actor=agent)
    answer = decode_document(context.copy.document).answers["owner_ssn"]
    assert context.sealer.reveal("owner_ssn", answer) == SSN


def test_the_premiums_of_the_last_term_are_kept_beside(last_year: UUID, kennels: Tenant, agent: Actor) -> None:
    def quote(changeset: Changeset) -> None:
        request = changeset.quote_requests.request("PA-CARE")
        request.queue()
        request.submit(payload_hash="1")
        request.receive(quote_of(request, premium=321))

    first = renewed(last_year, kennels, agent)
    work(last_year, lambda context: quote(context.changeset), kennels, agent)
    second = renewed(last_year, kennels, agent)

    assert document_of(first.form_id, kennels).last_premiums == {"PA-CARE": 300}
    assert document_of(second.form_id, kennels).last_premiums == {"PA-CARE": 321}
    work(first.form_id, lambda context: context.changeset.find_answer("state").apply("OH"), kennels, agent)
    assert document_of(first.form_id, kennels).last_premiums == {"PA-CARE": 300}
    plain = clone_form(last_year, CloneOrder(respond=respond), scope=kennels, actor=agent)
    assert document_of(plain.form_id, kennels).last_premiums == {}


def test_what_is_not_confirmed_is_proposed_again_by_the_next_renewal(
    last_year: UUID, kennels: Tenant, agent: Actor
) -> None:
    first = renewed(last_year, kennels, agent)
    second = renewed(first.form_id or last_year, kennels, agent)

    answer = document_of(second.form_id, kennels).answers["has_cats"]
    assert (answer.value, answer.proposed.value) == (None, False)  # type: ignore[union-attr]
