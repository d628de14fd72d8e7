"""Decides which products want a business of which little is known: yes, no, or depends on named questions. Pure.

A product that says yes or no says so whatever the other answers will be: unanswered questions have three truth values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec.structs import replace

from copies.document import Answer, Document
from rules.definition.model import CompiledCatalogue, CompiledProduct
from rules.flow.eligibility import decide_product, decide_products
from rules.flow.evaluation import Outcome, ProductOutcome, Reason, Refusal
from rules.flow.shown_questions import decide
from rules.flow.state import Reveal, State
from rules.flow.surplus import rules_in_force
from rules.language.values import Unknown, Value, count

Wanted: TypeAlias = Literal["yes", "no", "depends"]
#: The outcomes that no further answer can change.
_DECIDED: Final[Mapping[Outcome, Wanted]] = {"eligible": "yes", "refer": "yes", "decline": "no"}


class Appetite(msgspec.Struct, frozen=True):
    """The appetite of one product. ``depends_on`` are the paths of the questions and pools that decide next;
    ``outcome`` is that of the product with the known answers alone.
    """

    wanted: Wanted
    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    depends_on: tuple[str, ...] = ()


class Appetites(NamedTuple):
    """The appetite of each product, in the order of the catalogue, and the answers that were refused: they count as
    unanswered.
    """

    products: dict[str, Appetite]
    refusals: tuple[Refusal, ...]


def appetites(
    catalogue: CompiledCatalogue, document: Document, *, as_of: date, reveal: Reveal
) -> Appetites:  # fmt: skip
    """Return the appetite of each product for the answers of ``document``.

    If the question for the lines is unanswered, each product is decided as if its line alone were requested; otherwise
    products of other lines are left out. The document is not changed.
    """
    lines = catalogue.definition.lines_question
    if (answer := document.answers.get(lines)) is not None and answer.value:
        selections = [document]
    else:
        each = dict.fromkeys(product.product.line for product in catalogue.products.values())
        alone = [{**document.answers, lines: Answer(value=[line])} for line in each]
        selections = [replace(document, answers=answers) for answers in alone]
    by_product: dict[str, Appetite] = {}
    faults: set[tuple[str, str, str]] = set()
    for selection in selections:
        state = State(catalogue, selection, as_of=as_of, reveal=reveal)
        decide(state)
        faults.update(state.faults)
        outcomes = decide_products(state)
        for code, outcome in outcomes.items():
            by_product[code] = _appetite(state, catalogue.products[code], outcome, outcomes)
    products = {code: by_product[code] for code in catalogue.products if code in by_product}
    return Appetites(products, tuple(Refusal(*fault) for fault in sorted(faults)))


def _appetite(
    state: State, product: CompiledProduct, outcome: ProductOutcome, outcomes: Mapping[str, ProductOutcome]
) -> Appetite:
    if outcome.outcome == "locked":
        return _of_locked(state, product, [outcomes[code] for code in product.rivals if code in outcomes])
    wanted = _DECIDED.get(outcome.outcome, "depends")
    return Appetite(wanted, outcome.outcome, outcome.reasons, outcome.missing)


def _of_locked(state: State, product: CompiledProduct, rivals: Iterable[ProductOutcome]) -> Appetite:
    """Return the appetite of a surplus product that is locked: it depends on what its rivals depend on, and on the
    states concerned where their rules differ.
    """
    own = outcome_behind_lock(state, product)
    if own.outcome == "decline":
        return Appetite("no", "decline", own.reasons)
    waiting = [frozenset(rival.missing) for rival in rivals if rival.outcome == "need_info"]
    if product.surplus and rules_in_force(state, product) is None:
        waiting.append(_unknown_paths(product.line.states.evaluate(state.root)))
    if not waiting:
        return Appetite("no", "locked")
    missing = set(own.missing).union(*waiting)
    return Appetite("depends", "locked", (), tuple(sorted(missing, key=state.key)))


def _unknown_paths(concerned: Value) -> frozenset[str]:
    """Return the paths that decide the states ``concerned``: an unknown list, or a list with unknown elements."""
    unknown = concerned if concerned.__class__ is Unknown else count(concerned or [])
    return unknown.paths if unknown.__class__ is Unknown else frozenset()


def outcome_behind_lock(state: State, product: CompiledProduct) -> ProductOutcome:
    """Return the outcome that a surplus product has once it opens. Its own questions are asked only then: until then
    nothing but its base checks is certain if it has any.
    """
    outcome = decide_product(state, product)
    has_questions = any(
        product.product.code in question.question.products for question in state.catalogue.questions.values()
    )
    if has_questions and not any(reason.effect == "base" for reason in outcome.reasons):
        return replace(outcome, outcome="need_info", reasons=())
    return outcome
