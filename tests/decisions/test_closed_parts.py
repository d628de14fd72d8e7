"""What a supposition never reports: whatever depends on an answer that the reader may not see."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from batch import service as batch
from catalogue import releases
from decisions.book_report import BookReport
from decisions.closed_parts import closed_by
from decisions.what_if import answers_supposition, report_at_once
from presentation.visibility import Reader
from rules.definition.catalogue import CatalogueDefinition, Derived, ProductRule, Rating, Term
from rules.definition.compiler import compile_catalogue
from tenants.models import Tenant
from tests.harness.kennel_book import ACTOR
from tests.harness.kennel_catalogue import ANSWERS, KENNELS
from tests.harness.later_releases import publish_release, with_question, with_sensitivity

#: Sees no personal answers.
BLIND = Reader()
SEEING = Reader(sees_personal=True)


def with_product(code: str, base: CatalogueDefinition = KENNELS, **changes: Any) -> CatalogueDefinition:
    products = tuple(replace(one, **changes) if one.code == code else one for one in base.products)
    return replace(base, products=products)


#: A rule that compares the public number of cats with the runs of the houses, which are personal here.
COMPARING = with_product(
    "PA-CARE",
    with_sensitivity(runs="pii"),
    rules=(ProductRule(id="P1", when="cat_count > sum(houses.map(h, h.runs))", then="decline", why="Too many cats"),),
)


@pytest.mark.parametrize(
    ("definition", "hidden", "closed"),
    [
        (KENNELS, (), set()),
        (KENNELS, ("owner_ssn", "owner_phone"), set()),
        (KENNELS, ("cat_count",), {"PA-CARE", "WO-CARE"}),
        # Whether cats are counted depends on it.
        (KENNELS, ("has_cats",), {"PA-CARE", "WO-CARE"}),
        (KENNELS, ("state",), {"PA-CARE", "WO-CARE"}),
        (KENNELS, ("lines",), {"PA-CARE", "WO-CARE"}),
        (with_product("PA-CARE", rules=(), rating=Rating(minimum="1")), ("cat_count",), set()),
        (
            with_product("WO-CARE", rating=Rating(minimum="900", terms=(Term(rate="1", of="cat_count"),))),
            ("cat_count",),
            {"PA-CARE", "WO-CARE"},
        ),
        (
            with_product(
                "WO-CARE",
                replace(KENNELS, derived=(Derived(code="many", value="cat_count > 9", label="Many"),)),
                rules=(ProductRule(id="W1", when="many", then="refer", why="Many"),),
            ),
            ("cat_count",),
            {"PA-CARE", "WO-CARE"},
        ),
    ],
)
def test_products_are_closed_by_what_reaches_them(
    definition: CatalogueDefinition, hidden: tuple[str, ...], closed: set[str]
) -> None:
    assert closed_by(compile_catalogue(definition), hidden).products == closed


def test_a_product_of_its_own_stays_open() -> None:
    catalogue = compile_catalogue(
        with_product("WO-CARE", rules=(ProductRule(id="W1", when="has_cats", then="refer", why="Cats"),))
    )

    # PA-CARE does not wait for WO-CARE, but the surplus product for the admitted one.
    reads_runs = closed_by(catalogue, ("runs",))
    assert reads_runs.products == {"PA-CARE", "WO-CARE"}
    assert closed_by(catalogue, ("kennel_name",)).products == set()
    assert "runs" in reads_runs.values


@pytest.fixture
def first(db: None) -> Tenant:
    return Tenant.objects.create(code="first", name="First", catalogue="kennels")


@pytest.fixture
def second(db: None) -> Tenant:
    return Tenant.objects.create(code="second", name="Second", catalogue="kennels")


def form(tenant: Tenant, *, runs: int) -> None:
    answers = {**ANSWERS, "has_cats": True, "cat_count": 5}
    with batch.build_context(scope=tenant, actor=ACTOR) as context:
        houses = [{"answers": {"house_name": "North", "runs": runs}}]
        context.changeset.apply_answers(answers, {"houses": houses})
        context.save()


def report(tenant: Tenant, reader: Reader | None, **answers: Any) -> dict[str, Any]:
    found: BookReport = report_at_once(answers_supposition("kennels", answers, reader=reader), [tenant])
    shape: dict[str, Any] = msgspec.to_builtins(found)
    assert shape["copies"] == 1
    return {key: value for key, value in shape.items() if key not in ("flipped_copies", "win_back")} | {
        "rows": len(shape["flipped_copies"]) + len(shape["win_back"])
    }


@pytest.mark.django_db
def test_no_number_of_tries_shows_a_hidden_answer(first: Tenant, second: Tenant) -> None:
    publish_release(COMPARING)
    form(first, runs=20)
    form(second, runs=40)
    tries = range(10, 60, 10)

    blind = [(report(first, BLIND, cat_count=cats), report(second, BLIND, cat_count=cats)) for cats in tries]
    seeing = [report(first, SEEING, cat_count=cats)["flips"] for cats in tries]

    assert all(one == other for one, other in blind)
    assert {key for one, _ in blind for key in one["left_out"]} == {"PA-CARE", "WO-CARE"}
    assert all(one["moved"]["count"] == one["rows"] == 0 for one, _ in blind)
    # Somebody who may see the answers gets the whole report.
    assert [bool(flips) for flips in seeing] == [False, False, True, True, True]


@pytest.mark.django_db
def test_an_answer_that_was_confidential_when_it_was_given_stays_closed(first: Tenant) -> None:
    publish_release(COMPARING)
    form(first, runs=20)
    publish_release(with_sensitivity(COMPARING, runs=""))

    assert report(first, BLIND, cat_count=50)["flips"] == []
    assert report(first, SEEING, cat_count=50)["flips"] != []


@pytest.mark.django_db
def test_what_a_validator_compares_with_a_hidden_answer_is_never_supposed(first: Tenant) -> None:
    ceiling = with_question("owner_phone", type="integer", indexed=False)
    publish_release(with_question("cat_count", ceiling, validate=("min:1", "max_of:owner_phone")))
    with batch.build_context(scope=first, actor=ACTOR) as context:
        context.changeset.apply_answers({**ANSWERS, "has_cats": True, "cat_count": 5, "owner_phone": 30}, {})
        context.save()

    blind = [report(first, BLIND, cat_count=cats)["undecidable"] for cats in (20, 40)]
    seeing = [report(first, SEEING, cat_count=cats)["undecidable"] for cats in (20, 40)]

    assert blind == [{"not shown": 1}] * 2
    # Somebody who may see the other answer gets the decision.
    assert seeing == [{}, {}]


@pytest.mark.django_db
def test_products_that_depend_on_nothing_hidden_are_reported_as_ever(first: Tenant) -> None:
    publish_release(KENNELS)
    form(first, runs=20)

    whole, blind = report(first, None, cat_count=150), report(first, BLIND, cat_count=150)

    assert blind == whole
    assert blind["flips"] != []
    assert releases.current("kennels").number == 1
