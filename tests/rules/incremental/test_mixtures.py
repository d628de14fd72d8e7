"""Mixtures of two documents: the premium of every selection of changes is that of a full run on its document."""

from __future__ import annotations

from copy import deepcopy
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copies.diff import AnswerDifference, differences
from copies.document import Answer, Container, Document, PoolRow, walk_containers
from copies.row_matching import is_open
from rules.definition.model import CompiledCatalogue, CompiledProduct
from rules.flow.premium import rate
from rules.flow.shown_questions import decide
from rules.flow.state import State
from rules.incremental.mixed_premium import mixed_premium
from rules.incremental.mixed_state import Mixture
from rules.language.numbers import round_half_up
from rules.language.values import Unknown
from tests.harness.boarding_catalogue import AS_OF, settle
from tests.harness.random_catalogues import random_catalogue
from tests.harness.tiers import amount
from tests.rules.flow.test_price_stability import demo, random_form, random_value

#: Selections of at most so many changes are all compared.
MOST = 5


def reveal(path: str, answer: Answer) -> Any:
    return answer.value


def edited(catalogue: CompiledCatalogue, form: Document, chance: Random) -> Document:
    """Return a copy of ``form`` with some edits of answers and rows."""
    made = deepcopy(form)
    for number in range(chance.randint(1, MOST)):
        containers: list[Container] = [container for _, container in walk_containers(made)]
        container = chance.choice([*containers, made])
        pools = [code for code, part in catalogue.pools.items() if part.pool.parent == pool_of(made, container)]
        if pools and chance.random() < 0.3:
            rows = container.answer_pools.setdefault(chance.choice(pools), [])
            if rows and chance.random() < 0.5:
                rows.pop(chance.randrange(len(rows)))
            else:
                rows.append(PoolRow(id=f"new{number}"))
                fill(catalogue, rows[-1], pool_of(made, rows[-1]), chance)
            continue
        codes = [code for code, part in catalogue.questions.items() if part.pool == pool_of(made, container)]
        code = chance.choice(codes)
        container.answers.setdefault(code, Answer()).value = random_value(
            catalogue, catalogue.questions[code].question, chance
        )
    return made


def fill(catalogue: CompiledCatalogue, row: PoolRow, pool: str, chance: Random) -> None:
    for code, part in catalogue.questions.items():
        if part.pool == pool:
            row.answers[code] = Answer(value=random_value(catalogue, part.question, chance))


def pool_of(form: Document, wanted: Container) -> str:
    for prefix, container in walk_containers(form):
        if container is wanted:
            return prefix.split("/")[-2] if prefix else ""
    raise AssertionError(wanted)


def mixture_of(catalogue: CompiledCatalogue, left: Document, right: Document) -> tuple[Mixture, int]:
    found = differences([left, right], {})
    changes = [one for one in found if not isinstance(one, AnswerDifference) or not one.is_of_visibility]
    bits = {change.path: 1 << place for place, change in enumerate(changes)}
    ends = [(form, settle(catalogue, form), reveal) for form in (left, right)]
    return Mixture(catalogue, *ends, keys={}, bits=bits, comparable=is_open), len(changes)


def premium_in_full(mixture: Mixture, product: CompiledProduct, selection: int) -> int | None:
    """Return the premium of one selection by deciding all of its document."""
    state = State(mixture.catalogue, deepcopy(mixture.document(selection)), as_of=AS_OF, reveal=reveal)
    state.open_gates.update(mixture.open_gates)
    decide(state)
    truths = [(rule, rule.when.evaluate(state.root)) for rule in product.rules if rule.overrides]
    if any(isinstance(truth, Unknown) for _, truth in truths):
        return None
    return rate(state, product, [rule for rule, truth in truths if truth is True]).premium


def rounded(value: Fraction | None) -> int | None:
    return None if value is None else int(round_half_up(value))


def check(catalogue: CompiledCatalogue, seed: int, *, share: float) -> int:
    """Compare all selections; return the number of premiums that were compared."""
    chance = Random(seed)
    left = random_form(catalogue, chance, share=share)
    settle(catalogue, left)
    right = edited(catalogue, left, chance)
    settle(catalogue, right)
    mixture, changes = mixture_of(catalogue, left, right)
    if changes > MOST:
        return 0
    compared = 0
    for product in catalogue.products.values():
        if not product.is_rated:
            continue
        mixed = mixed_premium(mixture, product)
        for selection in range(1 << changes):
            expected = premium_in_full(mixture, product, selection)
            assert rounded(mixed.value(selection)) == expected, (product.product.code, selection)
            compared += expected is not None
    return compared


@settings(max_examples=amount(8, full=40), deadline=None)
@given(st.integers(0, 60), st.integers(0, 10_000))
def test_every_selection_has_the_premium_of_a_full_run(catalogue_seed: int, seed: int):
    check(random_catalogue(catalogue_seed), seed, share=0.97)


def test_the_demo_s_selections_have_the_premiums_of_full_runs():
    assert sum(check(demo(), seed, share=0.9) for seed in range(12)) > 100


@pytest.mark.slow
def test_thousands_of_selections_have_the_premiums_of_full_runs():
    assert sum(check(random_catalogue(seed % 61), seed, share=0.97) for seed in range(3_000)) > 10_000
