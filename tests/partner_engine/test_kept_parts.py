"""Parts that are rendered once for equal arguments look as if they were rendered each time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any, Final

import pytest
from django.template import Context, TemplateSyntaxError, engines
from django.template.loader import get_template

from partner_engine import guest_language
from partner_engine.templatetags import kept
from partner_engine.web.pages.form_page import NavItem
from partner_engine.web.pages.links import Link
from partner_engine.web.pages.products import Missing, ProductView

NAV: Final = '{% kept "web/parts/nav_item.html" item=item %}'
ITEM: Final = NavItem("owners", "Owners & officers", "2 needed", "needed")
PRODUCT: Final = ProductView(
    code="mutual_bop",
    carrier="Quillmark <Mutual>",
    name="Business owners",
    badge="Refer",
    style="refer",
    premium="$2,451",
    was="was $2,400",
    last_year="last year $2,300",
    kind="estimate",
    reasons=("Roof older than 20 years",),
    missing=(Missing("1 answer decides", (Link("locations/1/zip", "locations-1-zip", "ZIP"),)),),
    adjustments=("Rated with $1,000",),
)


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    kept._rendered.cache_clear()
    yield
    kept._rendered.cache_clear()


def printed(source: str, **values: Any) -> str:
    template = engines["django"].from_string(source)
    return template.template.render(Context(values))


def test_equal_parts_are_rendered_once() -> None:
    first, second = printed(NAV, item=ITEM), printed(NAV, item=replace(ITEM), unread="<b>")

    assert first == second == get_template("web/parts/nav_item.html").render({"item": ITEM})
    assert "Owners &amp; officers" in first
    assert kept._rendered.cache_info()[:2] == (1, 1)


@pytest.mark.parametrize("name", [field.name for field in fields(ProductView) if field.name != "quote"])
def test_every_change_of_a_product_is_shown(name: str) -> None:
    source = '{% kept "web/parts/product.html" product=product line_title="" line_kind="" copy_id=copy_id %}'
    copy_id = "018f0000-0000-7000-8000-000000000000"
    was = getattr(PRODUCT, name)
    other = replace(PRODUCT, **{name: was[:0] if isinstance(was, tuple) else "other"})

    printed(source, product=PRODUCT, copy_id=copy_id)
    found = printed(source, product=other, copy_id=copy_id)

    arguments = {"product": other, "line_title": "", "line_kind": "", "copy_id": copy_id}
    assert found == get_template("web/parts/product.html").render(arguments)
    assert kept._rendered.cache_info().hits == 0


def test_a_part_has_its_arguments_alone() -> None:
    source = '{% kept "web/parts/link.html" link=link %}'

    first = printed(source, link={"id": "1", "path": "a", "text": "One"})
    second = printed(source, link={"id": "2", "path": "a", "text": "One"})

    assert first != second
    assert kept._rendered.cache_info().hits == 0


def test_other_languages_are_rendered_each_time() -> None:
    english = printed(NAV, item=ITEM)
    chosen = guest_language._language.set("es")
    try:
        spanish = printed(NAV, item=ITEM)
    finally:
        guest_language._language.reset(chosen)

    assert "2 needed" in english
    assert "2 needed" not in spanish
    assert printed(NAV, item=ITEM) == english


@pytest.mark.parametrize("tag", ["{% kept name item=item %}", '{% kept "web/parts/nav_item.html" item %}'])
def test_other_tags_are_errors(tag: str) -> None:
    with pytest.raises(TemplateSyntaxError):
        printed(tag, item=ITEM)
