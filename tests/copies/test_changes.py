"""Folding changes of several versions into one per path."""

import pytest

from copies.changes import Cause, Change, fold, outside_title

USER = Cause("user", "1")
RULE = Cause("rule", "FR-01")


def test_fold_keeps_first_before_and_last_after() -> None:
    changes = [Change("a", None, 1, USER), Change("b", "x", "y", USER), Change("a", 1, 2, RULE)]

    folded = fold(changes)

    assert folded == [Change("a", None, 2, RULE), Change("b", "x", "y", USER)]


def test_fold_leaves_out_undone_changes() -> None:
    assert fold([Change("a", 1, 2, USER), Change("a", 2, 1, USER)]) == []


def test_fold_keeps_a_question_that_went_with_its_value_unchanged() -> None:
    hidden = Change("a", 1, 1, RULE, active=False)

    assert fold([hidden]) == [hidden]


def test_fold_keeps_the_earlier_state_when_the_later_change_has_none() -> None:
    folded = fold([Change("a", None, None, RULE, active=True, required="quote"), Change("a", None, 3, USER)])

    assert folded == [Change("a", None, 3, USER, active=True, required="quote")]


def test_fold_leaves_out_a_question_that_went_and_came_back() -> None:
    went = Change("a", 1, 1, RULE, active=False, required="")
    came = Change("a", 1, 1, RULE, active=True, required="quote")

    assert fold([went, came]) == []
    assert fold([came, went]) == []
    assert fold([went, came, went]) == [went]


def test_fold_leaves_out_changes_in_a_removed_row() -> None:
    added = [Change("p/1", None, "1", USER), Change("p/1/a", None, 5, USER), Change("p/1/q/2", None, "2", USER)]
    inner = Change("p/1/q/2/b", None, 7, USER)
    removed = Change("p/1", "1", None, USER)

    assert fold([*added, inner, removed]) == []
    assert fold([Change("p/1/a", 5, 6, USER), removed]) == [removed]
    assert fold([*added, inner]) == [*added, inner]


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("copy/locked_at", "Copy: locked at"),
        ("application_form/reference", "Form: reference"),
        ("copy.quote_requests/1", "Quote requests"),
        ("form.dispositions/1", "Dispositions"),
    ],
)
def test_paths_outside_the_document_have_titles(path: str, title: str) -> None:
    assert outside_title(path) == title


def test_a_sensitive_answer_that_is_the_same_again_is_not_left_out() -> None:
    there, back = Change("a", 1, 2, USER, tag="pii"), Change("a", 2, 1, USER, tag="pii")

    assert fold([there, back]) == [Change("a", 1, 1, USER, tag="pii")]
    assert fold([Change("a", 1, 1, USER, tag="pii")]) == [Change("a", 1, 1, USER, tag="pii")]
    assert fold([Change("a", 1, 2, USER, tag="spi"), Change("a", 2, 3, USER)]) == [Change("a", 1, 3, USER, tag="spi")]
