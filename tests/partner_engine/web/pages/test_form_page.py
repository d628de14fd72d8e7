"""Page models of a small catalogue made by hand: a different line of business from the demo's."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from copies.changes import Cause, Change
from copies.document import Answer, AnsweredBy, Document, DocumentQuestionSet, PoolRow, Proposal
from copies.paths import Path
from partner_engine.web.pages.cards import build_card, build_row
from partner_engine.web.pages.changed_fields import answered_parts, build_field_at
from partner_engine.web.pages.differences import Parts, changed_parts, sentence
from partner_engine.web.pages.form_page import build_nav
from partner_engine.web.pages.products import errors
from partner_engine.web.pages.question_counts import LONG_POOL
from partner_engine.web.pages.reading import CopyFacts, Reader, Reading
from rules.definition.catalogue import CatalogueDefinition, Pool, Question, QuestionSet
from rules.definition.compiler import compile_catalogue
from rules.flow.evaluation import Evaluation, Message, Needed

KENNEL = compile_catalogue(
    CatalogueDefinition(
        code="kennel",
        title="Kennel",
        title_question="name",
        choices={"size": {"s": "Small", "l": "Large"}},
        question_sets=(
            QuestionSet(
                code="about",
                title="About (the kennel)",
                questions=(
                    Question(code="name", label="Name", type="text", required="quote"),
                    Question(code="keeper", label="Keeper", type="text", sensitivity="pii"),
                    Question(code="licence", label="Licence", type="text", sensitivity="spi"),
                ),
            ),
            QuestionSet(
                code="dogs_set",
                title="Dogs",
                pool=Pool(code="dogs", max=40, key=("dog_name",)),
                questions=(
                    Question(code="dog_name", label="Dog", type="text", required="quote"),
                    Question(code="dog_size", label="Size", type="choice", choices="size"),
                ),
            ),
            QuestionSet(
                code="cats_set", title="Cats", questions=(Question(code="cats", label="Cats", type="integer"),)
            ),
        ),
    )
)
RULE = Cause("rule", "set:cats_set")


def dog(number: int, name: str | None = None) -> PoolRow:
    return PoolRow(id=f"d{number}", answers={"dog_name": Answer(value=name, required="quote"), "dog_size": Answer()})


def reading(
    *dogs: PoolRow, evaluation: Evaluation | None = None, sees_pii: bool = True, open_rows: frozenset[str] = frozenset()
) -> Reading:
    now = datetime(2026, 6, 1, 12, tzinfo=UTC)
    document = Document(
        answers={
            "name": Answer(value="Happy Paws", required="quote"),
            "keeper": Answer(value="Kai Demo"),
            "licence": Answer(sealed=b"x", mask="•••• 77"),
        },
        answer_pools={"dogs": list(dogs)},
        question_sets=[DocumentQuestionSet(code=code, added_by=AnsweredBy("rule")) for code in ("about", "dogs_set")],
    )
    return Reading(
        facts=CopyFacts("c", "f", "", 3, now, date(2026, 6, 1)),
        reader=Reader(ZoneInfo("UTC"), now, sees_pii=sees_pii),
        catalogue=KENNEL,
        document=document,
        evaluation=evaluation or evaluated(),
        open_rows=open_rows,
    )


def evaluated(*messages: Message, quote: tuple[str, ...] = ()) -> Evaluation:
    return Evaluation(release=1, as_of=date(2026, 6, 1), needed=Needed(quote, quote), messages=messages)


def test_sets_that_are_not_on_the_document_keep_a_hidden_place() -> None:
    card = build_card(reading(), "cats_set")

    assert (card.visible, card.fields, card.pool) == (False, (), None)


@pytest.mark.parametrize(("sees_pii", "keeper"), [(True, "Kai Demo"), (False, "")])
def test_masked_answers_are_not_in_the_page_model(*, sees_pii: bool, keeper: str) -> None:
    fields = {field.path: field for field in build_card(reading(sees_pii=sees_pii), "about").fields}

    assert fields["keeper"].text == keeper
    assert fields["licence"].text == ""
    assert fields["licence"].placeholder == "•••• 77"
    assert "Kai" in repr(fields) if sees_pii else "Kai" not in repr(fields)


@pytest.mark.parametrize(("sees_pii", "number"), [(True, 3), (False, 2)])
def test_a_card_counts_the_proposed_answers_that_its_reader_sees(*, sees_pii: bool, number: int) -> None:
    shown = reading(dog(1), sees_pii=sees_pii)
    shown.document.answers["name"].proposed = Proposal("Paws")
    shown.document.answers["keeper"].proposed = Proposal("Max Demo", tag="pii")
    shown.document.answer_pools["dogs"][0].answers["dog_name"].proposed = Proposal("Rex")

    assert build_card(shown, "about").proposed + build_card(shown, "dogs_set").proposed == number


def test_rows_are_named_by_the_pools_key() -> None:
    pool = build_card(reading(dog(1, "Rex"), dog(2)), "dogs_set").pool

    assert pool is not None
    assert [(row.number, row.title, row.noun) for row in pool.rows] == [(1, "Rex", "dog"), (2, "", "dog")]
    assert [field.widget for field in pool.rows[0].fields] == ["text", "segments"]


def test_long_pool_builds_only_open_rows() -> None:
    many = reading(*(dog(number) for number in range(LONG_POOL + 1)), open_rows=frozenset({"d3"}))

    pool = build_card(many, "dogs_set").pool

    assert pool is not None
    assert [row.id for row in pool.rows if row.fields] == ["dogs-d3"]
    assert build_row(many, "dogs/d4").closed  # type: ignore[union-attr]
    assert build_row(many, "dogs/gone") is None


def test_progress_counts_what_is_needed_then_what_is_answered() -> None:
    waiting = build_nav(reading(dog(1), evaluation=evaluated(quote=("dogs/d1/dog_name",))))
    done = build_nav(reading(dog(1, "Rex")))

    assert [(item.title, item.progress, item.tone) for item in waiting] == [
        ("About", "3 of 3", "done"),
        ("Dogs", "1 needed", "needed"),
    ]
    assert done[1].progress == "1 row"


def test_needed_answers_are_counted_by_rows_and_sets() -> None:
    paths = ("name", "licence", "cats", "dogs", "gone", "dogs/d1/dog_name", "dogs/d1/dog_size", "dogs/d2/dog_name")
    deep = ("dogs/d2/puppies/p1/name", "dogs/d2/puppies/p1/age", "dogs/d2/puppies", "gone/g1/name")
    found = reading(dog(1), dog(2), evaluation=evaluated(quote=paths + deep))

    assert found.needed_in_rows == Counter(row for path in paths + deep for row in Path(path).rows_around())
    assert found.needed_in_rows["dogs/d2"] == 4
    assert found.needed_in_sets == Counter(found.top_set(path) for path in paths + deep)
    assert found.needed_in_sets["dogs_set"] == 7


def test_errors_link_to_their_rows() -> None:
    wrong = Message("error", "dogs/d2/dog_name", "max", "Too long.")

    ((link, text),) = errors(reading(dog(1), dog(2), evaluation=evaluated(wrong)))

    assert (link.path, link.id, link.text, text) == (
        "dogs/d2/dog_name",
        "dogs-d2-dog_name",
        "Dog (Dogs 2)",
        "Too long.",
    )


@pytest.mark.parametrize(
    ("changes", "after", "parts"),
    [
        ((Change("name", None, "x", Cause("user")),), evaluated(), Parts(("about",))),
        ((Change("dogs/d1/dog_name", None, "x", Cause("user")),), evaluated(), Parts((), ("dogs/d1",))),
        ((Change("dogs/d9", None, "d9", Cause("user")),), evaluated(), Parts(("dogs_set",))),
        ((Change("question_sets/cats_set", None, "open", RULE),), evaluated(), Parts(("cats_set",))),
        ((Change("copy/title", "", "x", Cause("user")),), evaluated(), Parts(())),
        ((), evaluated(Message("warn", "dogs/d1/dog_name", "w", "Hm.")), Parts((), ("dogs/d1",))),
        ((), evaluated(quote=("name",)), Parts(("about",))),
        (
            tuple(Change(f"dogs/d{number}/dog_name", None, "x", RULE) for number in range(9)),
            evaluated(),
            Parts(("dogs_set",)),
        ),
    ],
)
def test_only_changed_parts_are_sent(changes: tuple[Change, ...], after: Evaluation, parts: Parts) -> None:
    assert changed_parts(reading(dog(1), evaluation=after), evaluated(), changes) == parts


def test_the_sentence_names_shown_and_hidden_questions() -> None:
    changes = [Change("cats", None, None, RULE, active=True), Change("keeper", "x", "x", RULE, active=False)]

    assert sentence(reading(), changes, {}) == "Saved. Cats appeared. Keeper disappeared."


NAMED = Change("name", None, "x", Cause("user"))
DOG_NAMED = Change("dogs/d1/dog_name", None, "x", Cause("user"))


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ((NAMED,), Parts((), fields=("name",))),
        ((DOG_NAMED,), Parts((), heads=("dogs/d1",), fields=("dogs/d1/dog_name",))),
        ((NAMED, Change("keeper", None, None, RULE, active=True)), Parts(("about",))),
        ((NAMED, Change("question_sets/about", None, "open", RULE)), Parts(("about",))),
        ((Change("name", None, "x", Cause("user"), proposed=""),), Parts(("about",))),
        ((Change("dogs/d1/dog_name", None, "x", Cause("user"), proposed=""),), Parts(("dogs_set",))),
        ((DOG_NAMED, Change("dogs/d9", None, "d9", Cause("user"))), Parts(("dogs_set",))),
        (
            tuple(Change(f"dogs/d{number}/dog_name", None, "x", RULE) for number in range(9)),
            Parts(("dogs_set",)),
        ),
    ],
)
def test_a_save_of_answers_sends_single_fields_where_nothing_else_changed(
    changes: tuple[Change, ...], parts: Parts
) -> None:
    shown = reading(dog(1), evaluation=evaluated())

    assert answered_parts(shown, evaluated(), changes) == parts


def test_a_message_alone_sends_its_field_and_the_head_of_its_row() -> None:
    shown = reading(dog(1), evaluation=evaluated(Message("error", "dogs/d1/dog_name", "max", "Too long.")))

    parts = answered_parts(shown, evaluated(), ())

    assert parts == Parts((), heads=("dogs/d1",), fields=("dogs/d1/dog_name",))


def test_rows_of_a_long_pool_that_are_closed_are_sent_as_rows() -> None:
    dogs = [dog(number) for number in range(1, LONG_POOL + 2)]

    closed = answered_parts(reading(*dogs), evaluated(), (DOG_NAMED,))
    opened = answered_parts(replace(reading(*dogs), open_rows=frozenset(("d1",))), evaluated(), (DOG_NAMED,))

    assert closed == Parts((), ("dogs/d1",))
    assert opened.fields == ("dogs/d1/dog_name",)


def test_rows_of_a_copy_are_sent_as_rows_because_another_answer_can_match_another_row_of_the_base() -> None:
    shown = replace(reading(dog(1)), load_base=Document)

    assert answered_parts(shown, evaluated(), (DOG_NAMED, NAMED)) == Parts((), ("dogs/d1",), fields=("name",))


def test_a_single_field_is_built_as_in_its_card() -> None:
    shown = reading(dog(1, "Rex"))

    assert build_field_at(shown, "name") in build_card(shown, "about").fields
    row = build_row(shown, "dogs/d1")
    assert row is not None
    assert build_field_at(shown, "dogs/d1/dog_size") in row.fields
    assert build_field_at(shown, "nothing") is None
