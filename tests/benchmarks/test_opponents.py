"""The opponents do the measured work: after the same changes they store the same answers as ours."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from batch import service as batch
from benchmarks import careful, raw, signal_driven
from benchmarks.forms import ACTOR, SavedForm, Size, save_form
from benchmarks.saving import save_ours
from benchmarks.tables import tables
from copies.document import walk_answers
from rules.flow import check_flow

SIZE = Size(answers=120, rules=60)
CHANGES = 60
State = dict[str, tuple[Any, bool]]


@pytest.fixture
def form(transactional_db: None) -> Iterator[SavedForm]:
    with tables(*signal_driven.MODELS, *careful.MODELS):
        yield save_form(SIZE)
        signal_driven.forget_tasks()


def ours(form: SavedForm) -> State:
    document = batch.find_changeset(form.id, scope=form.tenant, actor=ACTOR).document
    return {path: (answer.value, answer.active) for path, answer in walk_answers(document)}


def test_changes_give_every_answer_another_value(form: SavedForm) -> None:
    before = ours(form)

    save_ours(form, form.changes(CHANGES, variant=1))

    after = ours(form)
    assert sum(before[path][0] != after[path][0] for path in before) == CHANGES
    assert any(before[path][1] is not after[path][1] for path in before)


@pytest.mark.parametrize("upsert", [False, True])
def test_careful_django_comes_to_the_same_answers(form: SavedForm, upsert: bool) -> None:
    document = batch.find_changeset(form.id, scope=form.tenant, actor=ACTOR).document
    careful.store(form.id, document)

    written = careful.save(form.id, form.flat_changes(CHANGES, variant=1), form.compiled, upsert=upsert)

    save_ours(form, form.changes(CHANGES, variant=1))
    rows = careful.CarefulAnswer.objects.filter(form_id=form.id)
    assert {row.path: (row.value, row.active) for row in rows} == ours(form)
    assert CHANGES <= written < SIZE.answers


def test_signal_driven_models_come_to_the_same_answers_and_outcomes(form: SavedForm) -> None:
    document = batch.find_changeset(form.id, scope=form.tenant, actor=ACTOR).document
    signal_driven.store(form.id, document, form.compiled)

    signal_driven.save(form.id, form.flat_changes(CHANGES, variant=1))

    save_ours(form, form.changes(CHANGES, variant=1))
    rows = signal_driven.SignalAnswer.objects.filter(form_id=form.id)
    paths = {row: f"units/{row.row}/{row.question}" if row.row else row.question for row in rows}
    assert {path: (row.value, row.active) for row, path in paths.items()} == ours(form)
    assert signal_driven.SignalHistory.objects.count() >= CHANGES
    outcomes = dict(signal_driven.SignalOutcome.objects.values_list("rule", "value"))
    decided = decide(form)
    told = {message.code for message in decided.messages}
    assert {rule for rule in outcomes if rule.startswith("F")} <= told
    for code in outcomes.keys() & decided.eligibility.keys():
        assert outcomes[code]["outcome"] == decided.eligibility[code].outcome


def test_bare_save_writes_what_ours_wrote(form: SavedForm) -> None:
    with raw.connect("default", form.tenant) as connection:
        save_ours(form, form.changes(CHANGES, variant=1))
        expected = ours(form)
        written = raw.read_written(connection, form.id)
        save_ours(form, form.changes(CHANGES, variant=0))

        raw.save(connection, form.id, written)

        assert ours(form) == expected
        assert batch.find(form.id, scope=form.tenant, actor=ACTOR).version == 4
        assert raw.read_written(connection, form.id).outbox != []


def decide(form: SavedForm) -> Any:
    document = batch.find_changeset(form.id, scope=form.tenant, actor=ACTOR).document
    return check_flow.run(
        form.compiled, document, as_of=date(2026, 6, 1), release=1, reveal=lambda path, answer: answer.value
    ).evaluation
