"""The products panel: no price without its inputs, three counts, and what a moved premium was."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.template.loader import render_to_string

from copies.document import Document
from partner_engine.web.pages.differences import sentence
from partner_engine.web.pages.products import Panel, ProductView, build_panel
from partner_engine.web.pages.reading import CopyFacts, Reader, Reading
from rules.flow.evaluation import Adjustment, Evaluation, Needed, ProductOutcome, Reason
from tests.harness.boarding_catalogue import ANSWERS, boarding, document, settle

CATALOGUE = boarding()
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def reading(evaluation: Evaluation, form: Document | None = None) -> Reading:
    return Reading(
        facts=CopyFacts("c", "f", "", 3, NOW, date(2026, 6, 1)),
        reader=Reader(ZoneInfo("UTC"), NOW),
        catalogue=CATALOGUE,
        document=form or document(ANSWERS),
        evaluation=evaluation,
    )


def evaluated(*outcomes: ProductOutcome, quote: tuple[str, ...] = (), bind: tuple[str, ...] = ()) -> Evaluation:
    codes = ("PAW-CARE", "FIN-CARE")
    return Evaluation(
        release=1,
        as_of=date(2026, 6, 1),
        eligibility=dict(zip(codes, outcomes, strict=False)),
        needed=Needed(quote, (*quote, *bind)),
    )


def panel(*outcomes: ProductOutcome, **needed: Any) -> Panel:
    return build_panel(reading(evaluated(*outcomes, **needed)))


def product(outcome: ProductOutcome, **needed: Any) -> ProductView:
    return panel(outcome, **needed).products[0]


def texts(view: ProductView) -> list[tuple[str, list[str], int]]:
    return [(part.text, [link.text for link in part.links], part.more) for part in view.missing]


NEEDS_ALL = ProductOutcome("need_info", missing=("industry",), missing_for_price=("income", "kennels"))
PRICELESS = ProductOutcome("eligible", missing_for_price=("income", "opened", "limit", "exotic"))
PRICED = ProductOutcome("eligible", premium=2553, bindable=True)
BY_CARRIER = ProductOutcome("eligible", priced_by_carrier=True)
LOCKED = ProductOutcome("locked")
ALL_COUNTS = "1 answer decides · 2 more for prices · 1 more to quote · 1 more to bind"


@pytest.mark.parametrize(
    ("outcome", "badge", "style", "missing"),
    [
        (
            NEEDS_ALL,
            "Open so far",
            "so-far",
            [("1 answer decides", ["Industry"], 0), ("No price yet", ["Income", "Houses"], 0)],
        ),
        (PRICELESS, "Open so far", "so-far", [("No price yet", ["Income", "Opened", "Limit"], 1)]),
        (PRICED, "Eligible", "eligible", []),
        (BY_CARRIER, "Eligible", "eligible", [("Priced by the carrier", [], 0)]),
        (ProductOutcome("eligible"), "Eligible", "eligible", [("No price yet", [], 0)]),
        (
            ProductOutcome("refer", missing_for_price=("income",)),
            "Refer",
            "refer",
            [("No price yet", ["Income"], 0)],
        ),
        (ProductOutcome("decline"), "Declined", "decline", []),
        (LOCKED, "Locked", "locked", []),
    ],
)
def test_a_product_says_what_decides_and_what_prices_it(
    outcome: ProductOutcome, badge: str, style: str, missing: list[tuple[str, list[str], int]]
) -> None:
    view = product(outcome)

    assert (view.badge, view.style, texts(view)) == (badge, style, missing)
    assert view.premium == ("$2,553" if outcome.premium else "")


@pytest.mark.parametrize(
    ("outcome", "quote", "kind"),
    [
        (PRICED, (), "bindable"),
        (ProductOutcome("eligible", premium=2553), (), "indication"),
        (ProductOutcome("eligible", premium=2553), ("income",), "estimate"),
        (ProductOutcome("refer", premium=2553), ("income",), "estimate"),
        (PRICELESS, ("income",), ""),
    ],
)
def test_bindable_never_stands_beside_an_estimate(outcome: ProductOutcome, quote: tuple[str, ...], kind: str) -> None:
    assert product(outcome, quote=quote).kind == kind


@pytest.mark.parametrize(
    ("outcomes", "summary"),
    [
        ((), "No products yet"),
        ((NEEDS_ALL, NEEDS_ALL), "2 open so far, no price"),
        ((PRICELESS, LOCKED), "1 open so far, no price"),
        ((PRICED, NEEDS_ALL), "2 open so far · from $2,553"),
        ((PRICED, LOCKED), "1 of 2 products open · from $2,553"),
        ((BY_CARRIER, LOCKED), "1 of 2 products open, priced by the carrier"),
        ((BY_CARRIER, PRICED), "2 of 2 products open · from $2,553"),
        ((ProductOutcome("decline"), LOCKED), "0 of 2 products open"),
    ],
)
def test_the_bar_of_a_phone(outcomes: tuple[ProductOutcome, ...], summary: str) -> None:
    assert panel(*outcomes).summary == summary


@pytest.mark.parametrize(
    ("outcomes", "quote", "bind", "counts"),
    [
        ((NEEDS_ALL,), ("industry", "income", "vet"), ("owner_ssn",), ALL_COUNTS),
        ((PRICELESS,), ("income", "vet"), (), "4 answers for prices · 1 more to quote"),
        ((PRICED,), ("vet",), ("owner_ssn",), "1 answer to quote · 1 more to bind"),
        ((PRICED,), (), ("owner_ssn",), "1 answer to bind"),
        ((PRICED,), (), (), ""),
        ((), ("income",), (), ""),
    ],
)
def test_three_counts_are_told_apart(
    outcomes: tuple[ProductOutcome, ...], quote: tuple[str, ...], bind: tuple[str, ...], counts: str
) -> None:
    assert panel(*outcomes, quote=quote, bind=bind).counts == counts


@pytest.mark.parametrize(
    ("before", "after", "was", "said"),
    [
        (PRICED, ProductOutcome("eligible", premium=2600), "was $2,553", "eligible $2,600, was $2,553"),
        (PRICED, PRICELESS, "was $2,553", "eligible, was $2,553"),
        (PRICED, ProductOutcome("decline"), "was $2,553", "declined, was $2,553"),
        (PRICED, PRICED, "", "eligible $2,553"),
        (PRICELESS, PRICED, "", "eligible $2,553"),
        (ProductOutcome("eligible", premium=0), PRICED, "was $0", "eligible $2,553, was $0"),
    ],
)
def test_a_moved_premium_shows_what_it_was_until_the_next_save(
    before: ProductOutcome, after: ProductOutcome, was: str, said: str
) -> None:
    saved = reading(evaluated(after)).after(evaluated(before))

    assert build_panel(saved).products[0].was == was
    assert sentence(saved, (), {"PAW-CARE": after}) == f"Saved. Paw Mutual Care: {said}."
    assert build_panel(saved.after(evaluated(after))).products[0].was == ""


def test_a_declined_product_names_apart_what_would_only_have_referred_it() -> None:
    outcome = ProductOutcome(
        "decline",
        reasons=(
            Reason("state", "Not offered in OH.", "base"),
            Reason("P3", "No vet", "refer"),
            Reason("P4", "Too new", "adjust"),
        ),
        adjustments=(Adjustment("limit", "high", "low", "P4"),),
    )

    assert product(outcome).reasons == ("Not offered in OH.", "Would also refer: No vet")


def test_the_panel_of_a_form_that_is_being_filled() -> None:
    form = document(ANSWERS, without=("kennels", "income"))
    html = render_to_string(
        "web/parts/panel.html", {"panel": build_panel(reading(settle(CATALOGUE, form), form)), "copy_id": uuid4()}
    )

    assert "bindable" not in html and "$" not in html
    assert 'data-go="kennels"' in html and "No price yet" in html and "Open so far" in html


def test_products_are_grouped_by_line_and_a_line_says_the_kind_of_all_its_premiums() -> None:
    firm, open_one = PRICED, ProductOutcome("eligible", premium=9)

    assert [(line.code, line.title, line.kind) for line in panel(firm, firm).lines] == [("care", "Care", "bindable")]
    assert [line.kind for line in panel(firm, open_one).lines] == [""]
    assert panel(firm, open_one).lines[0].products == panel(firm, open_one).products


def test_a_badge_is_shown_only_where_a_product_is_not_eligible() -> None:
    html = render_to_string("web/parts/panel.html", {"panel": panel(PRICED, LOCKED), "copy_id": uuid4()})

    assert "Eligible" not in html and html.count("badge") == 1 and "Locked" in html


def test_a_moved_premium_is_tinted_again_at_each_version() -> None:
    third = reading(evaluated(PRICED)).after(evaluated(ProductOutcome("eligible", premium=1)))
    fourth = replace(third, facts=replace(third.facts, version=4))

    assert (build_panel(third).products[0].moved, build_panel(fourth).products[0].moved) == ("odd", "even")
    assert product(PRICED).moved == ""


def test_a_renewal_shows_what_a_product_cost_last_year() -> None:
    form = document(ANSWERS)
    form.last_premiums = {"PAW-CARE": 2451}

    built = build_panel(reading(evaluated(PRICED, PRICELESS), form))

    assert [view.last_year for view in built.products] == ["last year $2,451", ""]
    assert "last year $2,451" in render_to_string("web/parts/panel.html", {"panel": built, "copy_id": uuid4()})
