"""No text of a message shows an answer that its reader may not see: for every pair of sensitivities then and now."""

from __future__ import annotations

import itertools
from datetime import date
from typing import Any, Final

import msgspec
import pytest

from batch.changes.open_values import mask_evaluation, secrets_of
from copies.document import Answer, Document, PoolRow
from presentation.visibility import NOBODY, Reader, Visibility
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.compiler import compile_catalogue
from rules.definition.model import CompiledCatalogue
from rules.flow import check_flow
from rules.flow.evaluation import Evaluation

LEVELS: Final = ("", "pii", "spi")
PAIRS: Final = list(itertools.product(LEVELS, repeat=2))
#: The answers, and the words by which a text would show each: its own, or what is computed from it.
ANSWERS: Final[dict[str, Any]] = {
    "low": 3,
    "least": 411,
    "other": 522,
    "zip": "10001",
    "code": "442110",
    "near": "10098",
}
SHOWN: Final = {
    "least": ("411",),
    "other": ("522",),
    "zip": ("in NY",),
    "code": ("442110", "449"),
    "near": ("digits",),
    "share": ("140",),
}
READERS: Final = {"with": Reader(sees_personal=True), "without": Reader(), "guest": Reader(guest_id="g"), "all": NOBODY}


def catalogue(level: str, of: str, **changes: Any) -> CompiledCatalogue:
    """Return a catalogue in which the question ``of`` is as sensitive as ``level``."""
    questions: list[dict[str, Any]] = [
        {"code": "low", "type": "integer", "validate": ["min_of:least", "min_of:other", "min_of:twice"]},
        {"code": "least", "type": "integer"},
        {"code": "other", "type": "integer"},
        {"code": "state", "type": "choice", "choices": "states"},
        {"code": "zip", "type": "zip", "validate": ["zip_matches_state:state"]},
        {"code": "near", "type": "zip"},
        {"code": "code", "type": "naics", "validate": ["naics6"]},
    ]
    rows = [{"code": "share", "type": "percent", "validate": ["pool_sum_max:100"]}]
    for question in (*questions, *rows):
        question["label"] = question["code"]
        question["sensitivity"] = level if question["code"] == of else ""
    definition = {
        "code": "c",
        "title": "C",
        "choices": {"states": {"TX": "Texas"}},
        "question_sets": [
            {"code": "s", "title": "S", "questions": questions},
            {"code": "r", "title": "R", "pool": {"code": "rows"}, "questions": rows},
        ],
        "derived": [{"code": "twice", "value": "other * 2"}],
        **changes,
    }
    return compile_catalogue(msgspec.convert(definition, CatalogueDefinition))


def document(level: str, of: str) -> Document:
    """Return the answers, that of ``of`` as it is stored when its question is as sensitive as ``level``."""
    made = Document(answers={code: Answer(value=value) for code, value in {**ANSWERS, "state": "TX"}.items()})
    made.answer_pools["rows"] = [PoolRow(id=str(number), answers={"share": Answer(value=70)}) for number in range(2)]
    for answers in (made.answers, *(row.answers for row in made.answer_pools["rows"])):
        if of in answers and level == "spi":
            answers[of] = Answer(sealed=msgspec.json.encode(answers[of].value), mask="••••")
        elif of in answers:
            answers[of].tag = level
    return made


def decided(made: CompiledCatalogue, answers: Document) -> Evaluation:
    result = check_flow.run(
        made,
        answers,
        as_of=date(2026, 6, 1),
        release=1,
        reveal=lambda path, answer: msgspec.json.decode(answer.sealed or b""),
    )
    return result.evaluation


def texts(evaluation: Evaluation) -> str:
    return "\n".join(message.text for message in evaluation.messages)


def shows(text: str, code: str) -> bool:
    return any(word in text for word in (*SHOWN[code], *(["1,044"] if code == "other" else [])))


def test_the_texts_show_public_answers() -> None:
    evaluation = decided(catalogue("", ""), document("", ""))

    assert [code for code in SHOWN if not shows(texts(evaluation), code)] == []
    assert Visibility(catalogue("", ""), NOBODY).messages(evaluation.messages, Document) == list(evaluation.messages)


@pytest.mark.parametrize("of", SHOWN)
@pytest.mark.parametrize(("then", "now"), PAIRS)
def test_no_text_shows_what_its_reader_may_not_see(of: str, then: str, now: str) -> None:
    stored, today = document(then, of), catalogue(now, of)
    stricter = max(then, now, key=LEVELS.index)
    # Decided at a read under the release of today; stored by the one of then; seen after the relations are gone.
    evaluations = {"today": decided(today, stored), "then": decided(catalogue(then, of), stored)}

    for when, evaluation in evaluations.items():
        for name, reader in READERS.items():
            visibility = Visibility(today, reader, past=[{of: then}])  # type: ignore[dict-item]
            shown = "\n".join(message.text for message in visibility.messages(evaluation.messages, lambda: stored))
            is_hidden = stricter == "spi" or (stricter == "pii" and name != "with")
            assert not (is_hidden and shows(shown, of)), (when, name, shown)
            assert [message.code for message in visibility.messages(evaluation.messages, lambda: stored)] == [
                message.code for message in evaluation.messages
            ]


@pytest.mark.parametrize("of", SHOWN)
def test_a_stored_text_shows_no_secret(of: str) -> None:
    before, secret = decided(catalogue("", of), document("", of)), catalogue("spi", of)

    assert not shows(texts(decided(secret, document("spi", of))), of)
    assert not shows(texts(mask_evaluation(secret, secrets_of(secret), before)), of)
    after = decided(secret, document("spi", of))
    assert mask_evaluation(secret, secrets_of(secret), after) == after


def test_what_an_earlier_release_compared_with_is_not_shown() -> None:
    before = decided(catalogue("pii", "least"), document("pii", "least"))
    without = catalogue("", "", question_sets=[
        {"code": "s", "title": "S", "questions": [{"code": "low", "label": "low", "type": "integer"}]},
    ], derived=[])  # fmt: skip

    shown = Visibility(without, Reader()).messages(before.messages, Document)

    assert not any(shows(message.text, "least") for message in shown)


def test_a_number_derived_from_a_sealed_answer_is_not_stored() -> None:
    assert decided(catalogue("", ""), document("", "")).derived == {"twice": 1044}
    # The question is no longer secret, the answer still is.
    assert decided(catalogue("", ""), document("spi", "other")).derived == {"twice": None}
    assert decided(catalogue("spi", "other"), document("spi", "other")).derived == {"twice": None}
    assert decided(catalogue("", ""), document("spi", "least")).derived == {"twice": 1044}
