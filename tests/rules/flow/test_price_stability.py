"""A price that was shown stays: for random catalogues and random subsets of answers, one more needed answer, and any
way to complete the form, leaves every premium as it was shown.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import cache
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue.demo import CATALOGUE_FILE, read_samples
from catalogue.files import read_catalogue
from copies.document import Answer, Container, Document, PoolRow, find_container
from copies.paths import split_prefix
from rules.definition.catalogue import Question
from rules.definition.compiler import CompiledCatalogue, compile_catalogue
from rules.definition.model import CompiledProduct
from rules.flow import check_flow
from rules.flow.evaluation import Evaluation
from rules.flow.shown_questions import decide
from rules.flow.state import State
from rules.language.values import Unknown
from tests.harness.boarding_catalogue import AS_OF, document
from tests.harness.edit_scripts import SAMPLES
from tests.harness.random_catalogues import random_catalogue
from tests.harness.tiers import amount, seeds
from tests.rules.test_demo_samples import flat

SEEDS = st.integers(0, 60)


@cache
def without_carrier_questions(seed: int) -> CompiledCatalogue:
    """Return a random catalogue. Carrier questions are left out: a decline of their product hides them by design."""
    definition = random_catalogue(seed).definition
    sets = tuple(
        msgspec.structs.replace(
            part, questions=tuple(msgspec.structs.replace(question, products=()) for question in part.questions)
        )
        for part in definition.question_sets
    )
    return compile_catalogue(msgspec.structs.replace(definition, question_sets=sets))


@cache
def demo() -> CompiledCatalogue:
    return compile_catalogue(read_catalogue(CATALOGUE_FILE))


def evaluate(catalogue: CompiledCatalogue, form: Document) -> Evaluation:
    return check_flow.run(catalogue, form, as_of=AS_OF, release=1, reveal=lambda path, answer: answer.value).evaluation


def random_value(catalogue: CompiledCatalogue, question: Question, random: Random) -> Any:
    codes = list(catalogue.choices(question)) if question.choices else []
    if question.type == "multi_choice":
        return random.sample(codes, random.randint(1, len(codes)))
    return random.choice(codes or SAMPLES[question.type])


def random_form(catalogue: CompiledCatalogue, random: Random, *, share: float) -> Document:
    """Return a form in which that share of all questions is answered, in up to two rows of every pool."""
    form = Document()
    numbers = iter(range(10_000))

    def fill(container: Container, pool: str) -> None:
        for code, part in catalogue.questions.items():
            if part.pool == pool and (code == "lines" or random.random() < share):
                container.answers[code] = Answer(value=random_value(catalogue, part.question, random))
        for code, inner in catalogue.pools.items():
            if inner.pool.parent == pool:
                rows = [PoolRow(id=f"r{next(numbers)}") for _ in range(random.choice([0, 1, 1, 2, 2]))]
                container.answer_pools[code] = rows
                for row in rows:
                    fill(row, code)

    fill(form, "")
    return form


def open_paths(evaluation: Evaluation) -> list[str]:
    """Return the paths of all answers and pools that anything still needs."""
    paths = dict.fromkeys(evaluation.needed.bind)
    for outcome in evaluation.eligibility.values():
        paths.update(dict.fromkeys((*outcome.missing, *outcome.missing_for_price)))
    return list(paths)


def give(catalogue: CompiledCatalogue, form: Document, path: str, random: Random) -> bool:
    """Answer the question at ``path``, or add a row to the pool there; return whether it was without an answer."""
    prefix, code = split_prefix(path)
    container = find_container(form, prefix.rstrip("/"))
    assert container is not None
    if code in catalogue.pools:
        rows = container.answer_pools.setdefault(code, [])
        # A pool with enough rows is named where a form rule reports an error there; a row more would be a change.
        if len(rows) >= catalogue.pools[code].pool.min:
            return False
        rows.append(PoolRow(id=f"n{random.getrandbits(40)}"))
        return True
    answer = container.answers.setdefault(code, Answer())
    if answer.value is not None:
        return False
    answer.value = random_value(catalogue, catalogue.questions[code].question, random)
    return True


def shown(evaluation: Evaluation) -> dict[str, tuple[Any, ...]]:
    return {
        code: (found.premium, found.outcome, found.reasons, [(item.path, item.rated) for item in found.adjustments])
        for code, found in evaluation.eligibility.items()
        if found.premium is not None
    }


def lost(before: dict[str, tuple[Any, ...]], after: dict[str, tuple[Any, ...]]) -> dict[str, Any]:
    return {code: (price, after.get(code)) for code, price in before.items() if after.get(code) != price}


def complete(catalogue: CompiledCatalogue, form: Document, random: Random) -> Iterator[tuple[str, Evaluation]]:
    """Give one missing answer after the other; yield the path and the evaluation after each."""
    evaluation = evaluate(catalogue, form)
    for _ in range(40):
        paths = [path for path in open_paths(evaluation)]
        random.shuffle(paths)
        path = next((path for path in paths if give(catalogue, form, path, random)), None)
        if path is None:
            return
        evaluation = evaluate(catalogue, form)
        yield path, evaluation


@settings(max_examples=amount(40, full=150), deadline=None)
@given(SEEDS, st.randoms(use_true_random=False), st.floats(0.3, 1.0))
def test_one_more_needed_answer_never_changes_a_shown_premium(seed: int, random: Random, share: float) -> None:
    catalogue = without_carrier_questions(seed)
    form = random_form(catalogue, random, share=share)
    before = shown(evaluate(catalogue, form))

    for path, evaluation in complete(catalogue, form, random):
        after = shown(evaluation)
        assert lost(before, after) == {}, path
        before = after


@pytest.mark.parametrize("sample", read_samples(), ids=lambda sample: sample.id)
@pytest.mark.parametrize("seed", seeds(4))
def test_a_sample_that_is_filled_in_any_order_keeps_the_prices_it_shows(sample: Any, seed: int) -> None:
    catalogue, random = demo(), Random(seed)
    whole = document(flat(catalogue, sample.answers, sample.answer_pools))
    form = copy.deepcopy(whole)
    for container in containers(form):
        for code in list(container.answers):
            if random.random() < 0.4 and code != "mqs_lobs":
                del container.answers[code]
    wanted = {code: found.premium for code, found in evaluate(catalogue, whole).eligibility.items()}
    before = shown(evaluate(catalogue, form))

    assert {code: price[0] for code, price in before.items()}.items() <= wanted.items()
    for path in missing_in(form, whole, random):
        prefix, code = split_prefix(path)
        target, source = (find_container(made, prefix.rstrip("/")) for made in (form, whole))
        assert target is not None and source is not None
        target.answers[code] = source.answers[code]
        after = shown(evaluate(catalogue, form))
        assert lost(before, after) == {}, path
        before = after

    assert evaluate(catalogue, form) == evaluate(catalogue, whole)


def containers(container: Container) -> Iterator[Container]:
    yield container
    for rows in container.answer_pools.values():
        for row in rows:
            yield from containers(row)


def missing_in(form: Document, whole: Document, random: Random) -> list[str]:
    def below(container: Container, prefix: str) -> Iterator[str]:
        held = find_container(form, prefix.rstrip("/"))
        assert held is not None
        yield from (f"{prefix}{code}" for code in container.answers if code not in held.answers)
        for pool, rows in container.answer_pools.items():
            for row in rows:
                yield from below(row, f"{prefix}{pool}/{row.id}/")

    paths = list(below(whole, ""))
    random.shuffle(paths)
    return paths


@settings(max_examples=amount(40, full=150), deadline=None)
@given(SEEDS, st.randoms(use_true_random=False), st.floats(0.3, 1.0))
def test_no_product_with_an_unknown_input_is_priced(seed: int, random: Random, share: float) -> None:
    catalogue = without_carrier_questions(seed)
    form = random_form(catalogue, random, share=share)
    state = State(catalogue, form, as_of=AS_OF, reveal=lambda path, answer: answer.value)
    decide(state)

    for code, outcome in evaluate(catalogue, form).eligibility.items():
        unknown = set(unknown_inputs(state, catalogue.products[code]))
        if outcome.premium is not None:
            adjusted = {found.path for found in outcome.adjustments}
            # An adjusting rule gives the value that is rated in place of a missing answer.
            assert unknown <= adjusted | overridden(catalogue.products[code], outcome)
        elif outcome.outcome in ("eligible", "refer") and not outcome.priced_by_carrier:
            assert outcome.missing_for_price


def overridden(product: CompiledProduct, outcome: Any) -> set[str]:
    matched = {reason.rule for reason in outcome.reasons}
    return {override.code for rule in product.rules if rule.rule.id in matched for override in rule.overrides}


def unknown_inputs(state: State, product: CompiledProduct) -> Iterator[str]:
    """Yield the paths that terms, tables, factors and rules of ``product`` wait for, read one by one."""
    values = [part.evaluate(state.root) for part in whole_form_texts(product)]
    for table in product.tables:
        for row in state.visible_rows(table.table.pool):
            values.append(table.rate_by.evaluate(state.root, row))
            if table.amount:
                values.append(table.amount.evaluate(state.root, row))
        short = state.missing_rows(table.table.pool)
        values += [short] if short else []
    for value in values:
        if isinstance(value, Unknown):
            yield from value.paths


def whole_form_texts(product: CompiledProduct) -> Iterator[Any]:
    yield from (term.of for term in product.terms)
    yield from (factor.when for factor in product.factors)
    yield from (rule.when for rule in product.rules)
    yield from (table.times for table in product.tables if table.times)
