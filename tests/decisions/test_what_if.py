"""The report on a supposition equals what a publish, or a change of each copy, really does, copy by copy."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from batch import service as batch
from batch.errors import BatchError
from catalogue.loader import load
from catalogue.publish_work import complete_publish
from catalogue.releases import publish
from copies.models import Copy
from decisions.book_report import BookReport, money
from decisions.copy_effect import CopyEffect
from decisions.errors import AnswerNotSupposed, BookTooLarge
from decisions.what_if import (
    answers_supposition,
    draft_supposition,
    effects_on_book,
    report_at_once,
    report_on_book,
    start_report,
)
from forms.models import ApplicationForm, QuoteRequest
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tenants.selectors import reachable_tenants
from tests.harness.cast import SECOND_DATABASE
from tests.harness.kennel_book import ACTOR, DRAFTS, make_book, stored_outcomes
from tests.harness.kennel_catalogue import KENNELS
from tests.harness.later_releases import publish_release, with_sensitivity
from tests.harness.quoted_forms import submit
from tests.harness.tiers import amount

pytestmark = pytest.mark.django_db

COPIES = 60
Outcomes = dict[UUID, dict[str, tuple[str, int | None]]]


@pytest.fixture
def book(db: None) -> Tenant:
    """Return a tenant with the kennel catalogue."""
    publish_release(KENNELS)
    return Tenant.objects.create(code="book", name="Book Brokers", catalogue="kennels")


def differences(before: Outcomes, after: Outcomes) -> dict[tuple[UUID, str], tuple[Any, Any]]:
    """Return outcome and premium before and after of each product of a copy in which they differ."""
    nothing = ("", None)
    return {
        (copy_id, code): (before[copy_id].get(code, nothing), after[copy_id].get(code, nothing))
        for copy_id in before
        for code in {**before[copy_id], **after[copy_id]}
        if before[copy_id].get(code, nothing) != after[copy_id].get(code, nothing)
    }


def effects_as_differences(effects: list[CopyEffect]) -> dict[tuple[UUID, str], tuple[Any, Any]]:
    return {
        (effect.id, part.product): ((part.before, part.premium_before), (part.after, part.premium_after))
        for effect in effects
        for part in effect.products
    }


def assert_adds_up(report: BookReport, expected: dict[tuple[UUID, str], tuple[Any, Any]]) -> None:
    """Check the sums of ``report`` against the differences."""
    moved = sum((after[1] or 0) - (before[1] or 0) for before, after in expected.values())
    assert report.moved.amount == money(moved)
    for sums in (report.by_state, report.by_industry, report.by_cause, report.by_product):
        assert sum(Decimal(one.amount) for one in sums.values()) == Decimal(report.moved.amount)
    parts = (report.repriced, report.gained, report.lost)
    assert sum(Decimal(one.amount) for one in parts) == Decimal(report.moved.amount)
    flips = Counter(
        (code, before[0], after[0]) for (_, code), (before, after) in expected.items() if before[0] != after[0]
    )
    assert {(flip.product, flip.before, flip.after): flip.count for flip in report.flips} == flips
    assert report.changed >= len({copy_id for copy_id, _ in expected})
    amounts = sorted((after[1] or 0) - (before[1] or 0) for before, after in expected.values() if before[1] != after[1])
    assert report.spread.count == len(amounts)
    if amounts:
        assert (report.spread.least, report.spread.greatest) == (amounts[0], amounts[-1])
        assert report.spread.median == amounts[-(-len(amounts) // 2) - 1]
    opened = {
        key
        for key, (before, after) in expected.items()
        if after[0] in ("eligible", "refer") and before[0] not in ("eligible", "refer")
    }
    assert report.opened == len(opened)
    assert report.opened + report.cheaper >= len(report.win_back)


def visible_answers(tenant: Tenant, ids: list[UUID]) -> dict[UUID, dict[str, bool]]:
    found = {}
    for copy_id in ids:
        document = batch.find(copy_id, scope=tenant, actor=ACTOR).current_view()[0].document
        found[copy_id] = {code: one.is_answered for code, one in document.answers.items() if one.active}
    return found


def stale_quotes(tenant: Tenant) -> set[tuple[UUID, str]]:
    with use_tenant(tenant):
        return set(QuoteRequest.objects.filter(state="stale").values_list("copy_id", "product"))


def check_draft_against_a_publish(tenant: Tenant, draft: Any, ids: list[UUID]) -> BookReport:
    """Publish ``draft`` for real, and compare with the report on it."""
    before, asked, stale = stored_outcomes(tenant), visible_answers(tenant, ids), stale_quotes(tenant)
    supposition = draft_supposition(draft)
    builder = start_report(supposition)
    effects = list(builder.through(effects_on_book(supposition, [tenant], workers=1)))
    assert stored_outcomes(tenant) == before

    complete_publish(publish(load(draft), actor_id="test"))

    expected = differences(before, stored_outcomes(tenant))
    assert effects_as_differences(effects) == expected
    assert [effect.id for effect in effects] == sorted(ids)
    now = visible_answers(tenant, ids)
    for effect in effects:
        old, new = asked[effect.id], now[effect.id]
        assert effect.hidden == tuple(sorted(code for code, known in old.items() if known and code not in new))
        assert effect.shown == tuple(sorted(new.keys() - old.keys()))
    assert {(effect.id, code) for effect in effects for code in effect.stale} == stale_quotes(tenant) - stale
    report = builder.report()
    assert_adds_up(report, expected)
    return report


def test_the_report_on_a_draft_is_what_its_publish_does(book: Tenant) -> None:
    ids = make_book(book, COPIES)
    outcomes = stored_outcomes(book)
    for copy_id in [known for known in ids if outcomes[known].get("PA-CARE", ("",))[0] == "eligible"][:4]:
        submit(copy_id, "PA-CARE", scope=book, actor=ACTOR)
    assert report_on_book(draft_supposition(KENNELS), [book], workers=1).changed == 0

    # All drafts are compared in test_what_if_at_scale, without saves.
    for name in ("dearer", "rule_gone", "back", "wider", "one_more", "hiding")[: amount(3, full=6)]:
        report = check_draft_against_a_publish(book, DRAFTS[name], ids)

        assert report.copies == COPIES
        assert report.changed > 0


def test_copies_that_wait_for_a_day_or_release_are_compared_with_their_present_decision(book: Tenant) -> None:
    make_book(book, 12)
    publish(load(DRAFTS["dearer"]), actor_id="test")

    report = report_on_book(draft_supposition(DRAFTS["dearer"]), [book], workers=1)

    assert (report.copies, report.changed) == (12, 0)


def test_only_copies_with_other_reasons_are_decided_in_full(book: Tenant) -> None:
    ids = make_book(book, COPIES)

    report = report_on_book(draft_supposition(DRAFTS["wider"]), [book], workers=1)

    opened = {won.copy_id for won in report.win_back}
    reasons = sum(flip.count for flip in report.flips if flip.product == "PA-CARE")
    assert 0 < len(opened) <= len(ids)
    assert report.decided < COPIES / 3
    assert report.decided >= reasons


def give_everywhere(tenant: Tenant, ids: list[UUID], code: str, value: Any, *, pool: str = "") -> set[UUID]:
    """Answer a question in every copy that asks it; return the ids of the copies that refuse it."""
    refused = set()
    for copy_id in ids:
        with batch.find_and_lock(copy_id, scope=tenant, actor=ACTOR) as context:
            changeset = context.changeset
            for target in changeset.find_pool(pool).rows if pool else [changeset]:
                answer = target.find_answer(code)
                if answer.is_active:
                    answer.apply(value)
            try:
                context.save()
            except BatchError:
                refused.add(copy_id)
    return refused


def test_the_report_on_an_answer_is_what_giving_it_everywhere_does(book: Tenant) -> None:
    ids = make_book(book, COPIES)

    changes = (("cat_count", 120, ""), ("runs", 4, "houses"), ("cat_count", 0, ""), ("state", None, ""))
    for code, value, pool in changes[: amount(2, full=4)]:
        before = stored_outcomes(book)
        supposition = answers_supposition("kennels", {code: value})
        builder = start_report(supposition)
        effects = list(builder.through(effects_on_book(supposition, [book], workers=1)))
        refused = give_everywhere(book, ids, code, value, pool=pool)

        expected = differences(before, stored_outcomes(book))
        assert effects_as_differences(effects) == expected
        assert {effect.id for effect in effects if effect.error} == refused
        assert_adds_up(builder.report(), expected)


def test_a_refused_answer_leaves_the_copy_out_with_the_reason(book: Tenant) -> None:
    ids = make_book(book, 20)

    report = report_on_book(answers_supposition("kennels", {"cat_count": 0}), [book], workers=1)

    assert sum(report.undecidable.values()) + report.unasked == len(ids)
    assert list(report.undecidable) == ["refused: cat_count (min)"]
    assert report.undecidable_copies[0].copy_id in ids


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ({}, "required"),
        ({"nothing": 1}, "unknown_question"),
        ({"owner_ssn": "123-45-6789"}, "sensitive_question"),
        ({"owner_phone": "2025550123"}, "sensitive_question"),
        ({"cat_count": "many"}, "not_a_number"),
        ({"cat_count": 10**400}, "out_of_range"),
        ({f"q{place}": 1 for place in range(21)}, "too_many"),
    ],
)
def test_answers_that_cannot_be_supposed_are_refused(book: Tenant, answers: dict[str, Any], code: str) -> None:
    with pytest.raises(AnswerNotSupposed) as refusal:
        answers_supposition("kennels", answers)

    assert refusal.value.faults[0][1] == code


def test_a_caller_who_waits_gets_a_report_on_a_small_book_only(book: Tenant) -> None:
    make_book(book, 6)
    supposition = draft_supposition(DRAFTS["dearer"])

    assert report_at_once(supposition, [book], most=6).copies == 6
    with pytest.raises(BookTooLarge, match="manage.py what_if"):
        report_at_once(supposition, [book], most=5)


def test_a_group_by_an_answer_that_is_not_open_to_all_is_not_shown(book: Tenant) -> None:
    make_book(book, 12)
    closed = with_sensitivity(DRAFTS["dearer"], state="pii")
    publish_release(with_sensitivity(KENNELS, state="pii"))

    report = report_on_book(draft_supposition(closed), [book], workers=1)

    assert set(report.by_state) == {"not shown"}
    assert len(report.by_industry) > 1


def test_only_open_copies_of_the_named_tenants_are_looked_at(book: Tenant) -> None:
    ids = make_book(book, 8)
    other = Tenant.objects.create(code="other", name="Other Brokers", catalogue="kennels")
    make_book(other, 3, seed=2)
    empty = Tenant.objects.create(code="empty", name="No Forms", catalogue="kennels")
    with use_tenant(book):
        Copy.objects.filter(pk=ids[0]).update(locked_at=timezone.now())
        Copy.objects.filter(pk=ids[1]).update(deleted_at=timezone.now())
        form_id = Copy.objects.get(pk=ids[2]).application_form_id
        ApplicationForm.objects.filter(pk=form_id).update(deleted_at=timezone.now())
    supposition = draft_supposition(DRAFTS["dearer"])

    looked_at = [effect.id for effect in effects_on_book(supposition, [empty, book], workers=1)]

    assert looked_at == sorted(ids[3:])
    assert report_on_book(supposition, [empty], workers=1).copies == 0
    assert report_on_book(supposition, [book, other], workers=1, most=7).copies == 7


@pytest.mark.django_db(databases=["default", SECOND_DATABASE])
def test_a_tenant_with_its_own_database_is_part_of_the_book(book: Tenant, summit_apart: Tenant) -> None:
    apart = summit_apart
    apart.catalogue = "kennels"
    apart.save()
    copies = make_book(book, 3) + make_book(apart, 4, seed=3)

    effects = list(effects_on_book(draft_supposition(DRAFTS["dearer"]), reachable_tenants(), workers=1))

    assert {effect.id for effect in effects} == {*copies}
    assert {effect.tenant_id for effect in effects} == {book.pk, apart.pk}


def test_an_unreadable_copy_is_left_out_with_the_reason(book: Tenant) -> None:
    first, *_ = make_book(book, 3)
    with use_tenant(book):
        Copy.objects.filter(pk=first).update(document=b"\x01nothing")

    report = report_on_book(draft_supposition(DRAFTS["dearer"]), [book], workers=1)

    assert report.undecidable == {"UnreadableDocument": 1}
    assert report.copies == 3
