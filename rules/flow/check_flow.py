"""The check flow: decides in one pure run what is visible, required, invalid, eligible and still needed in a document.

The document is not changed. A caller that applies the result and runs again gets the same evaluation and no further
changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from copies.document import Document
from rules.definition.model import CompiledCatalogue
from rules.flow.derived_sensitivity import sealed_codes
from rules.flow.eligibility import decide_products, mark_bindable
from rules.flow.evaluation import EDITION, Evaluation, FlowResult, Message, Needed, Refusal
from rules.flow.messages import messages_of
from rules.flow.shown_questions import decide
from rules.flow.state import Reveal, State
from rules.flow.stored_values import stored_derived

__all__ = ["Reveal", "run"]


def run(catalogue: CompiledCatalogue, document: Document, *, as_of: date, release: int, reveal: Reveal) -> FlowResult:
    """Return the result of the rules of ``catalogue`` for ``document`` on the day ``as_of``.

    ``reveal`` returns the plain value of a sealed answer; it is called only for answers that a rule or a validator
    reads.
    """
    state = State(catalogue, document, as_of=as_of, reveal=reveal)
    decide(state)
    messages = messages_of(state)
    needed = _needed(state, messages)
    added, removed, kept = _question_sets(state)
    waiting = {catalogue.set_of(path) for path in needed.quote}
    sealed = sealed_codes(document, among=frozenset().union(*(part.questions for part in catalogue.derived.values())))
    completed = {part.code for part in document.question_sets if part.completed_at is not None}
    evaluation = Evaluation(
        release=release,
        as_of=as_of,
        edition=EDITION,
        derived={
            code: stored_derived(catalogue, part, state.root[part.slot], sealed=sealed)
            for code, part in catalogue.derived.items()
        },
        eligibility=mark_bindable(catalogue, decide_products(state), needed),
        needed=needed,
        messages=messages,
        undecided=state.undecided,
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


def _needed(state: State, messages: Iterable[Message]) -> Needed:
    quote = {message.path for message in messages if message.kind == "error"}
    quote.update(state.short_pools)
    quote |= {path for path, purpose in state.needed if purpose == "quote"}
    bind = quote | {path for path, _ in state.needed}
    return Needed(tuple(sorted(quote, key=state.key)), tuple(sorted(bind, key=state.key)))


def _question_sets(state: State) -> tuple[tuple[str, ...], tuple[str, ...], list[str]]:
    """Return the codes of the sets to add, of those to remove, and of all sets on the document afterwards."""
    # A set without a visible question needs no heading.
    wanted = [code for code in state.catalogue.sets if code in state.shown_sets and code in state.asked_sets]
    existing = {part.code: part for part in state.document.question_sets}
    removed = [code for code, part in existing.items() if part.remove_if_ineligible and code not in wanted]
    kept = [code for code in state.catalogue.sets if code in wanted or (code in existing and code not in removed)]
    return tuple(code for code in wanted if code not in existing), tuple(removed), kept
