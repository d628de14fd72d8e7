"""Reports on drafts of the demo's catalogues equal deciding each copy before and after, whatever the draft changes."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from copies.codec import decode_document
from copies.document import Document, walk_answers
from copies.paths import Path
from decisions.copy_effect import BookCopy, CopyEffect
from decisions.supposition import DraftRelease, Supposition, suppose_answers, suppose_release
from decisions.what_if import effects_on, start_report
from rules.flow.evaluation import ProductOutcome
from tests.harness.boarding_catalogue import settle
from tests.harness.demo_books import CHANGES, NAMES, demo_documents, read_demo
from tests.harness.kennel_documents import compiled_release
from tests.harness.tiers import amount

COPIES = amount(8, full=1_500)
OPEN = ("eligible", "refer")


def _brief(outcome: ProductOutcome | None) -> tuple[str, int | None]:
    return ("", None) if outcome is None else (outcome.outcome, outcome.premium)


def _settled(copy: BookCopy, release: DraftRelease) -> tuple[Document, dict[str, Any]]:
    document = decode_document(copy.copy.document)
    evaluation = settle(release.compiled, document, as_of=copy.copy.as_of)
    return document, {code: _brief(outcome) for code, outcome in evaluation.eligibility.items()}


def _visible(document: Document) -> dict[str, bool]:
    return {path: answer.is_answered for path, answer in walk_answers(document) if answer.active}


def _products(effect: CopyEffect) -> dict[str, Any]:
    return {
        part.product: ((part.before, part.premium_before), (part.after, part.premium_after)) for part in effect.products
    }


def check_against_brute_force(
    copies: list[BookCopy], supposition: Supposition, present: DraftRelease, after: DraftRelease
) -> list[CopyEffect]:
    """Compare effects and report with two full runs for each copy; return the effects."""
    builder = start_report(supposition)
    effects = list(builder.through(effects_on(copies, supposition, workers=1)))
    report = builder.report()
    moved: list[int] = []
    flips: Counter[Any] = Counter()
    won: Counter[str] = Counter()
    for copy, effect in zip(copies, effects, strict=True):
        assert not effect.error
        (old_document, old), (new_document, new) = _settled(copy, present), _settled(copy, after)
        nothing = ("", None)
        pairs = {code: (old.get(code, nothing), new.get(code, nothing)) for code in {**old, **new}}
        pairs = {code: pair for code, pair in pairs.items() if pair[0] != pair[1]}
        assert _products(effect) == pairs
        before, now = _visible(old_document), _visible(new_document)
        hidden = {Path(path).code for path, answered in before.items() if answered and path not in now}
        assert set(effect.hidden) == hidden
        assert set(effect.shown) == {Path(path).code for path in now if path not in before}
        for code, (was, then) in pairs.items():
            flips[code, was[0], then[0]] += was[0] != then[0]
            if was[1] != then[1]:
                moved.append((then[1] or 0) - (was[1] or 0))
            if then[0] in OPEN and was[0] not in OPEN:
                won["open"] += 1
            elif {then[0], was[0]} <= {*OPEN} and None not in (was[1], then[1]) and then[1] < was[1]:
                won["cheaper"] += 1
    assert Decimal(report.moved.amount) == sum(moved)
    for sums in (report.by_product, report.by_state, report.by_industry, report.by_cause):
        assert sum(Decimal(one.amount) for one in sums.values()) == sum(moved)
    assert {(one.product, one.before, one.after): one.count for one in report.flips} == +flips
    assert (report.opened, report.cheaper) == (won["open"], won["cheaper"])
    return effects


@pytest.mark.parametrize("name", NAMES)
def test_a_report_on_any_draft_equals_deciding_each_copy(name: str) -> None:
    file = read_demo(name)
    present = compiled_release(file.definition, 1)
    copies = list(demo_documents(file, present, COPIES))

    changed = Counter[str]()
    for change, make in CHANGES.items():
        after = compiled_release(make(file.definition))
        effects = check_against_brute_force(copies, suppose_release(present, after), present, after)
        changed[change] = sum(effect.is_changed for effect in effects)

    # The drafts are different enough to mean something.
    assert all(changed[change] for change in CHANGES if change not in ("other tables", "rules gone")), changed


def test_an_answer_that_hides_others_equals_answering_it_in_each_copy() -> None:
    """``data_kinds`` of "none" hides how many records there are, and whether card data is compliant."""
    file = read_demo("cyber")
    present = compiled_release(file.definition, 1)
    copies = list(demo_documents(file, present, COPIES))
    answers = {"data_kinds": ["none"]}

    effects = {effect.id: effect for effect in effects_on(copies, suppose_answers(present, answers), workers=1)}

    for copy in copies:
        document = decode_document(copy.copy.document)
        before = _visible(document)
        old = _settled(copy, present)[1]
        if not before.get("data_kinds", False) and "data_kinds" not in before:
            assert not effects[copy.copy.id].is_asked
            continue
        document.answers["data_kinds"].value = ["none"]
        new = {
            code: _brief(outcome)
            for code, outcome in settle(present.compiled, document, as_of=copy.copy.as_of).eligibility.items()
        }
        effect = effects[copy.copy.id]
        assert _products(effect) == {code: (old[code], new[code]) for code in old if old[code] != new[code]}
        now = _visible(document)
        assert set(effect.hidden) == {path for path, answered in before.items() if answered and path not in now}
    assert any("data_records" in effect.hidden for effect in effects.values())


def test_a_book_without_copies_has_an_empty_report() -> None:
    file = read_demo("cyber")
    present = compiled_release(file.definition, 1)
    builder = start_report(suppose_release(present, compiled_release(CHANGES["dearer"](file.definition))))

    report = builder.report()

    assert (report.copies, report.changed, report.moved.amount, report.flips, report.win_back) == (0, 0, "0.00", [], [])
    assert report.spread.median is None


def test_copies_of_an_older_decision_are_compared_with_their_present_one() -> None:
    """A stored decision that is not the present release's is decided under both."""
    file = read_demo("catalogue")
    older = compiled_release(file.definition, 1)
    present = compiled_release(CHANGES["rules gone"](file.definition), 2)
    after = compiled_release(CHANGES["dearer"](present.compiled.definition))
    copies = [replace(copy, is_present=False) for copy in demo_documents(file, older, COPIES // 2)]

    effects = check_against_brute_force(copies, suppose_release(present, after), present, after)

    assert any(effect.is_changed for effect in effects)
