"""Quick templates print what Django's own templates print, whatever the context contains."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Final

import pytest
from django.template import Context, Engine, Template
from django.template.loader import get_template
from django.utils.functional import lazystr
from django.utils.safestring import mark_safe

from partner_engine.quick_templates import QuickTemplate, QuickVariableNode

KINDS: Final[tuple[type[Template], ...]] = (QuickTemplate, Template)
SOURCES: Final = (
    "{{ model.label }}{{ model.inner.label }}{{ model.missing }}{{ model.none }}{{ model.none.label }}",
    "{{ missing }}{{ missing.label }}{{ missing|default:'nothing' }}{{ model.missing|default:model.label }}",
    "{% if missing %}a{% else %}b{% endif %}{% if not missing and model.label == 'A & B' %}c{% endif %}",
    "{% if model.missing == None %}d{% endif %}{% if missing.label == missing %}e{% endif %}",
    "{{ texts.0 }}{{ texts.9 }}{{ table.key }}{{ table.missing }}{{ table.items }}{{ table.0 }}{{ table.1 }}",
    "{% for key, value in table.items %}{{ key }}{{ value }}{{ forloop.counter }}{{ forloop.last }}{% endfor %}",
    "{% for text in texts %}{{ text }}{{ forloop.parentloop.counter }}{% empty %}none{% endfor %}",
    "{{ call }}{{ model.method }}{{ model.counted }}{{ table_of_calls.call }}{{ model.method.upper }}",
    "{{ danger }}{{ model.label|safe }}{{ safe }}{{ lazy }}{{ lazy|upper }}",
    "{% autoescape off %}{{ danger }}{{ safe }}{{ number }}{% endautoescape %}{{ danger|escape }}",
    "{{ number }}{{ ratio }}{{ yes }}{{ model.none }}{{ texts }}{{ table }}",
    "{{ 'constant & more' }}{{ 17 }}{{ _('May') }}{{ _('May')|lower }}",
    "{% with danger as text %}{{ text }}{% endwith %}{% with text=model.inner %}{{ text.label|lower }}{% endwith %}",
    "{{ template }}{{ dicts }}{{ autoescape }}{{ push }}{{ flatten.danger }}{{ render_context }}",
    "{{ own.key }}{{ own.label }}{{ own.missing }}{{ kind }}{{ kind.label }}{{ changes }}{{ kept.label }}",
    "{% filter upper %}{{ danger }}{% endfilter %}{% firstof missing model.none danger %}{% cycle danger safe %}",
    "{{ raises|default:'x' }}{{ model.silent }}{{ spaced.label }}{{ number|add:ratio }}{{ texts|join:danger }}",
)


class Silent(Exception):
    """An error that templates do not show."""

    silent_variable_failure = True


class Own:
    """A collection of its own."""

    label = "attribute"

    def __getitem__(self, key: object) -> str:
        if key == "key":
            return "<item>"
        raise KeyError(key)


@dataclass(frozen=True)
class Model:
    """A page model."""

    label: str
    none: None = None
    inner: Any = None
    calls: list[int] = field(default_factory=list)

    def method(self) -> str:
        """Return a text."""
        return "<called>"

    @property
    def counted(self) -> int:
        """Return a number."""
        return len(self.label)

    @property
    def silent(self) -> str:
        """Raise what templates do not show."""
        raise Silent

    @property
    def broken(self) -> str:
        """Raise what a template must not hide."""
        raise AttributeError("broken inside")


def delete() -> str:
    """Change data, which templates must not do."""
    raise AssertionError


delete.alters_data = True  # type: ignore[attr-defined]


class Kind:
    """A class that templates do not call."""

    do_not_call_in_templates = True
    label = "of a class"


def values() -> dict[str, Any]:
    return {
        "model": Model("A & B", inner=Model("<i>")),
        "texts": ["<1>", "2"],
        "table": {"key": "'v'", "upper": 3, 1: "by number"},
        "table_of_calls": {"call": lambda: "<from a table>"},
        "call": lambda: "<direct>",
        "danger": "<b title=\"x\">'&'</b>",
        "safe": mark_safe("<hr>"),
        "lazy": lazystr("<lazy>"),
        "number": 1_234_567,
        "ratio": 0.5,
        "yes": True,
        "own": Own(),
        "kind": Kind,
        "changes": delete,
        "spaced": SimpleNamespace(label=" <s> "),
        "kept": Kind(),
    }


def printed(kind: type[Template], source: str, **more: Any) -> str:
    engine = Engine(debug=False, string_if_invalid="INVALID")
    return kind(source, engine=engine).render(Context({**values(), **more}, use_l10n=True))


@pytest.mark.parametrize("source", SOURCES)
def test_they_print_the_same(source: str) -> None:
    # One place prints an object with its class and address.
    quick, django = (re.sub(r"[\w.]*Template object at 0x\w+|0x\w+", "", printed(kind, source)) for kind in KINDS)

    assert quick == django
    assert quick != ""


def test_a_name_of_an_inner_scope_counts() -> None:
    loop = "{% for model in texts %}{{ model }}{% endfor %}"
    source = f"{{% with danger='inner' %}}{{{{ danger }}}}{{% endwith %}}{loop}{{{{ model.label }}}}"

    assert printed(QuickTemplate, source) == printed(Template, source) == "inner&lt;1&gt;2A &amp; B"


def test_errors_inside_of_a_property_are_not_hidden() -> None:
    for kind in KINDS:
        with pytest.raises(AttributeError, match="broken inside"):
            printed(kind, "{{ model.broken }}")


def test_quick_nodes_are_made_except_under_debug() -> None:
    source = "{% if model %}{{ model.label }}{% endif %}"

    quick, debugged = (QuickTemplate(source, engine=Engine(debug=debug)) for debug in (False, True))

    assert len(quick.nodelist.get_nodes_by_type(QuickVariableNode)) == 1
    assert debugged.nodelist.get_nodes_by_type(QuickVariableNode) == []


def test_pages_are_made_of_them() -> None:
    assert isinstance(get_template("web/parts/products.html").template, QuickTemplate)
