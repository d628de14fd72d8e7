"""The content that measurements are taken on: of the size that was asked for, the same every time, and decided the same
in full and from what changed.
"""

from __future__ import annotations

from random import Random

import pytest

from benchmarks.generated import generated_catalogue, generated_document, generated_value, take_in
from copies.document import find_container, walk_answers
from rules.definition.compiler import compile_catalogue
from rules.flow import check_flow
from rules.incremental import partial_run
from tests.harness.boarding_catalogue import AS_OF


@pytest.mark.parametrize(("rules", "answers"), [(10, 60), (200, 500), (1000, 2000)])
def test_a_catalogue_is_of_the_size_asked_for(rules: int, answers: int) -> None:
    definition = generated_catalogue(rules=rules, answers=answers)

    of_products = sum(len(product.rules) for product in definition.products)
    conditions = sum(bool(question.when) for part in definition.question_sets for question in part.questions)
    assert of_products == rules * 7 // 10
    assert len(definition.form_rules) == rules // 10
    assert conditions == rules - of_products - len(definition.form_rules)
    assert abs(sum(1 for _ in walk_answers(generated_document(definition))) - answers) <= 40
    assert definition == generated_catalogue(rules=rules, answers=answers)
    assert definition != generated_catalogue(rules=rules, answers=answers, seed=2)


def test_one_changed_answer_is_decided_the_same() -> None:
    definition = generated_catalogue(rules=100, answers=300)
    catalogue, made, random = compile_catalogue(definition), generated_document(definition), Random(2)
    result = check_flow.run(catalogue, made, as_of=AS_OF, release=1, reveal=lambda path, answer: answer.value)
    take_in(made, result)
    moved = 0

    for path, _ in list(walk_answers(made)):
        before = result.evaluation
        prefix, _, code = path.rpartition("/")
        place = find_container(made, prefix)
        assert place is not None
        place.answers[code].value = generated_value(definition, catalogue.questions[code].question, random)
        result = check_flow.run(catalogue, made, as_of=AS_OF, release=1, reveal=lambda path, answer: answer.value)
        partly = partial_run.rerun(
            catalogue,
            made,
            before=before,
            changed=[path],
            as_of=AS_OF,
            release=1,
            reveal=lambda path, answer: answer.value,
        )
        assert partly == result
        take_in(made, result)
        moved += result.evaluation != before

    assert moved > 20
