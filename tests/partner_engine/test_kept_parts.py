"""Parts that are rendered once for equal arguments look as if they were rendered each time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any, Final

import pytest
from django.conf import settings
from django.template import Context, Node, NodeList, TemplateSyntaxError, engines
from django.template.base import FilterExpression, TextNode, Variable, VariableNode
from django.template.defaulttags import ForNode, IfNode, WithNode
from django.template.loader import get_template
from django.template.loader_tags import IncludeNode
from django.template.smartif import TokenBase

from partner_engine import guest_language
from partner_engine.templatetags import kept
from partner_engine.templatetags.words import Words
from partner_engine.web.pages.form_page import NavItem
from partner_engine.web.pages.links import Link
from partner_engine.web.pages.products import LineView, Missing, ProductView
from partner_engine.web.pages.quote_foot import CardQuote
from partner_engine.web.pages.quote_states import StateView

NAV: Final = '{% kept "web/parts/nav_item.html" item=item %}'
ITEM: Final = NavItem("owners", "Owners & officers", "2 needed", "needed")
COPY_ID: Final = "018f0000-0000-7000-8000-000000000000"
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


#: What concerns one copy: answers, premiums, quotes, and what the agency may place. No kept part contains it.
OF_ONE_COPY: Final = {
    "premium": "$98,765",
    "was": "was $98,765",
    "last_year": "last year $98,765",
    "adjustments": ("Deductible: rated with $98,765",),
    "gate": "No appointment: $98,765",
    "quote": CardQuote(state=StateView("Quoted", "done", "noted $98,765", "detail $98,765"), premium="$98,765"),
}
#: Nodes that read variables alone; others might read the request or what the engine adds.
PLAIN_NODES: Final = (TextNode, VariableNode, IfNode, ForNode, WithNode, IncludeNode, Words)


@pytest.fixture(autouse=True)
def rendered(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Return the names of the kept parts that are rendered, with nothing kept before."""
    names: list[str] = []

    def get(name: str) -> Any:
        names.append(name)
        return get_template(name)

    monkeypatch.setattr(kept, "get_template", get)
    kept._texts.clear()
    yield names
    kept._texts.clear()


def printed(source: str, **values: Any) -> str:
    template = engines["django"].from_string(source)
    return template.template.render(Context(values))


def card(product: ProductView, **values: Any) -> str:
    line = LineView("property", "Property", "", (product,))
    return printed('{% include "web/parts/products.html" %}', **{"line": line, "copy_id": COPY_ID, **values})


def changed(item: Any, name: str) -> Any:
    """Return ``item`` with another value of the field ``name``."""
    kinds: dict[type, Any] = {tuple: (), int: 7, bool: True, str: "other"}
    other = OF_ONE_COPY["quote"] if name == "quote" else kinds[type(getattr(item, name))]
    return replace(item, **{name: other})


def unbound(nodes: NodeList, bound: frozenset[str]) -> set[str]:
    """Return the names that ``nodes`` and the templates that they include read, besides those that are ``bound``."""
    return {name for node in nodes for name in unbound_in(node, bound)}


def unbound_in(node: Node, bound: frozenset[str]) -> set[str]:
    assert isinstance(node, PLAIN_NODES), f"{type(node).__name__} may read what is no argument."
    own = [value for name, value in vars(node).items() if name not in ("token", "origin")]
    found = set(read_names(own)) - bound
    inside = bound
    if isinstance(node, ForNode):
        inside |= {*node.loopvars, "forloop"}
    elif isinstance(node, WithNode):
        inside |= set(node.extra_context)
    elif isinstance(node, IncludeNode):
        inside = frozenset() if node.isolated_context else bound
        inside |= set(node.extra_context)
        return found | unbound(get_template(node.template.var).template.nodelist, inside)
    for name in node.child_nodelists:
        found |= unbound(getattr(node, name, NodeList()), inside)
    return found


def read_names(value: Any) -> Iterator[str]:
    """Yield the first names of the variables in ``value``, a part of a node."""
    if isinstance(value, Variable):
        yield from (value.lookups or ())[:1]
    elif isinstance(value, FilterExpression):
        yield from read_names([value.var, *(argument for _, arguments in value.filters for argument in arguments)])
    elif isinstance(value, TokenBase):
        yield from read_names(vars(value))
    elif isinstance(value, dict):
        yield from read_names(list(value.values()))
    elif isinstance(value, list | tuple) and not isinstance(value, NodeList):
        for part in value:
            yield from read_names(part)


