"""The check flow: from a document to what is visible, required, wrong, eligible and still needed, in one pure run.

Nothing is changed here. Whoever applies the result and runs again gets the same evaluation and nothing more to do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from typing import Final

from copies.document import Document
from copies.paths import Path
from rules.definition.model import CompiledCatalogue
from rules.flow.eligibility import decide_products
from rules.flow.evaluation import EDITION, Evaluation, FlowResult, Message, Needed, Refusal
from rules.flow.messages import messages_of
from rules.flow.state import Reveal, State
from rules.flow.stored_values import plain
from rules.flow.visibility import decide
from rules.incremental.follow import Spread, UnprovableChange
from rules.incremental.lazy_state import SparseState
from rules.incremental.merge import merge, set_of

__all__ = ["Reveal", "rerun", "run"]


#: A change followed costs about as much as so many questions and rules decided in a full run.
COST_OF_A_CHANGE: Final = 8


def run(catalogue: CompiledCatalogue, document: Document, *, as_of: date, release: int, reveal: Reveal) -> FlowResult:
    """Return what the rules of ``catalogue`` make of ``document`` on the day ``as_of``.

    ``reveal`` gives the plain value of a sealed answer; it is called only for answers that a rule or a validator
    looks at.
    """
    state = State(catalogue, document, as_of=as_of, reveal=reveal)
    decide(state)
    messages = messages_of(state)
    needed = _needed(state, messages)
    added, removed, kept = _question_sets(state)
    waiting = {set_of(catalogue, path) for path in needed.quote}
    completed = {part.code for part in document.question_sets if part.completed_at is not None}
    evaluation = Evaluation(
        release=release,
        as_of=as_of,
        edition=EDITION,
        derived={code: plain(state.root[part.slot]) for code, part in catalogue.derived.items()},  # type: ignore[misc]
        eligibility=decide_products(state),
        needed=needed,
        messages=messages,
    )
    return FlowResult(
        evaluation=evaluation,
        states=tuple(state.states),
        dropped=tuple(state.dropped),
        added_sets=added,
        removed_sets=removed,
        completed_sets=tuple(code for code in kept if code not in waiting and code not in completed),
        reopened_sets=tuple(code for code in kept if code in waiting and code in completed),
        refusals=tuple(
            Refusal(*fault) for fault in sorted(state.faults, key=lambda fault: (state.key(fault[0]), fault[1]))
        ),
    )


def rerun(
    catalogue: CompiledCatalogue,
    document: Document,
    *,
    before: Evaluation,
    changed: Collection[str],
    as_of: date,
    release: int,
    reveal: Reveal,
) -> FlowResult:
    """Return what ``run`` would return, computing only what depends on ``changed``.

    ``changed`` are paths as the changes of a document have them: ``code``, ``locations/<row id>/code``,
    ``locations/<row id>`` for a row that came or went, ``question_sets/<code>``, ``forced_excluded_products/<code>``;
    what else is named makes no difference to the rules. Apart from them ``document`` must stand as the check flow left
    it when it concluded ``before``, all of its result taken in.
    Under another release, date or edition, where the reach of a change is not known and where so much changed that it
    is no dearer, everything is computed.
    """
    is_of_now = (before.release, before.as_of, before.edition) == (release, as_of, EDITION)
    if is_of_now and catalogue.dependents.is_followable and _is_worth_following(catalogue, document, changed):
        new_rows = frozenset(f"{path}/" for path in changed if Path(path).is_row)
        state = SparseState(catalogue, document, as_of=as_of, reveal=reveal, new_rows=new_rows)
        spread = Spread(state, before.derived)
        try:
            spread.run(changed)
        except UnprovableChange:
            return run(catalogue, document, as_of=as_of, release=release, reveal=reveal)
        return merge(state, spread, before)
    return run(catalogue, document, as_of=as_of, release=release, reveal=reveal)


def _is_worth_following(catalogue: CompiledCatalogue, document: Document, changed: Collection[str]) -> bool:
    full = catalogue.dependents.size
    for pool, rows in document.answer_pools.items():
        if pool in catalogue.pools:
            full += len(rows) * len(catalogue.pools[pool].questions)
    return len(changed) * COST_OF_A_CHANGE <= full


def _needed(state: State, messages: Iterable[Message]) -> Needed:
    quote = {message.path for message in messages if message.kind == "error"}
    quote.update(state.short_pools)
    quote |= {path for path, question in state.needed if question.required == "quote"}
    bind = quote | {path for path, question in state.needed}
    return Needed(tuple(sorted(quote, key=state.key)), tuple(sorted(bind, key=state.key)))


def _question_sets(state: State) -> tuple[tuple[str, ...], tuple[str, ...], list[str]]:
    """Return the codes of the sets to add, to remove, and of all that are there afterwards."""
    # A set of which no question is asked is not worth a heading.
    wanted = [code for code in state.catalogue.sets if code in state.shown_sets and code in state.asked_sets]
    there = {part.code: part for part in state.document.question_sets}
    removed = [code for code, part in there.items() if part.remove_if_ineligible and code not in wanted]
    kept = [code for code in state.catalogue.sets if code in wanted or (code in there and code not in removed)]
    return tuple(code for code in wanted if code not in there), tuple(removed), kept
