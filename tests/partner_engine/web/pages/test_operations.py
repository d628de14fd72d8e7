"""What the pages of operations say: bars, counters, orders, and the question that somebody typed."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_engine.web.pages.operation_fields import AskableQuestion, FieldFault, arguments_of, find_question
from partner_engine.web.pages.operations import BAR, build_filters, build_operation, item_text, orders_of, time_left

QUESTIONS = (
    AskableQuestion("revenue", "Annual revenue"),
    AskableQuestion("alcohol_revenue", "Annual revenue from alcohol"),
    AskableQuestion("deductible", "Deductible"),
)


@dataclass(frozen=True)
class Given:
    """Counts of an operation as a test states them."""

    state: str = "in_progress"
    stage: str = "Running"
    total: int = 2000
    queued: int = 480
    in_progress: int = 40
    completed: int = 1430
    failed: int = 50
    cancelled: int = 0
    progress_percent: float = 74.0
    seconds_left: float | None = 6.2


def view(counts: Given = Given()) -> object:
    return build_operation(
        identity="1", title="Set answers", counts=counts, is_dry_run=False, pause_reason="", stopped_reason=""
    )


def test_the_head_says_how_far_it_is() -> None:
    shown = view()

    assert (shown.count, shown.percent, shown.left) == ("1,480 of 2,000 forms", "74.0%", "about 6 s left")
    assert shown.spoken == "1,480 of 2,000 forms, 74.0%"


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_the_bar_never_leaves_its_frame(completed: int, failed: int, queued: int) -> None:
    counts = Given(total=completed + failed + queued, completed=completed, failed=failed, queued=queued)
    shown = view(counts)

    assert 0 <= shown.good <= BAR
    assert 0 <= shown.bad <= BAR
    assert shown.good + shown.bad <= BAR + 1


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0.2, "about 1 s left"),
        (59, "about 59 s left"),
        (150, "about 2 min left"),
        (5400, "about 1.5 h left"),
    ],
)
def test_the_time_left_is_in_words(seconds: float | None, words: str) -> None:
    assert time_left(seconds) == words


def test_an_operation_with_failures_says_so() -> None:
    assert view(Given(state="partial", stage="Completed with failures")).word == "Completed with failures"


def test_counters_without_items_are_left_out_except_those_that_matter() -> None:
    filters = build_filters(Given(queued=0, failed=0), rejected=0, current="completed")

    assert [(one.code, one.current) for one in filters] == [
        ("in_progress", False),
        ("completed", True),
        ("failed", False),
    ]


@pytest.mark.parametrize(
    ("counts", "is_dry_run", "codes"),
    [
        (Given(), False, ["pause", "cancel"]),
        (Given(state="paused"), False, ["resume", "cancel"]),
        (Given(state="partial"), False, ["retry", "undo"]),
        (Given(state="completed", failed=0), True, ["run"]),
        (Given(state="cancelled", failed=0, completed=0), False, []),
    ],
)
def test_only_what_can_be_done_now_is_offered(counts: Given, is_dry_run: bool, codes: list[str]) -> None:
    found = orders_of(counts, is_dry_run=is_dry_run, may_undo=not is_dry_run, may_write=True, has_plan=is_dry_run)

    assert [order.code for order in found] == codes
    assert orders_of(counts, is_dry_run=is_dry_run, may_undo=True, may_write=False, has_plan=True) == ()


def test_an_item_says_why_it_failed_or_what_it_did() -> None:
    assert item_text("failed", "Locked by an underwriter.", {}) == "Locked by an underwriter."
    assert item_text("completed", "", {"outcome": "unchanged"}) == "Nothing to change"
    assert item_text("completed", "", {"summary": "2 answers set"}) == "2 answers set"
    assert item_text("cancelled", "", {}) == "Cancelled before it began"


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("deductible", "deductible"),
        ("Annual revenue", "revenue"),
        ("from alc", "alcohol_revenue"),
        (" DEDUCT ", "deductible"),
    ],
)
def test_a_question_is_found_by_code_label_or_a_part_of_it(typed: str, code: str) -> None:
    assert find_question(typed, QUESTIONS).code == code


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "Choose the question"),
        ("revenu", "Several questions match"),
        ("payroll", "No question is called “payroll”"),
    ],
)
def test_a_question_that_is_not_clear_is_refused_with_the_remedy(typed: str, words: str) -> None:
    with pytest.raises(FieldFault, match=words):
        find_question(typed, QUESTIONS)


def test_an_empty_value_clears_the_answer() -> None:
    values = {"question": "deductible", "value": "", "owner": ""}

    assert arguments_of("set_answers", values, questions=QUESTIONS) == {"answers": {"deductible": None}}
