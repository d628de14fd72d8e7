"""Random merges through the mutators of a changeset and the rules, without a database: what the merge of documents says
is what the changeset holds, and firing the rules afterwards changes nothing.
"""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest

from batch.changes.changeset import Changeset
from batch.changes.decision import decide
from batch.errors import InvalidAnswers, PoolIsFull
from copies.changes import Cause
from copies.document import Document, walk_answers, walk_containers
from copies.merge import Difference, Side, merge_documents
from copies.picks import apply_picks, pick_sides, steps_of
from rules.definition.compiler import compile_catalogue
from rules.definition.model import CompiledCatalogue
from scenarios.merge import carry_out_steps, comparison_of
from tests.harness.edit_scripts import SAMPLES, changeset_of, demo_catalogue, fill, rows_of
from tests.harness.kennel_catalogue import KENNELS

CAUSE = Cause("merge", "another")
KENNEL: CompiledCatalogue = compile_catalogue(KENNELS)


def edited(document: Document, catalogue: CompiledCatalogue, random: Random) -> Document:
    """Return a copy of ``document`` with some edits, decided."""
    document = msgspec.json.decode(msgspec.json.encode(document), type=Document)
    for _ in range(random.randrange(1, 5)):
        before = msgspec.json.encode(document)
        changeset = changeset_of(document, catalogue)
        try:
            _edit(changeset, catalogue, random)
            decide(changeset)
        except InvalidAnswers:
            document = msgspec.json.decode(before, type=Document)
    return document


def _edit(changeset: Changeset, catalogue: CompiledCatalogue, random: Random) -> None:
    draw = random.random()
    pool = random.choice(list(catalogue.pools))
    rows = rows_of(changeset, pool)
    if draw < 0.15 and rows:
        random.choice(rows)[1].remove()
    elif draw < 0.3 and rows and len(rows[0][0].rows) < 3:
        rows[0][0].add()
    elif draw < 0.4:
        product = random.choice(list(catalogue.products))
        random.choice((changeset.exclusions.force_exclude, changeset.exclusions.bypass))(product)
    else:
        code, question = random.choice(list(catalogue.questions.items()))
        codes = list(catalogue.choices(question.question)) if question.question.choices else []
        value = random.choice([*(codes or SAMPLES[question.question.type]), None])
        places: list[Any] = [row for _, row in rows_of(changeset, question.pool)] if question.pool else [changeset]
        if places:
            value = [value] if question.question.type == "multi_choice" and value is not None else value
            random.choice(places).find_answer(code).apply(value)


def given(document: Document) -> dict[str, object]:
    """Return what people gave: answers with their authors and confirmations, rows, products."""
    found: dict[str, object] = {path: True for path, _ in walk_containers(document)}
    for path, answer in walk_answers(document):
        if answer.is_answered:
            found[path] = answer.value, answer.sealed, answer.answered_by, answer.updated_at, answer.confirmed
    return found | {
        "excluded": sorted(document.forced_excluded_products),
        "bypassed": sorted(document.agent_bypassed_products),
    }


def is_too_full(document: Document, catalogue: CompiledCatalogue) -> bool:
    """Return whether a pool has more rows than the catalogue allows."""
    pools = [pool for _, container in walk_containers(document) for pool in container.answer_pools.items()]
    return any(len(rows) > catalogue.pools[code].pool.max for code, rows in pools)


@pytest.mark.parametrize(
    ("catalogue", "count"),
    [
        pytest.param(KENNEL, 60, id="kennels"),
        pytest.param(KENNEL, 2_000, id="kennels, full", marks=pytest.mark.slow),
        pytest.param(demo_catalogue(), 200, id="demo, full", marks=pytest.mark.slow),
    ],
)
def test_the_changeset_holds_the_merge_and_the_rules_are_settled(catalogue: CompiledCatalogue, count: int) -> None:
    random = Random(21)
    merged, clashes = 0, 0
    for _ in range(count):
        base = Document()
        start = changeset_of(base, catalogue)
        with start.caused_by(CAUSE):  # wrong values are messages then, and not refused
            fill(start, random)
        decide(start)
        mine, theirs = edited(base, catalogue, random), edited(base, catalogue, random)
        changeset = changeset_of(msgspec.json.decode(msgspec.json.encode(mine), type=Document), catalogue)
        rules = comparison_of(changeset)
        differences: list[Difference] = merge_documents(base, changeset.document, theirs, rules=rules)
        sides: dict[str, Side] = {found.id: random.choice(("mine", "theirs")) for found in differences}
        picked = pick_sides(differences, sides)
        result = apply_picks(mine, differences, picked)
        expected = given(result)

        try:
            carry_out_steps(changeset, steps_of(differences, picked), source=changeset.sealing, cause=CAUSE)
        except PoolIsFull:
            assert is_too_full(result, catalogue)
            continue

        assert given(changeset.document) == expected
        evaluation = decide(changeset)
        assert given(changeset.document) == expected
        again = changeset_of(msgspec.json.decode(msgspec.json.encode(changeset.document), type=Document), catalogue)
        assert decide(again) == evaluation
        assert again.changes() == []
        merged += bool(steps_of(differences, picked))
        clashes += any(found.sort == "clash" for found in differences)
    assert merged > count / 2
    assert clashes > 0
