"""Which answers make other questions appear: the page waits for those."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from copies.changes import Cause, Change
from copies.document import Answer, Document
from partner_engine.web.pages.dependants import PutAway, names_of_shown, opens_questions, put_away
from partner_engine.web.pages.reading import CopyFacts, Reader, Reading
from rules.definition.catalogue import CatalogueDefinition, Derived, Pool, Question, QuestionSet
from rules.definition.compiler import compile_catalogue
from rules.flow.evaluation import Evaluation

KENNEL = compile_catalogue(
    CatalogueDefinition(
        code="kennel",
        title="Kennel",
        derived=(Derived(code="many", value="dogs > 5"), Derived(code="twice", value="cats * 2")),
        question_sets=(
            QuestionSet(
                code="about",
                title="About",
                questions=(
                    Question(code="dogs", label="Dogs", type="integer"),
                    Question(code="cats", label="Cats", type="integer"),
                    Question(code="boards", label="Boarding?", type="boolean"),
                    Question(code="vet", label="Vet?", type="boolean"),
                    Question(code="night", label="Night guard?", type="boolean", when="many"),
                    Question(code="hours", label="Hours", type="text", when="vet", sensitivity="pii"),
                ),
            ),
            QuestionSet(
                code="stays",
                title="Stays",
                when="boards",
                pool=Pool(code="stays"),
                questions=(Question(code="guest", label="Guest", type="text"),),
            ),
        ),
    )
)
USER, RULE = Cause("user"), Cause("rule", "x")


def reading(*, sees_pii: bool = True) -> Reading:
    now = datetime(2026, 6, 1, 12, tzinfo=UTC)
    return Reading(
        facts=CopyFacts("c", "f", "", 3, now, date(2026, 6, 1)),
        reader=Reader(ZoneInfo("UTC"), now, sees_pii=sees_pii),
        catalogue=KENNEL,
        document=Document(answers={code: Answer() for code in ("dogs", "cats", "boards", "vet", "night", "hours")}),
        evaluation=Evaluation(release=1, as_of=date(2026, 6, 1)),
    )


@pytest.mark.parametrize(
    ("code", "opens"),
    [("boards", True), ("vet", True), ("dogs", True), ("cats", False), ("night", False), ("guest", False)],
)
def test_an_answer_opens_questions_if_a_condition_reads_it_also_through_a_derived_value(
    code: str, *, opens: bool
) -> None:
    assert opens_questions(KENNEL, code) is opens


def test_a_group_is_named_instead_of_its_questions() -> None:
    changes = [
        Change("boards", None, True, USER),
        Change("question_sets/stays", None, "open", RULE),
        Change("stays/1/guest", None, None, RULE, active=True),
        Change("night", True, True, RULE, active=False),
    ]

    assert names_of_shown(reading(), changes) == (["the group Stays"], ["Night guard"])


def test_questions_that_an_answer_hides_are_counted_at_its_path() -> None:
    hidden = Change("night", True, True, RULE, active=False)

    found = put_away(reading(), [Change("dogs", 6, 2, USER), hidden], ["dogs"])

    assert found == PutAway("dogs", "1 question put away, answers kept")


def test_nothing_is_put_away_by_two_answers_at_once_or_by_none() -> None:
    hidden = Change("night", None, None, RULE, active=False)
    both = [Change("dogs", 6, 2, USER), Change("cats", 1, 2, USER)]

    assert put_away(reading(), [*both, hidden], ["dogs", "cats"]) is None
    assert put_away(reading(), [hidden], ["dogs"]) is None
    assert put_away(reading(), both[:1], ["dogs"]) is None


def test_nothing_of_an_answer_that_the_reader_may_not_see_is_shown() -> None:
    changes = [Change("hours", "9-5", "9-6", USER), Change("night", None, None, RULE, active=False)]

    found = put_away(reading(sees_pii=False), changes, ["hours"])

    assert found == PutAway("hours", "1 question put away")
