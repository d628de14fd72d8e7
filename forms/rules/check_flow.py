"""The check flow: from a document to what is visible, required, wrong, eligible and still needed, in one pure run.

Nothing is changed here. Whoever applies the result and runs again gets the same evaluation and nothing more to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from copies.document import Document
from forms.rules.compiled import CompiledCatalogue
from forms.rules.eligibility import decide_products
from forms.rules.evaluation import Evaluation, FlowResult, Message, Needed, Refusal
from forms.rules.state import Reveal, State
from forms.rules.truth import Unknown
from forms.rules.values import plain
from forms.rules.visibility import decide

__all__ = ["Reveal", "messages_of", "run"]


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
    waiting = {_set_of(state, path) for path in needed.quote}
    completed = {part.code for part in document.question_sets if part.completed_at is not None}
    evaluation = Evaluation(
        release=release,
        as_of=as_of,
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


def messages_of(state: State) -> tuple[Message, ...]:
    """Return all that is said about the form in a decided state, in the order of the form."""
    messages = [Message("error", *fault) for fault in (*state.faults, *_relation_faults(state))]
    for rule in state.catalogue.form_rules:
        for frame in state.frames[rule.pool]:
            if frame.shown and rule.when.evaluate(state.root, frame) is True:
                messages.append(Message(rule.rule.then, f"{frame.prefix}{rule.rule.at}", rule.rule.id, rule.rule.say))
    return tuple(sorted(messages, key=lambda message: (state.key(message.path), message.code)))


def _relation_faults(state: State) -> Iterable[tuple[str, str, str]]:
    for question in state.catalogue.questions.values():
        for name, other, test in question.relations:
            for frame in state.frames[question.pool]:
                value = frame.values[question.slot]
                if value is None or value.__class__ is Unknown:
                    continue
                against = other.evaluate(state.root, frame)
                text = None if against is None or against.__class__ is Unknown else test(value, against)
                if text is not None:
                    yield f"{frame.prefix}{question.question.code}", name, text


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


def _set_of(state: State, path: str) -> str:
    code = path.rpartition("/")[2]
    question = state.catalogue.questions.get(code)
    return question.set_code if question else state.catalogue.pools[code].set_code
