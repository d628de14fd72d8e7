"""The answers of the base beside those of another copy: shown where they differ, and only to who may read both."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from copies.document import Answer, AnsweredBy, Document, DocumentQuestionSet, PoolRow
from partner_engine.web.pages.cards import build_card
from partner_engine.web.pages.reading import CopyFacts, Reader, Reading
from tests.partner_engine.web.pages.test_form_page import KENNEL, evaluated

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SETS = [DocumentQuestionSet(code=code, added_by=AnsweredBy("rule")) for code in ("about", "dogs_set")]


def document(*dogs: PoolRow, **answers: Answer) -> Document:
    return Document(answers=answers, answer_pools={"dogs": list(dogs)}, question_sets=SETS)


def bases(own: Document, base: Document | None, *, sees_pii: bool = True) -> dict[str, str]:
    """Return the texts of the base by path, as the cards show them."""
    reading = Reading(
        facts=CopyFacts("c", "f", "", 3, NOW, date(2026, 6, 1)),
        reader=Reader(ZoneInfo("UTC"), NOW, sees_pii=sees_pii),
        catalogue=KENNEL,
        document=own,
        evaluation=evaluated(),
        load_base=lambda: base,
    )
    fields = [*build_card(reading, "about").fields]
    pool = build_card(reading, "dogs_set").pool
    assert pool is not None
    fields += [found for row in pool.rows for found in row.fields]
    return {found.path: found.base for found in fields if found.base}


def dog(identity: str, name: str | None, *, lineage: str | None = None) -> PoolRow:
    return PoolRow(id=identity, answers={"dog_name": Answer(value=name)}, lineage=lineage)


def test_only_what_differs_is_shown() -> None:
    base = document(dog("d1", "Rex"), dog("d2", "Fido"), name=Answer(value="Happy Paws"))
    own = document(dog("d1", "Max"), dog("d2", "Fido"), name=Answer(value="Happy Paws"))

    assert bases(own, base) == {"dogs/d1/dog_name": "Rex"}
    assert bases(own, None) == {}


def test_a_cloned_row_is_the_same_row_and_a_new_one_has_no_base() -> None:
    base, own = document(dog("d1", "Rex")), document(dog("n1", "Max", lineage="d1"), dog("n2", "New"))

    assert bases(own, base) == {"dogs/n1/dog_name": "Rex"}


def test_no_answer_is_said_and_an_unknown_question_is_not() -> None:
    own = document(name=Answer(value="Happy Paws"))

    assert bases(own, document(name=Answer())) == {"name": "no answer"}
    assert bases(own, document(name=Answer(value="Gone", active=False))) == {"name": "no answer"}
    assert bases(own, document()) == {}


def test_what_the_reader_may_not_see_is_never_compared() -> None:
    base = document(keeper=Answer(value="Kim"), licence=Answer(sealed=b"x", mask="•••• 1"))
    own = document(keeper=Answer(value="Lee"), licence=Answer(sealed=b"y", mask="•••• 2"))

    assert bases(own, base) == {"keeper": "Kim"}
    assert bases(own, base, sees_pii=False) == {}
