"""The appetite of a whole release: which products want an industry in a state, as far as these two decide. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import NamedTuple

from copies.document import Answer, AnswerValue, Document
from rules.definition.model import CompiledCatalogue, CompiledProduct
from rules.definition.surplus import rule_for
from rules.flow.appetite import Wanted, outcome_behind_lock
from rules.flow.eligibility import decide_product
from rules.flow.shown_questions import decide
from rules.flow.state import State
from rules.reference_data import industries


class TableRow(NamedTuple):
    """The appetite of all products for one industry in one state; ``wanted`` is by the codes of products."""

    industry: str
    title: str
    state: str
    wanted: Mapping[str, Wanted]


def appetite_table(
    catalogue: CompiledCatalogue, *, as_of: date, industry: str = "", states: Iterable[str] = ()
) -> Iterator[TableRow]:
    """Yield a row for each six-digit industry whose code begins with ``industry``, in each of ``states`` (by default
    all that the catalogue knows), in order.

    A product that wants every state has the same entry in each. Without an industry question the industries do not
    differ.
    """
    chosen = list(states) or states_of(catalogue)
    for code, title in industries().items():
        if len(code) == 6 and code.startswith(industry):
            open_anywhere = _without_states(catalogue, code, as_of=as_of)
            for state in chosen:
                yield TableRow(code, title, state, _in_state(catalogue, open_anywhere, state=state, day=as_of))


def states_of(catalogue: CompiledCatalogue) -> list[str]:
    """Return the states of the choice lists that have all states of the catalogue's products; without such a list,
    those of the products.
    """
    named = {state for product in catalogue.products.values() for state in product.states or ()}
    listed = [set(labels) for labels in catalogue.choice_lists.values() if named and named <= set(labels)]
    return sorted(named.union(*listed))


def _without_states(catalogue: CompiledCatalogue, industry: str, *, as_of: date) -> dict[str, Wanted]:
    """Return the appetite of each product for ``industry``, leaving states and the lock of surplus lines aside."""
    definition, wanted = catalogue.definition, {}
    for line in dict.fromkeys(product.product.line for product in catalogue.products.values()):
        answers: dict[str, AnswerValue] = {definition.lines_question: [line]}
        if definition.industry_question:
            answers[definition.industry_question] = industry
        document = Document(answers={code: Answer(value=value) for code, value in answers.items()})
        state = State(catalogue, document, as_of=as_of, reveal=lambda path, answer: answer.value)
        decide(state)
        for code, product in catalogue.products.items():
            if product.product.line == line:
                wanted[code] = _wanted(state, product)
    return wanted


def _wanted(state: State, product: CompiledProduct) -> Wanted:
    everywhere = replace(product, states=None)
    outcome = (outcome_behind_lock if product.is_surplus else decide_product)(state, everywhere).outcome
    if outcome == "need_info":
        return "depends"
    return "no" if outcome == "decline" else "yes"


def _in_state(
    catalogue: CompiledCatalogue, wanted: Mapping[str, Wanted], *, state: str, day: date
) -> dict[str, Wanted]:  # fmt: skip
    offered: dict[str, Wanted] = {
        code: "no" if product.states is not None and state not in product.states else wanted[code]
        for code, product in catalogue.products.items()
    }
    return {
        code: _unlocked(product, offered, state=state, day=day) if product.is_surplus else offered[code]
        for code, product in catalogue.products.items()
    }


def _unlocked(product: CompiledProduct, offered: Mapping[str, Wanted], *, state: str, day: date) -> Wanted:
    """Return the appetite of a surplus product, which its rivals' declines open."""
    own, rivals = offered[product.product.code], [offered[rival] for rival in product.rivals]
    rule, declined, undecided = rule_for(product.surplus, state, day), rivals.count("no"), rivals.count("depends")
    if own == "no" or rule.is_met(declined, admitted=len(rivals)):
        return own
    return "depends" if rule.is_met(declined + undecided, admitted=len(rivals)) else "no"
