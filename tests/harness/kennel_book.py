"""A book of kennel forms that differ in all that their catalogue's rules read, and drafts that move them."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from batch import service as batch
from copies.models import Copy
from rules.definition.catalogue import (
    CatalogueDefinition,
    Factor,
    FormRule,
    Product,
    ProductRule,
    Rating,
    Term,
)
from tenants.access import system_actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.kennel_catalogue import ANSWERS, KENNELS
from tests.harness.later_releases import with_question

ACTOR = system_actor("test")


def kennel_forms(count: int, *, seed: int = 1) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield answers and rows of ``count`` kennels; some lack answers, some have answers that the rules refuse."""
    chance = Random(seed)  # noqa: S311 - a seeded sample
    for place in range(count):
        has_cats = chance.random() < 0.6
        answers: dict[str, Any] = {
            **ANSWERS,
            "kennel_name": f"Kennel {place}",
            "state": chance.choice(["TX", "OH"]),
            "trade": chance.choice(["812910", "115210", "541940"]),
            "lines": chance.choice([["care"], ["care"], ["care", "premises"], ["premises"]]),
            "has_cats": has_cats,
        }
        if has_cats and chance.random() < 0.9:
            answers["cat_count"] = chance.choice([3, 40, 60, 110, 140, 180])
        if chance.random() < 0.1:
            del answers[chance.choice(["state", "trade", "has_cats"])]
        houses = [
            {"answers": {"house_name": f"House {number}", "runs": chance.randint(1, 70)}}
            for number in range(chance.randint(1, 3))
        ]
        yield answers, {"houses": houses} if "care" in answers["lines"] else {}


def make_book(tenant: Tenant, count: int, *, seed: int = 1) -> list[UUID]:
    """Store ``count`` kennel forms for ``tenant``; return the ids of their copies."""
    ids = []
    for answers, pools in kennel_forms(count, seed=seed):
        with batch.build_context(scope=tenant, actor=ACTOR) as context:
            context.changeset.apply_answers(answers, pools)
            context.save()
            ids.append(context.copy.id)
    return ids


def stored_outcomes(tenant: Tenant) -> dict[UUID, dict[str, tuple[str, int | None]]]:
    """Return outcome and premium by product of all copies as they are stored."""
    with use_tenant(tenant):
        return {
            copy_id: {code: (outcome, summary["premiums"].get(code)) for code, outcome in summary["outcomes"].items()}
            for copy_id, summary in Copy.objects.values_list("id", "summary")
        }


def with_first_product(base: CatalogueDefinition = KENNELS, **changes: Any) -> CatalogueDefinition:
    """Return ``base`` with other attributes of its first product."""
    first, *others = base.products
    return replace(base, products=(replace(first, **changes), *others))


def rated(*, rate: str = "12.5", minimum: str = "300", times: str = "") -> CatalogueDefinition:
    """Return the kennel catalogue with another formula of PA-CARE."""
    factors = (Factor(id="CATS", when="has_cats", times=times),) if times else ()
    rating = Rating(minimum=minimum, terms=(Term(rate=rate, of="sum(houses.map(h, h.runs))"),), factors=factors)
    return with_first_product(rating=rating)


#: PA-CARE accepts more cats: products come back.
WIDER = with_first_product(
    rules=(
        ProductRule(id="P1", when="cat_count > 150", then="decline", why="More than 150 cats"),
        KENNELS.products[0].rules[1],
    )
)
#: PA-CARE refers other houses, and rates large ones as if they were small.
ADJUSTED = with_first_product(
    rules=(
        KENNELS.products[0].rules[0],
        ProductRule(id="P2", when="houses.exists(h, h.runs > 30)", then="refer", why="A large house"),
        ProductRule(id="P3", when="cat_count > 50", then="adjust", why="Rated as 50", set={"cat_count": 50}),
    ),
    rating=Rating(
        minimum="300", terms=(Term(rate="12.5", of="sum(houses.map(h, h.runs))"), Term(rate="3", of="cat_count"))
    ),
)
#: What is rated instead of the answer is another value, by the same rule.
OTHERWISE_ADJUSTED = with_first_product(
    ADJUSTED,
    rules=(*ADJUSTED.products[0].rules[:2], replace(ADJUSTED.products[0].rules[2], set={"cat_count": 90})),
)
#: A new carrier's product.
ONE_MORE = replace(
    KENNELS,
    products=(
        *KENNELS.products,
        Product(
            code="PA-PREM",
            carrier="PA",
            line="premises",
            rate_type="bindable",
            states=("OH",),
            rating=Rating(minimum="150", terms=(Term(rate="2", of="1"),)),
        ),
    ),
)
#: Fewer copies are asked about cats, and a message is new.
HIDING = replace(
    with_question("cat_count", when='has_cats && state == "TX"'),
    form_rules=(FormRule(id="K-02", when="cat_count > 20", then="warn", at="cat_count", say="Many"),),
)
DRAFTS = {
    "dearer": rated(rate="14.75", minimum="325"),
    "cheaper": rated(rate="9.995"),
    "factor": rated(rate="13.1", minimum="310", times="1.15"),
    "wider": WIDER,
    "rule_gone": with_first_product(rules=KENNELS.products[0].rules[1:]),
    "adjusted": ADJUSTED,
    "otherwise_adjusted": OTHERWISE_ADJUSTED,
    "one_more": ONE_MORE,
    "one_less": replace(KENNELS, products=KENNELS.products[1:]),
    "hiding": HIDING,
    "back": KENNELS,
}
