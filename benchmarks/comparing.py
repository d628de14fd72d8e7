"""Compares two copies: documents of 3,000 answers against jsonpatch and DeepDiff, and 60 changes with the money of 10
products.
"""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, Final

import jsonpatch
import msgspec
from deepdiff import DeepDiff

from benchmarks.figures import Figure, figure, milliseconds
from benchmarks.generated import take_in
from benchmarks.rounds import Contender, interleave, ratios
from copies.diff import differences
from copies.document import Answer, AnsweredBy, Document, PoolRow, walk_answers
from partner_engine.api.compare_shapes import comparison_shape
from presentation.visibility import Reader, Visibility
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.compiler import compile_catalogue
from rules.definition.model import CompiledCatalogue
from rules.flow import check_flow
from scenarios.compare import Comparison, Side, compare

ANSWERS: Final = 3_000
QUICK: Final = {"answers": 120}
#: Of the answers of a document, so many per hundred differ.
PERCENT: Final = 2
PRODUCTS, CHANGES, ROWS = 10, 60, 30
AS_OF: Final = date(2026, 6, 1)
_EARLIER: Final = datetime(2026, 5, 1, tzinfo=UTC)


def measure(rounds: int, *, answers: int = ANSWERS) -> list[Figure]:
    """Return how long comparisons take, and how much longer the opponents."""
    return [*_documents(rounds, answers), *_money(rounds)]


