"""Golden cases: forms with expected outcomes, decided by a compiled catalogue. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import Any

from catalogue.packages.contents import Expected, GoldenCase
from copies.document import Answer, Container, Document, PoolRow
from rules.definition.model import CompiledCatalogue
from rules.flow import check_flow
from rules.flow.evaluation import ProductOutcome
from rules.types.cleaning import InvalidValue, clean


class UnreadableCase(Exception):
    """A golden case has an answer that the catalogue does not know or refuses; the message names it."""


def differences(catalogue: CompiledCatalogue, cases: Iterable[GoldenCase]) -> list[str]:
    """Return one sentence for each product that is not decided as a case expects, and for each unreadable case."""
    found: list[str] = []
    for case in cases:
        try:
            outcomes = outcomes_of(catalogue, case)
        except UnreadableCase as error:
            found.append(f"{case.name}: {error}")
            continue
        for code, expected in case.expect.items():
            decided = expected_of(outcomes.get(code))
            if decided != expected:
                found.append(f"{case.name}: {code} is {_text(decided)} instead of {_text(expected)}.")
    return found


def outcomes_of(catalogue: CompiledCatalogue, case: GoldenCase) -> Mapping[str, ProductOutcome]:
    """Return the outcomes of the products for the form of ``case``. Raises ``UnreadableCase``."""
    document, ids = Document(), count(1)
    _fill(catalogue, document, case.answers, case.answer_pools, ids=ids)
    result = check_flow.run(catalogue, document, as_of=case.as_of, release=0, reveal=lambda path, answer: answer.value)
    return result.evaluation.eligibility


def expected_of(outcome: ProductOutcome | None) -> Expected:
    """Return ``outcome`` as a case expects it; None, a product that is not requested, has the outcome "absent"."""
    if outcome is None:
        return Expected(outcome="absent")
    reasons = outcome.missing or tuple(reason.rule for reason in outcome.reasons)
    return Expected(outcome=outcome.outcome, premium=outcome.premium, reasons=reasons)


def _fill(
    catalogue: CompiledCatalogue,
    container: Container,
    answers: Mapping[str, Any],
    pools: Mapping[str, Any],
    *,
    ids: Iterator[int],
) -> None:
    for code, value in answers.items():
        if code not in catalogue.questions:
            raise UnreadableCase(f"The catalogue has no question {code}.")
        try:
            container.answers[code] = Answer(value=clean(catalogue, catalogue.questions[code].question, value))
        except InvalidValue as error:
            raise UnreadableCase(f"{code}: {error.text}") from error
    for code, rows in pools.items():
        if code not in catalogue.pools:
            raise UnreadableCase(f"The catalogue has no pool {code}.")
        container.answer_pools[code] = []
        for row in rows:
            made = PoolRow(id=f"row{next(ids)}")
            container.answer_pools[code].append(made)
            _fill(catalogue, made, row.get("answers", {}), row.get("answer_pools", {}), ids=ids)


def _text(expected: Expected) -> str:
    price = "" if expected.premium is None else f" at {expected.premium}"
    reasons = f" ({', '.join(expected.reasons)})" if expected.reasons else ""
    return f"{expected.outcome}{price}{reasons}"
