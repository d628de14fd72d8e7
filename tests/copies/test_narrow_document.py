"""A narrow document has everything of a document except its authors and times."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from copies.codec import UnreadableDocument, decode_document, decode_narrow_document, encode_document
from copies.document import (
    Answer,
    AnsweredBy,
    Confirmation,
    Document,
    DocumentQuestionSet,
    PoolRow,
    walk_answers,
)
from copies.narrow_document import NarrowAnswer, NarrowConfirmation, NarrowDocument, NarrowQuestionSet, NarrowRow

NOW = datetime(2026, 6, 1, tzinfo=UTC)
BY = AnsweredBy("user", "7", "web")


@pytest.mark.parametrize(
    ("whole", "narrow", "left_out"),
    [
        (Answer, NarrowAnswer, {"answered_by", "created_at", "updated_at", "erased_at", "display_type"}),
        (Confirmation, NarrowConfirmation, {"by", "at"}),
        (PoolRow, NarrowRow, {"created_at"}),
        (DocumentQuestionSet, NarrowQuestionSet, {"added_by", "created_at"}),
        (Document, NarrowDocument, set()),
    ],
)
def test_only_authors_and_times_are_left_out(whole: type, narrow: type, left_out: set[str]) -> None:
    assert set(whole.__struct_fields__) - set(narrow.__struct_fields__) == left_out  # type: ignore[attr-defined]
    assert set(narrow.__struct_fields__) <= set(whole.__struct_fields__)  # type: ignore[attr-defined]


def test_it_reads_as_the_whole_document_does() -> None:
    confirmed = (Confirmation("vin_check_digit", BY, NOW),)
    answers = {
        "plain": Answer(value=["a", "b"], answered_by=BY, updated_at=NOW, confirmed=confirmed),
        "sealed": Answer(sealed=b"secret", mask="\u2022\u2022\u2022\u20221", tag="spi", active=False, required="bind"),
        "empty": Answer(readonly=True),
    }
    row = PoolRow(id="r", answers=answers, answer_pools={"inner": [PoolRow(id="s", answers=answers)]}, created_at=NOW)
    sets = [DocumentQuestionSet(code="start", added_by=BY, completed_at=NOW)]
    content = encode_document(Document(answers=answers, answer_pools={"rows": [row]}, question_sets=sets))

    whole, narrow = decode_document(content), decode_narrow_document(content)

    assert [path for path, _ in walk_answers(narrow)] == [path for path, _ in walk_answers(whole)]
    for (_, expected), (_, found) in zip(walk_answers(whole), walk_answers(narrow), strict=True):
        for name in ("value", "sealed", "mask", "tag", "active", "required", "readonly", "is_answered"):
            assert getattr(found, name) == getattr(expected, name)
        assert found.is_confirmed("vin_check_digit") == expected.is_confirmed("vin_check_digit")
    assert [part.completed_at for part in narrow.question_sets] == [NOW]
    with pytest.raises(UnreadableDocument):
        decode_narrow_document(b"")
