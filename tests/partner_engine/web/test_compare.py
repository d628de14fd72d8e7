"""The view *Compare*: products and differing questions of copies side by side, print, and CSV."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.test import Client

from catalogue.demo import Sample
from presentation.csv_cells import safe_cell
from tenants.models import User
from tests.harness.api_client import Api
from tests.harness.page_client import markup

pytestmark = pytest.mark.django_db


def copied(api: Api, base: dict[str, Any], answers: dict[str, Any], title: str) -> str:
    form = base["application_form_id"]
    made = api.post(f"/application_forms/{form}/copies", {"title": title, "from_copy": base["id"]}).json()
    assert api.patch(f"/copies/{made['id']}/answers", {"answers": answers}).status_code == 200
    return str(made["id"])


@pytest.fixture
def browser(owner: User, sign_in: Any) -> Client:
    return sign_in(owner)


def test_two_copies_show_prices_reasons_and_the_changed_answer(api: Api, browser: Client, s1: Sample):
    base = api.start(s1)
    bar = copied(api, base, {"mqs_gl_liquor_pct": 35}, "Bar-heavy plan")

    content = markup(browser.get(f"/forms/{bar}/compare"))

    assert "Base and Bar-heavy plan" in content
    assert "versions 1 and 2 · 1 answer differs · 1 product flips" in content
    assert '<span class="badge decline">Declined</span>' in content
    assert 'Alcohol over 30 percent of sales <span class="muted screen-only">rule QB5. ' in content
    assert "Eligible again at 30% or less." in content
    assert "no rate reads this answer" in content
    assert "<del>22%</del>" in content
    assert "<ins>35%</ins>" in content
    assert "Indication, not a quote" in content


def test_a_decline_by_one_answer_stands_at_the_answer(api: Api, browser: Client, s1: Sample):
    base = api.start(s1)
    bar = copied(api, base, {"mqs_gl_liquor_pct": 35, "mqs_bop_bi": "b12"}, "Bar-heavy plan")

    content = markup(browser.get(f"/forms/{bar}/compare"))

    assert content.count("<p>declines Quillmark Mutual Business owners</p>") == 1

    api.patch(f"/copies/{base['id']}/answers", {"answers": {"mqs_gl_liquor_pct": 35}})
    api.patch(f"/copies/{bar}/answers", {"answers": {"mqs_gl_liquor_pct": 20}})

    content = markup(browser.get(f"/forms/{bar}/compare"))

    assert content.count("<p>no longer declines Quillmark Mutual Business owners</p>") == 1


def test_shares_stand_at_the_product_and_at_the_answer(api: Api, browser: Client, s1: Sample):
    base = api.start(s1)
    other = copied(api, base, {"mqs_gl_limit": "l2m", "mqs_bop_deductible": "d2500"}, "Higher")

    content = markup(browser.get(f"/forms/{base['id']}/compare?with={other}"))

    assert "+$102" in content
    assert "+$284 Quillmark Mutual" in content
    assert "−$182 Quillmark Mutual" in content  # noqa: RUF001 - a minus sign


def test_the_base_is_pinned_and_three_copies_name_themselves(api: Api, browser: Client, s1: Sample):
    base = api.start(s1)
    one = copied(api, base, {"mqs_bop_bi": "b12"}, "Twelve months")
    two = copied(api, base, {"mqs_gl_liquor_pct": 35}, "Bar-heavy plan")

    content = markup(browser.get(f"/forms/{one}/compare", {"with": [two]}))

    assert content.index("Base, Twelve months and Bar-heavy plan") > 0
    assert '<span class="muted">Bar-heavy plan:</span>' in content
    assert '<span class="muted small">+$147</span>' in content


def test_versions_of_a_copy_are_compared(api: Api, browser: Client, s1: Sample):
    base = api.start(s1)
    api.patch(f"/copies/{base['id']}/answers", {"answers": {"mqs_bop_bi": "b12"}})

    content = markup(browser.get(f"/forms/{base['id']}/compare?with={base['id']}@1"))

    assert "Base, version 2 and Base, version 1" in content


def test_a_form_with_one_copy_says_what_to_do(api: Api, browser: Client, s1: Sample):
    base = api.start(s1)

    content = markup(browser.get(f"/forms/{base['id']}/compare"))

    assert "This form has one copy" in content
    assert browser.get(f"/forms/{base['id']}/compare.csv").status_code == 400


def test_equal_copies_have_no_differences(api: Api, browser: Client, s1: Sample):
    base = api.start(s1)
    same = copied(api, base, {}, "Same")

    content = markup(browser.get(f"/forms/{same}/compare"))

    assert "No differences. These copies have the same answers." in content
    assert "no rate reads" not in content


def test_too_many_copies_and_nonsense_are_refused_on_the_page(api: Api, browser: Client, s1: Sample):
    base = api.start(s1)
    others = [copied(api, base, {}, f"Copy {number}") for number in range(4)]

    many = browser.get(f"/forms/{base['id']}/compare", {"with": others})
    nonsense = browser.get(f"/forms/{base['id']}/compare?with=nonsense")

    assert (many.status_code, nonsense.status_code) == (400, 400)
    assert "Compare a copy with one to 3 others." in markup(many)
    assert "names no copy" in markup(nonsense)


def test_the_csv_is_safe_and_complete(api: Api, browser: Client, s1: Sample):
    base = api.start(s1)
    other = copied(api, base, {"mqs_business_name": "=1+1 Bistro", "mqs_bop_deductible": "d2500"}, "@risk")

    response = browser.get(f"/forms/{other}/compare.csv")

    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert ["Carrier", "Product", "Base", "'@risk", "Difference of @risk", "Because of"] in rows
    name = next(row for row in rows if "'=1+1 Bistro" in row and row[0] != "Insured")
    assert name[2:4] == ["Copper Kettle Bistro LLC", "'=1+1 Bistro"]
    assert next(row for row in rows if row[:1] == ["Quillmark Mutual"])[2:5] == ["2451", "2279", "-172"]
    assert not any(cell.startswith(("=", "@", "+")) for row in rows for cell in row)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("=1+1", "'=1+1"),
        ("+$102", "'+$102"),
        ("-5", "-5"),
        ("-5.25", "-5.25"),
        ("+1-614-555-0101", "'+1-614-555-0101"),
        ("\t=1", "'\t=1"),
        (" @x", "' @x"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("\uff20x", "'\uff20x"),
        ("12 Pecan St", "12 Pecan St"),
        ("", ""),
    ],
)
def test_cells_never_are_formulas(text: str, expected: str):
    assert safe_cell(text) == expected