def _documents(rounds: int, answers: int) -> list[Figure]:
    left, right = document(answers), document(answers)
    change(right, answers * PERCENT // 100)
    shuffled = deepcopy(right)
    for rows in shuffled.answer_pools.values():
        Random(1).shuffle(rows)
    plain = [msgspec.to_builtins(found) for found in (left, right, shuffled)]
    found = differences([left, right], {})
    assert len(found) == answers * PERCENT // 100
    assert {one.path for one in differences([left, shuffled], {})} == {one.path for one in found}
    contenders = [
        Contender(name="ours", run=lambda call: differences([left, right], {}), repeats=5),
        Contender(name="ours, rows shuffled", run=lambda call: differences([left, shuffled], {}), repeats=5),
        Contender(name="jsonpatch", run=lambda call: jsonpatch.make_patch(plain[0], plain[1])),
        Contender(name="DeepDiff", run=lambda call: DeepDiff(plain[0], plain[1]), warm_up=1),
    ]
    times = interleave(contenders, rounds=rounds)
    what = f"compare two copies of {answers:,} answers"
    return [
        figure(what, "ms", milliseconds(times["ours"]), goal="<= 10"),
        figure(f"{what}, rows shuffled", "ms", milliseconds(times["ours, rows shuffled"]), goal="<= 10"),
        figure(f"{what}: jsonpatch / ours", "times", ratios(times["jsonpatch"], times["ours"]), goal=">= 5"),
        figure(f"{what}: DeepDiff / ours", "times", ratios(times["DeepDiff"], times["ours"]), goal=">= 100"),
    ]


def _money(rounds: int) -> list[Figure]:
    catalogue = compile_catalogue(priced_catalogue())
    sides = priced_sides(catalogue)
    compared = compare(sides)
    assert len(compared.differences) == CHANGES
    assert is_split(compared)
    contenders = [
        Contender(name="ours", run=lambda call: comparison_shape(compare(sides)), repeats=3),
        Contender(name="one decision", run=lambda call: decide(catalogue, sides[0].document), repeats=3),
    ]
    times = interleave(contenders, rounds=rounds)
    what = f"compare with money, {CHANGES} changes and {PRODUCTS} products"
    return [
        figure(what, "ms", milliseconds(times["ours"]), goal="<= 25"),
        figure(f"{what} / one full decision", "times", ratios(times["ours"], times["one decision"])),
    ]


def is_split(compared: Comparison) -> bool:
    """Return whether every product's difference is split exactly and adds up."""
    found = [line.differences[0] for line in compared.products]
    return len(found) == PRODUCTS and all(
        one.split == "exact" and sum(share.amount for share in one.shares) == one.difference for one in found
    )


def document(answers: int) -> Document:
    """Return a document of ``answers`` answers, two thirds of them in rows."""
    random, by = Random(answers), AnsweredBy("user", "7", "web")

    def answer() -> Answer:
        value = random.choice([random.randint(0, 10**6), f"text {random.randint(0, 10**6)}", True, ["a", "b"]])
        return Answer(value=value, required="quote", answered_by=by, created_at=_EARLIER, updated_at=_EARLIER)

    width, top = 20, answers // 3
    rows = [
        PoolRow(id=f"row-{number}", answers={f"r{place}": answer() for place in range(width)})
        for number in range((answers - top) // width)
    ]
    rest = answers - len(rows) * width
    return Document(answers={f"q{place}": answer() for place in range(rest)}, answer_pools={"rows": rows})


def change(made: Document, count: int) -> None:
    """Give ``count`` answers of ``made`` another value."""
    for _, answer in Random(count).sample(list(walk_answers(made)), count):
        answer.value, answer.updated_at = f"changed {answer.value}", _EARLIER + timedelta(days=1)


def priced_catalogue() -> CatalogueDefinition:
    """Return a catalogue whose products rate amounts of the form, sums and a table over rows, and factors."""
    amounts, signs = [f"amount_{number}" for number in range(20)], [f"sign_{number}" for number in range(20)]
    top = [{"code": "lines", "label": "Lines", "type": "multi_choice", "choices": "lines", "required": "quote"}]
    top += [{"code": code, "label": code, "type": "money", "required": "quote"} for code in amounts]
    top += [{"code": code, "label": code, "type": "boolean", "required": "quote"} for code in signs]
    row = [
        {"code": "payroll", "label": "Payroll", "type": "money", "required": "quote"},
        {"code": "class", "label": "Class", "type": "choice", "choices": "classes", "required": "quote"},
    ]
    return msgspec.convert(
        {
            "code": "priced",
            "title": "Priced",
            "lines_question": "lines",
            "choices": {"lines": {"all": "All"}, "classes": {"low": "Low", "high": "High"}},
            "question_sets": [
                {"code": "form", "title": "Form", "questions": top},
                {"code": "wages", "title": "Wages", "pool": {"code": "wages", "max": 100}, "questions": row},
            ],
            "derived": [{"code": "total", "value": "sum(wages.map(w, w.payroll))"}],
            "lines": [{"code": "all", "label": "All", "states": '["TX"]', "industry": '"7"'}],
            "carriers": [{"code": "c", "name": "Carrier", "admitted": True, "link": {"mode": "sync"}}],
            "products": [_product(number, amounts, signs) for number in range(PRODUCTS)],
        },
        CatalogueDefinition,
    )


def _product(number: int, amounts: list[str], signs: list[str]) -> dict[str, Any]:
    own, asked = amounts[2 * number : 2 * number + 2], signs[2 * number : 2 * number + 2]
    table = {"pool": "wages", "rate_by": "class", "rates": {"low": "0.3", "high": "1.7"}, "amount": "payroll"}
    return {
        "code": f"P{number}",
        "carrier": "c",
        "line": "all",
        "rate_type": "bindable",
        "rating": {
            "minimum": "250",
            "terms": [*({"rate": "1.4", "per": "1000", "of": code} for code in own), {"rate": "0.01", "of": "total"}],
            "tables": [{**table, "per": "100"}],
            "factors": [{"id": code, "when": code, "times": "1.15"} for code in asked],
        },
        "rules": [
            {"id": f"R{number}", "when": f"{own[0]} > 50000000", "then": "decline", "why": "Too large"},
            {"id": f"S{number}", "when": f"total > {10**9}", "then": "refer", "why": "Large payroll"},
        ],
    }


def priced_sides(catalogue: CompiledCatalogue) -> list[Side]:
    """Return two decided copies that differ in 60 answers: 15 amounts, 15 signs, and the 30 rows' payrolls."""
    random = Random(3)
    left = Document(answers={"lines": Answer(value=["all"])})
    for code, question in catalogue.questions.items():
        if not question.pool and code != "lines":
            is_amount = question.question.type == "money"
            left.answers[code] = Answer(value=random.randint(10**5, 10**6) if is_amount else random.random() < 0.5)
    left.answer_pools["wages"] = [
        PoolRow(
            id=f"row-{number}",
            answers={
                "payroll": Answer(value=random.randint(10**4, 10**5)),
                "class": Answer(value=random.choice(["low", "high"])),
            },
        )
        for number in range(ROWS)
    ]
    right = deepcopy(left)
    for number in range(15):
        right.answers[f"amount_{number}"].value += 12_345  # type: ignore[operator]
        right.answers[f"sign_{number}"].value = not right.answers[f"sign_{number}"].value
    for row in right.answer_pools["wages"]:
        row.answers["payroll"].value += 1_234  # type: ignore[operator]
    return [_side(catalogue, made, title) for made, title in ((left, "Base"), (right, "Other"))]


def _side(catalogue: CompiledCatalogue, made: Document, title: str) -> Side:
    result = decide(catalogue, made)
    take_in(made, result)
    return Side(
        copy_id=title,
        form_id="form",
        title=title,
        version=1,
        catalogue=catalogue,
        document=made,
        evaluation=decide(catalogue, made).evaluation,
        visibility=Visibility(catalogue, Reader(sees_personal=True)),
        reveal=lambda path, answer: answer.value,
    )


def decide(catalogue: CompiledCatalogue, made: Document) -> Any:
    """Return the result of a full run."""
    return check_flow.run(catalogue, made, as_of=AS_OF, release=1, reveal=lambda path, answer: answer.value)
