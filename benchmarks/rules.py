"""Runs 1,000 rules on 2,000 answers: all of them, and only those that one changed answer can affect; and all of them by
zen-engine.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from batch import service as batch
from benchmarks import zen_rules
from benchmarks.figures import Figure, figure, milliseconds
from benchmarks.forms import ACTOR, SavedForm, Size, save_form, value_at
from benchmarks.rounds import Contender, interleave, ratios
from copies.document import Answer, AnswerValue, Document
from rules.flow import check_flow
from rules.flow.evaluation import Evaluation, FlowResult
from rules.incremental import partial_run

SIZE: Final = Size(answers=2_000, rules=1_000)
QUICK: Final = {"size": Size(answers=60, rules=20)}
AS_OF: Final = date(2026, 6, 1)
CASES: Final = 20


@dataclass(frozen=True, kw_only=True)
class Case:
    """A document as the rules left it except one answer, at ``path``."""

    document: Document
    path: str


def measure(rounds: int, *, size: Size = SIZE) -> list[Figure]:
    """Return the time of a full run, and of a partial run for a single changed answer."""
    form = save_form(size)
    document = batch.find_changeset(form.id, scope=form.tenant, actor=ACTOR).document
    before = _full(form, document).evaluation
    cases = [_changed(document, path) for path in form.paths[:CASES]]
    contenders = [
        Contender(name="full", run=lambda call: _full(form, cases[call % CASES].document), repeats=15, warm_up=CASES)
    ]
    incremental = _incremental(form, before)
    for case in cases:
        assert incremental(case) == _full(form, case.document), case.path
    contenders.append(
        Contender(name="incremental", run=lambda call: incremental(cases[call % CASES]), repeats=3 * CASES)
    )
    contenders.append(Contender(name="zen-engine", run=_zen(form, document, before), repeats=15, warm_up=4))
    times = interleave(contenders, rounds=rounds)
    what = f"{size.rules:,} rules, {size.answers:,} answers"
    figures = [figure(f"{what}: full run", "ms", milliseconds(times["full"]), goal="<= 6")]
    return [
        *figures,
        figure(f"{what}: one answer changed", "ms", milliseconds(times["incremental"])),
        figure(f"{what}: full / one answer", "times", ratios(times["full"], times["incremental"]), goal=">= 10"),
        figure(f"{what}: zen-engine", "ms", milliseconds(times["zen-engine"])),
        figure(f"{what}: full / zen-engine", "times", ratios(times["full"], times["zen-engine"]), goal="<= 3"),
        figure(
            f"{what}: zen-engine / one answer", "times", ratios(times["zen-engine"], times["incremental"]), goal=">= 25"
        ),
    ]


def _full(form: SavedForm, document: Document) -> FlowResult:
    return check_flow.run(form.compiled, document, as_of=AS_OF, release=1, reveal=_plain)


def _zen(form: SavedForm, document: Document, ours: Evaluation) -> Callable[[int], object]:
    """Return the run of zen-engine, which finds the same as ``ours``, except that it knows no hidden answers."""
    decision, values = zen_rules.make_decision(form.compiled.definition), zen_rules.values_of(document)
    found = decision.evaluate(values)["result"]
    assert all(found[code] == value for code, value in ours.derived.items() if value is not None)
    assert all(found[message.code] for message in ours.messages if message.code in found)
    return lambda call: decision.evaluate(values)


def _incremental(form: SavedForm, before: Evaluation) -> Callable[[Case], FlowResult]:
    def run(case: Case) -> FlowResult:
        given: dict[str, Any] = {"before": before, "changed": [case.path], "as_of": AS_OF, "release": 1}
        return partial_run.rerun(form.compiled, case.document, **given, reveal=_plain)

    return run


def _changed(document: Document, path: str) -> Case:
    changed = copy.deepcopy(document)
    prefix, _, code = path.rpartition("/")
    container: Any = changed
    if prefix:
        pool, _, row_id = prefix.partition("/")
        container = next(row for row in changed.answer_pools[pool] if row.id == row_id)
    container.answers[code].value = value_at(code, variant=1)
    return Case(document=changed, path=path)


def _plain(path: str, answer: Answer) -> AnswerValue:
    return answer.value
