"""Which copies a release concerns, by what decisions read; proved against deciding every copy."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec.structs import replace

from batch import service as batch
from decisions.impact import EVERYTHING, NOTHING, Reach, count_refusing, reach_of
from rules.definition.catalogue import CatalogueDefinition, FormRule
from tenants.access import system_actor
from tenants.models import Tenant
from tests.harness.kennel_catalogue import ANSWERS, HOUSES, KENNELS
from tests.harness.later_releases import publish_release, renamed, with_question
from tests.harness.moments import DATED, declining


def relabelled(base: CatalogueDefinition) -> CatalogueDefinition:
    first, *others = base.question_sets
    question, *rest = first.questions
    questions = (replace(question, label="The name", help="As on the sign"), *rest)
    return replace(base, title="Kennels", question_sets=(replace(first, title="Begin", questions=questions), *others))


@pytest.mark.parametrize(
    ("after", "reach"),
    [
        (DATED, NOTHING),
        (relabelled(DATED), NOTHING),
        (declining(), Reach(frozenset({"care"}))),
        (replace(DATED, products=KENNELS.products), Reach(frozenset({"care"}))),
        (replace(DATED, products=()), Reach(frozenset({"care"}))),
        (replace(DATED, choices={**DATED.choices, "states": {"TX": "Texas"}}), EVERYTHING),
        (replace(DATED, form_rules=(FormRule(id="K", when="true", then="warn", at="state", say="!"),)), EVERYTHING),
    ],
)
def test_a_release_reaches_the_copies_that_read_what_it_changes(after: CatalogueDefinition, reach: Reach) -> None:
    assert reach_of(DATED, after) == reach


@pytest.mark.django_db
def test_only_answers_that_the_present_release_accepts_are_counted_as_refused_anew() -> None:
    """A start on the form's own day is no fault, although the day is past."""
    publish_release(DATED)
    tenant = Tenant.objects.create(code="kennels", name="Kennel Brokers", catalogue="kennels")
    for cats in (60, 8, 70):
        with batch.build_context(scope=tenant, actor=system_actor("test"), as_of=date(2024, 5, 1)) as context:
            answers = {**ANSWERS, "has_cats": True, "cat_count": cats, "start_date": "2024-05-01"}
            context.changeset.apply_answers(answers, {"houses": HOUSES})
            context.save()
    message = replace(DATED, form_rules=(FormRule(id="K", when="true", then="warn", at="state", say="!"),))
    stricter = with_question("cat_count", base=DATED, validate=("min:1", "max:50"))
    later = with_question("cats", base=renamed({"cat_count": "cats"}, stricter), validate=("min:1", "max:40"))

    steps = ((message, DATED), (stricter, DATED), (later, stricter))
    counts = [count_refusing(draft, base)[0].count for draft, base in steps]

    # Two have more than 50 cats; where that is refused already, a stricter limit refuses nothing more.
    assert counts == [0, 2, 0]


def test_a_product_that_moves_to_another_line_concerns_both() -> None:
    first, second = KENNELS.products
    moved = replace(KENNELS, products=(first, replace(second, line="premises")))

    assert reach_of(KENNELS, moved) == Reach(frozenset({"care", "premises"}))
    assert reach_of(KENNELS, moved).concerns(["premises"])
    assert reach_of(KENNELS, replace(KENNELS, products=(second, first))) == EVERYTHING
    assert not reach_of(DATED, declining()).concerns(["premises"])
