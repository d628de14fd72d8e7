"""A report over many copies equals deciding each of them in full, before and after; a faulty report is detected."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

import pytest
from msgspec.structs import replace

from copies.codec import decode_document
from decisions import book_report, copy_effect
from decisions.book_report import BookReport
from decisions.copy_effect import BookCopy
from decisions.supposition import DraftRelease, suppose_release
from decisions.what_if import effects_on, start_report
from house.place import CHECKOUT
from rules.flow.evaluation import ProductOutcome
from tests.harness.boarding_catalogue import fire
from tests.harness.kennel_book import DRAFTS
from tests.harness.kennel_catalogue import KENNELS
from tests.harness.kennel_documents import compiled_release, kennel_documents
from tests.harness.later_releases import renamed
from tests.harness.tiers import amount

PRESENT: Final = compiled_release(KENNELS, 1)


class Expected:
    """What is different, by a full run on the full document of every copy under both releases."""

    def __init__(self) -> None:
        self.flips: Counter[tuple[str, str, str]] = Counter()
        self.moved: list[int] = []
        self.by_state: Counter[str] = Counter()
        self.by_industry: Counter[str] = Counter()
        self.changed: set[Any] = set()

    def add(self, copy: BookCopy, release: DraftRelease, present: DraftRelease) -> None:
        document = decode_document(copy.copy.document)
        old, new = (
            fire(one.compiled, decode_document(copy.copy.document)).evaluation.eligibility for one in (present, release)
        )
        for code in {**old, **new}:
            before, after = _brief(old.get(code)), _brief(new.get(code))
            if before == after:
                continue
            self.changed.add(copy.copy.id)
            if before[0] != after[0]:
                self.flips[code, before[0], after[0]] += 1
            if before[1] != after[1]:
                amount = (after[1] or 0) - (before[1] or 0)
                self.moved.append(amount)
                state, trade = document.answers["state"], document.answers["trade"]
                self.by_state[str(state.value) if state.is_answered else "none"] += amount
                self.by_industry[str(trade.value) if trade.is_answered else "none"] += amount


def _brief(outcome: ProductOutcome | None) -> tuple[str, int | None]:
    return ("", None) if outcome is None else (outcome.outcome, outcome.premium)


def report_on(copies: list[BookCopy], release: DraftRelease, present: DraftRelease = PRESENT) -> BookReport:
    supposition = suppose_release(present, release)
    builder = start_report(supposition)
    for effect in effects_on(copies, supposition, workers=1):
        builder.add(effect)
    return builder.report()


def assert_equals_brute_force(
    copies: list[BookCopy], release: DraftRelease, present: DraftRelease = PRESENT
) -> None:  # fmt: skip
    expected = Expected()
    for copy in copies:
        expected.add(copy, release, present)

    report = report_on(copies, release, present)

    assert report.copies == len(copies)
    assert {(flip.product, flip.before, flip.after): flip.count for flip in report.flips} == expected.flips
    assert Decimal(report.moved.amount) == sum(expected.moved)
    assert report.moved.count == len(expected.moved)
    for sums, by_group in ((report.by_state, expected.by_state), (report.by_industry, expected.by_industry)):
        assert {key: Decimal(one.amount) for key, one in sums.items()} == by_group
    for sums in (report.by_cause, report.by_product):
        assert sum(Decimal(one.amount) for one in sums.values()) == Decimal(report.moved.amount)
    if expected.moved:
        assert (report.spread.least, report.spread.greatest) == (min(expected.moved), max(expected.moved))
    assert report.changed >= len(expected.changed)


@pytest.mark.parametrize("name", DRAFTS)
def test_a_report_equals_deciding_each_copy(name: str) -> None:
    """The next draft follows as well, because two drafts can differ where neither differs from the catalogue."""
    names = list(DRAFTS)
    following = DRAFTS[names[(names.index(name) + 1) % len(names)]]
    for present, draft in ((PRESENT, DRAFTS[name]), (compiled_release(DRAFTS[name], 1), following)):
        copies = list(kennel_documents(present, amount(40, full=100)))
        assert_equals_brute_force(copies, compiled_release(draft), present)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["factor", "wider", "hiding"])
def test_a_report_on_ten_thousand_copies_equals_deciding_each(name: str) -> None:
    assert_equals_brute_force(list(kennel_documents(PRESENT, 10_000, seed=7)), compiled_release(DRAFTS[name]))


def test_every_cause_of_a_repriced_product_is_a_part_that_changed() -> None:
    report = report_on(list(kennel_documents(PRESENT, 150)), compiled_release(DRAFTS["factor"]))

    assert {cause.partition(": ")[2] for cause in report.by_cause} == {
        "term sum(houses.map(h, h.runs))",
        "factor CATS",
        "minimum",
    }


def test_renames_alone_change_nothing_and_are_no_causes() -> None:
    """The parts of a formula with new codes are the same parts; no question is hidden or asked anew."""
    copies = list(kennel_documents(PRESENT, 60))
    codes = {"cat_count": "cats", "houses": "barns", "runs": "boxes", "state": "place"}

    same = report_on(copies, compiled_release(renamed(codes)))
    dearer = report_on(copies, compiled_release(renamed(codes, DRAFTS["dearer"])))

    assert (same.changed, same.undecidable, same.hidden, same.shown) == (0, {}, {}, {})
    without = report_on(copies, compiled_release(DRAFTS["dearer"]))
    assert (dearer.hidden, dearer.shown, dearer.by_state) == ({}, {}, without.by_state)
    assert {
        cause.replace("barns", "houses").replace("boxes", "runs"): one for cause, one in dearer.by_cause.items()
    } == (without.by_cause)


def test_a_rule_that_goes_is_the_cause_of_what_comes_back() -> None:
    report = report_on(list(kennel_documents(PRESENT, 150)), compiled_release(DRAFTS["wider"]))

    assert report.opened > 0
    assert report.by_cause["PA-CARE: rule P1"].amount == report.gained.amount
    amounts = [(won.kind == "open", won.premium_after or 0) for won in report.win_back]
    assert all(one >= other for one, other in pairwise(amounts))


def test_the_lists_are_cut_and_the_counts_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_report, "MOST_LISTED", 3)
    whole = list(kennel_documents(PRESENT, 150))

    report = report_on(whole, compiled_release(DRAFTS["cheaper"]))

    assert len(report.win_back) == 3
    assert report.cheaper > 3
    saved = [(won.premium_before or 0) - (won.premium_after or 0) for won in report.win_back]
    assert saved == sorted(saved, reverse=True)


def _sabotaged(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    if name == "a product is not decided":
        monkeypatch.setattr(copy_effect, "redecide_product", lambda state, product, *, before, parts: before)
    elif name == "a copy is left out":
        monkeypatch.setattr(book_report.ReportBuilder, "add", _skipping(book_report.ReportBuilder.add))
    else:
        monkeypatch.setattr(copy_effect, "_place", lambda side, code: ("TX", "812910"))


def _skipping(add: Callable[..., None]) -> Callable[..., None]:
    seen: list[Any] = []

    def added(builder: Any, effect: Any) -> None:
        seen.append(effect)
        add(builder, replace(effect, products=()) if len(seen) % 50 == 7 else effect)

    return added


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a product is not decided", "a copy is left out", "a group is wrong"])
def test_a_faulty_report_is_detected(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    copies = list(kennel_documents(PRESENT, 400))
    release = compiled_release(DRAFTS["dearer"])
    assert_equals_brute_force(copies, release)

    _sabotaged(monkeypatch, name)

    with pytest.raises(AssertionError):
        assert_equals_brute_force(copies, release)


IN_FLAT_MEMORY = """
import itertools, resource, sys
import django
django.setup()
from decisions.supposition import suppose_release
from decisions.what_if import effects_on, start_report
from tests.harness.kennel_book import DRAFTS
from tests.harness.kennel_catalogue import KENNELS
from tests.harness.kennel_documents import compiled_release, kennel_documents

present = compiled_release(KENNELS, 1)
copies = list(kennel_documents(present, 500))
supposition = suppose_release(present, compiled_release(DRAFTS["factor"]))
def report(amount):
    builder = start_report(supposition)
    for effect in effects_on(itertools.islice(itertools.cycle(copies), amount), supposition, workers=1):
        builder.add(effect)
    return builder.report()
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
few, many = map(int, sys.argv[1:])
report(few)
before = peak()
assert report(many).copies == many
assert peak() <= 1.1 * before, (before, peak())
print("fine")
"""


@pytest.mark.slow
def test_memory_does_not_grow_from_ten_to_a_hundred_thousand_copies() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IN_FLAT_MEMORY, "10000", "100000"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, "fine\n"), done.stderr
