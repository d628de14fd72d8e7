"""Parts of pages that are the same in most responses: ``{% kept "web/parts/product.html" product=product %}``.

Such a part is rendered from its arguments alone, so its text is kept under their bytes and used again while they are
equal: a save changes one answer, and nearly all products and question sets look as before.
"""

from __future__ import annotations

import pickle
from functools import lru_cache
from typing import Final

from django import template
from django.conf import settings
from django.template.base import FilterExpression, Parser, Token, token_kwargs
from django.template.loader import get_template
from django.utils.safestring import SafeString, mark_safe

from partner_engine import guest_language

register = template.Library()

#: About 1 kB each.
MOST_KEPT: Final = 4_096


@lru_cache(MOST_KEPT)
def _rendered(name: str, arguments: bytes) -> SafeString:
    """Return the template ``name`` as text. Reading the arguments from their bytes lets nothing else into it; equal
    values of other types, for example texts that are not translated, have other bytes.
    """
    return mark_safe(get_template(name).render(pickle.loads(arguments)))  # noqa: S301, S308 - bytes made below, a page


class Kept(template.Node):
    """A part of a page with its arguments."""

    def __init__(self, name: str, arguments: dict[str, FilterExpression]) -> None:
        self._name = name
        self._arguments = arguments

    def render(self, context: template.Context) -> str:
        """Return the part as HTML. Translations depend on the release too, so only English ones are kept."""
        arguments = {name: value.resolve(context) for name, value in self._arguments.items()}
        if guest_language.current_language() != guest_language.ENGLISH or settings.DEBUG:
            return get_template(self._name).render(arguments)
        return _rendered(self._name, pickle.dumps(arguments, pickle.HIGHEST_PROTOCOL))


@register.tag
def kept(parser: Parser, token: Token) -> Kept:
    """Compile ``{% kept "template" name=value %}``; the template has these names alone."""
    _, name, *rest = token.split_contents()
    arguments = token_kwargs(rest, parser)
    if rest or name[0] != name[-1] or name[0] not in "\"'":
        raise template.TemplateSyntaxError("{% kept %} has the name of a template in quotes, and named arguments.")
    return Kept(name[1:-1], arguments)