def kept_nodes() -> list[kept.Kept]:
    """Return all uses of kept parts in the templates."""
    root = settings.BASE_DIR / "templates"
    using = [path for path in root.rglob("*.html") if "{% kept " in path.read_text("utf-8")]
    templates = [get_template(str(path.relative_to(root))).template for path in using]
    return [node for template in templates for node in template.nodelist.get_nodes_by_type(kept.Kept)]


def test_equal_parts_are_rendered_once(rendered: list[str]) -> None:
    first, second = printed(NAV, item=ITEM), printed(NAV, item=replace(ITEM), unread="<b>")

    assert first == second == get_template("web/parts/nav_item.html").render({"item": ITEM})
    assert "Owners &amp; officers" in first
    assert rendered == ["web/parts/nav_item.html"]


@pytest.mark.parametrize("name", [field.name for field in fields(ProductView)])
def test_every_change_of_a_product_is_shown(name: str) -> None:
    other = changed(PRODUCT, name)

    first, found = card(PRODUCT), card(other)
    kept._texts.clear()

    assert found == card(other) != first


@pytest.mark.parametrize("name", [field.name for field in fields(NavItem)])
def test_every_change_of_a_question_set_is_shown(name: str) -> None:
    other = changed(ITEM, name)

    first, found = printed(NAV, item=ITEM), printed(NAV, item=other)

    assert found == get_template("web/parts/nav_item.html").render({"item": other}) != first


def test_parts_of_products_are_the_same_in_all_copies(rendered: list[str]) -> None:
    first = card(replace(PRODUCT, style="decline"))
    parts = len(rendered)
    second = card(replace(PRODUCT, style="decline", **OF_ONE_COPY), copy_id="another")

    assert "another" in second and "another" not in first and COPY_ID not in second
    assert second.count("$98,765") == 8
    assert parts == len(rendered) == len(kept._texts._texts) == 2
    assert not any("98,765" in text for text in kept._texts._texts.values())


def test_parts_read_their_arguments_alone() -> None:
    nodes = kept_nodes()
    names = {node.name for node in nodes}

    read = {node.name: unbound(get_template(node.name).template.nodelist, frozenset(node.arguments)) for node in nodes}

    assert names == {"web/parts/nav_item.html", "web/parts/product_heading.html", "web/parts/product_reasons.html"}
    assert read == dict.fromkeys(names, set())


@pytest.mark.parametrize(
    "source",
    [
        "{{ other }}",
        "{{ item|default:other.name }}",
        "{% if item and not item.x == other.y %}{% endif %}",
        "{% if item %}{% elif item.x %}{{ other }}{% endif %}",
        "{% for one in other %}{{ one }}{% endfor %}",
        "{% for other in item %}{% endfor %}{{ other }}",
        "{% with one=other %}{{ one }}{% endwith %}",
        "{% words count=other %}{count} to fix{% endwords %}",
        '{% include "web/parts/link.html" with link=other %}',
    ],
)
def test_other_names_are_found(source: str) -> None:
    nodes = engines["django"].from_string(source).template.nodelist

    assert unbound(nodes, frozenset({"item"})) == {"other"}


def test_a_name_that_an_included_part_reads_is_found() -> None:
    nodes = engines["django"].from_string('{% include "web/parts/link.html" %}').template.nodelist

    assert unbound(nodes, frozenset()) == {"link"}


def test_tags_that_read_something_else_are_refused() -> None:
    nodes = engines["django"].from_string("{% csrf_token %}").template.nodelist

    with pytest.raises(AssertionError, match="CsrfTokenNode"):
        unbound(nodes, frozenset())


def test_parts_are_kept_for_minutes(rendered: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0  # sums of others can be rounded
    monkeypatch.setattr(kept, "monotonic", lambda: now)
    kept._texts.clear()

    printed(NAV, item=ITEM)
    now += kept.LONGEST_KEPT - 1
    printed(NAV, item=ITEM)
    assert len(rendered) == 1
    now += 1
    printed(NAV, item=replace(ITEM, title="Another"))

    assert len(rendered) == 2
    assert len(kept._texts._texts) == 1


def test_one_part_too_many_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST_KEPT", 2)

    amounts = [len(kept._texts._texts) for number in range(3) if printed(NAV, item=replace(ITEM, wrong=number))]

    assert amounts == [1, 2, 1]


def test_no_argument_is_kept() -> None:
    printed(NAV, item=replace(ITEM, title="Owners"))

    assert [(len(digest), b"Owners" in digest) for digest in kept._texts._texts] == [(16, False)]


def test_a_part_has_its_arguments_alone(rendered: list[str]) -> None:
    source = '{% kept "web/parts/link.html" link=link %}'

    first = printed(source, link={"id": "1", "path": "a", "text": "One"})
    second = printed(source, link={"id": "2", "path": "a", "text": "One"})

    assert first != second
    assert len(rendered) == 2


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
