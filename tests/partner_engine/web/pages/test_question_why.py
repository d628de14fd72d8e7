"""Why a question is asked, since when and who needs it; values that the reader may not see are masked."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from copies.changes import Cause, Change
from copies.document import Document
from copies.mask import HIDDEN
from partner_engine.web.pages.question_why import Appearance, QuestionWhy, appears_in, explain_question, since_text
from partner_engine.web.pages.reading import CopyFacts, Reader, Reading
from rules.explain.trace import Explanation, explain_hidden
from tests.harness.boarding_catalogue import ANSWERS, AS_OF, BOARDING, boarding, document, settle

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
RULE, ROBIN = Cause("rule"), Cause("user", "1")


def reading(made: Document, *, sensitive: str = "", sees_pii: bool = True) -> Reading:
    source: dict[str, Any] = copy.deepcopy(BOARDING)
    for question in (found for part in source["question_sets"] for found in part["questions"]):
        if question["code"] == sensitive:
            question["sensitivity"] = "pii"
    catalogue = boarding(**source)
    return Reading(
        facts=CopyFacts("c", "f", "", 3, NOW, AS_OF),
        reader=Reader(ZoneInfo("UTC"), NOW, sees_pii=sees_pii),
        catalogue=catalogue,
        document=made,
        evaluation=settle(catalogue, made),
    )


def why(path: str, *, sensitive: str = "", sees_pii: bool = True, **answers: Any) -> tuple[QuestionWhy, frozenset[str]]:
    seen = reading(document({**ANSWERS, **answers}), sensitive=sensitive, sees_pii=sees_pii)

    def explain(targets: Iterable[str]) -> dict[str, Explanation]:
        return explain_hidden(
            seen.catalogue,
            seen.document,
            targets,
            as_of=AS_OF,
            reveal=lambda path, answer: answer.value,
            visibility=seen.visibility,
        )

    found = explain_question(seen, explain, path)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("path", "answers", "asked", "values"),
    [
        ("income", {}, "Asked on every form.", []),
        ("vet", {"exotic": True}, "Asked because “Exotic pets?” is Yes.", [("Exotic pets?", "Yes")]),
        ("vet", {}, "Hidden because “Exotic pets?” is No; shown when “Exotic pets?” is Yes.", []),
        ("paw_survey", {}, "Asked because Paw Mutual Care asks it.", []),
        ("kennels/a/street", {}, "Asked because “Cover” includes Animal care.", [("Cover", "Animal care")]),
    ],
)
def test_a_question_says_because_of_what_it_is_asked(
    path: str, answers: dict[str, Any], asked: str, values: list[tuple[str, str]]
) -> None:
    found, _ = why(path, **answers)

    assert found.asked == asked
    assert [(link.text, text) for link, text in found.values] == values


def test_values_that_the_reader_may_not_see_are_masked() -> None:
    found, codes = why("vet", sensitive="exotic", sees_pii=False, exotic=True)

    assert [text for _, text in found.values] == [HIDDEN]
    assert codes == {"exotic"}


def test_products_of_the_form_are_named_with_what_they_use_the_answer_for() -> None:
    income, _ = why("income")
    exotic, _ = why("exotic")
    survey, _ = why("paw_survey", paw_survey=None)
    other, _ = why("income", wanted=["fire"])

    assert income.needed_by == ("Paw Mutual Care (price)",)
    assert exotic.needed_by == ("Paw Mutual Care (rules)",)
    assert exotic.shows == "“Vet on call?”"
    assert survey.needed_by == ("Paw Mutual Care (its own question and rules)",)
    assert survey.needed == "Needed to quote."
    assert (other.needed_by, other.others) == ((), ("Paw Mutual Care",))


def test_an_unknown_question_has_no_menu() -> None:
    seen = reading(document(ANSWERS))

    assert explain_question(seen, lambda _: {}, "nothing") is None
    assert explain_question(seen, lambda _: {}, "kennels/zz/street") is None


VET = Change("vet", None, None, RULE, active=True)


@pytest.mark.parametrize(
    ("version", "cause", "changes", "text"),
    [
        (
            4,
            ROBIN,
            [Change("exotic", False, True, ROBIN), VET],
            "(version 4), when Robin Hale answered “Exotic pets?”.",
        ),
        (4, ROBIN, [Change("income", 1, 2, ROBIN), VET], "(version 4)."),
        (4, Cause("release", "7"), [VET], "(version 4), with a new release of the catalogue."),
        (1, ROBIN, [Change("exotic", None, True, ROBIN), VET], "(version 1), from the start."),
    ],
)
def test_the_version_that_brought_a_question_names_what_did(
    version: int, cause: Cause, changes: list[Change], text: str
) -> None:
    found = Appearance(version, NOW, "Robin Hale", cause, changes)

    assert since_text(reading(document(ANSWERS)), "vet", frozenset({"exotic"}), found) == (
        f"Asked since today 12:00 {text}"
    )


def test_a_question_of_rows_comes_with_its_row() -> None:
    added = [Change("kennels/b", None, "", ROBIN)]
    path = "kennels/b/street"

    assert appears_in(path, added)
    assert not appears_in("kennels/a/street", added)
    assert not appears_in("vet", [Change("vet", None, None, RULE, active=False), Change("vet", None, True, ROBIN)])
    assert since_text(
        reading(document(ANSWERS)), path, frozenset(), Appearance(2, NOW, "Robin Hale", ROBIN, added)
    ) == ("Asked since today 12:00 (version 2), when Robin Hale added the row.")
