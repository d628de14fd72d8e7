"""Templates that look up and escape what they print without the detours of Django's engine, with the same result.

Django tries a key before an attribute for each step of ``{{ field.label }}``: it raises and catches an exception for
each step, and several for each missing name in an ``{% if %}``. Page models are objects with attributes, so a third of
a page's rendering was spent there. What is not plain is left to Django: callables, collections other than a ``dict``.
"""

from __future__ import annotations

from html import escape
from typing import Any, Final

from django.template import Origin, Template, TemplateDoesNotExist
from django.template.base import (
    FilterExpression,
    Lexer,
    Node,
    NodeList,
    Parser,
    Token,
    Variable,
    VariableNode,
    render_value_in_context,
)
from django.template.context import Context
from django.template.loaders.base import Loader as BaseLoader
from django.template.loaders.cached import Loader as CachedLoader
from django.utils.safestring import SafeString

#: Results of a lookup: the name is missing from the context; Django must decide.
_MISSING: Final = object()
_UNSURE: Final = object()


def _look_up(context: Context, lookups: tuple[str, ...]) -> Any:
    """Return the value at ``lookups``, ``_MISSING`` or ``_UNSURE``."""
    name = lookups[0]
    for variables in reversed(context.dicts):
        if name in variables:
            current = variables[name]
            break
    else:
        return _UNSURE if hasattr(context, name) else _MISSING
    for step in lookups[1:]:
        if callable(current):
            return _UNSURE
        kind = type(current)
        if kind is dict and step in current:
            current = current[step]
        elif hasattr(kind, "__getitem__"):
            return _UNSURE
        else:
            try:
                current = getattr(current, step)
            except Exception:  # noqa: BLE001 - Django knows which errors templates do not show
                return _UNSURE
    return _UNSURE if callable(current) else current


class QuickVariable(Variable):
    """A variable without translation."""

    __slots__ = ()

    def resolve(self, context: Any) -> Any:
        """Return the value in ``context``. Raises ``VariableDoesNotExist``."""
        value = _look_up(context, self.lookups) if self.lookups else _UNSURE
        return super().resolve(context) if value is _MISSING or value is _UNSURE else value


class QuickExpression(FilterExpression):
    """A variable or constant with its filters."""

    __slots__ = ("_lookups",)

    def __init__(self, token: str, parser: Parser) -> None:
        super().__init__(token, parser)
        #: The steps of a variable without filters, None for all else.
        self._lookups: tuple[str, ...] | None = None
        if self.is_var and not self.var.translate:
            self.var = QuickVariable(self.var.var)
            self._lookups = None if self.filters else self.var.lookups

    def resolve(self, context: Context, ignore_failures: bool = False) -> Any:
        """Return the value in ``context``; of a missing variable None if failures are ignored, else what the engine
        prints for it.
        """
        if self._lookups is not None:
            value = _look_up(context, self._lookups)
            if value is _MISSING and ignore_failures:
                return None
            if value is not _MISSING and value is not _UNSURE:
                return value
        return super().resolve(context, ignore_failures)


class QuickVariableNode(VariableNode):
    """``{{ a variable }}``; texts are escaped directly, all else as Django does."""

    def render(self, context: Context) -> str:
        """Return the value as HTML."""
        return self.render_annotated(context)

    def render_annotated(self, context: Context) -> str:
        """Return the value as HTML; annotations of errors are for ``DEBUG``, which has nodes of Django's own."""
        try:
            value = self.filter_expression.resolve(context)
        except UnicodeDecodeError:
            return ""
        kind = type(value)
        if kind is SafeString:
            return value
        if kind is str and context.autoescape:
            return escape(value)
        return render_value_in_context(value, context)


class QuickParser(Parser):
    """Makes quick expressions and variables of the sources of templates."""

    def compile_filter(self, token: str) -> FilterExpression:
        """Return the expression in ``token``."""
        return QuickExpression(token, self)

    def extend_nodelist(self, nodelist: NodeList, node: Node, token: Token) -> None:
        """Append ``node`` to ``nodelist``."""
        if type(node) is VariableNode:
            node = QuickVariableNode(node.filter_expression)
        super().extend_nodelist(nodelist, node, token)


class QuickTemplate(Template):
    """A template of quick nodes; under ``DEBUG`` one of Django's own, whose errors show the place in the source."""

    def compile_nodelist(self) -> NodeList:
        """Return the nodes of the source. Raises ``TemplateSyntaxError``."""
        if self.engine.debug:
            return super().compile_nodelist()
        tokens = Lexer(self.source).tokenize()
        parser = QuickParser(tokens, self.engine.template_libraries, self.engine.template_builtins, self.origin)
        nodes = parser.parse()
        self.extra_data = parser.extra_data
        return nodes


class _MakingLoader(BaseLoader):
    """Makes quick templates of the sources that its loaders find."""

    def get_template(self, template_name: str, skip: list[Origin] | None = None) -> Template:
        """Return the template ``template_name``, besides those in ``skip``. Raises ``TemplateDoesNotExist``."""
        tried = []
        for origin in self.get_template_sources(template_name):
            if skip is not None and origin in skip:
                tried.append((origin, "Skipped to avoid recursion"))
                continue
            try:
                contents = self.get_contents(origin)  # type: ignore[attr-defined]
            except TemplateDoesNotExist:
                tried.append((origin, "Source does not exist"))
                continue
            return QuickTemplate(contents, origin, str(origin.template_name), self.engine)
        raise TemplateDoesNotExist(template_name, tried=tried)


class Loader(CachedLoader, _MakingLoader):
    """Django's loader that makes each template once, which gets it from the one above."""
