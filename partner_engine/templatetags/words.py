"""Texts of templates in the language of the guest: ``{{ text|say }}``, ``{% words %}A sentence.{% endwords %}``.

Without a guest who chose another language both print the text as it is.
"""

from __future__ import annotations

from typing import Any, Final

from django import template
from django.template.base import FilterExpression, NodeList, Parser, TextNode, Token, token_kwargs
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

from partner_engine import guest_language
from presentation.written import Written

register = template.Library()
_END: Final = "endwords"


@register.filter
def say(text: Any) -> str:
    """Return ``text`` in the language of this response."""
    return guest_language.translated(text if isinstance(text, Written) else str(text))


@register.simple_tag
def page_language() -> str:
    """Return the code of the language, for ``lang``."""
    return guest_language.current_language()


@register.simple_tag
def script_words() -> str:
    """Return the texts of the scripts as JSON, for an attribute."""
    return guest_language.script_words()


@register.simple_tag
def other_languages() -> list[tuple[str, str]]:
    """Return the codes and names of the languages that can be chosen instead."""
    current = guest_language.current_language()
    return [(code, name) for code, name in guest_language.LANGUAGES.items() if code != current]


class Words(template.Node):
    """A sentence of a template, with values for its places."""

    def __init__(self, text: str, values: dict[str, FilterExpression]) -> None:
        self._text = text
        self._values = values

    def render(self, context: template.Context) -> SafeString:
        """Return the sentence as HTML, its values escaped."""
        text = conditional_escape(guest_language.translated(self._text))
        if not self._values:
            return text
        values = {name: conditional_escape(value.resolve(context)) for name, value in self._values.items()}
        return mark_safe(text.format(**values))  # noqa: S308 - the text and its values are escaped


@register.tag
def words(parser: Parser, token: Token) -> Words:
    """Compile ``{% words name=value %}A sentence with {name}.{% endwords %}``; the sentence has no other tags."""
    values = token_kwargs(token.split_contents()[1:], parser)
    inside: NodeList = parser.parse((_END,))
    parser.delete_first_token()
    sentence = [node.s for node in inside if isinstance(node, TextNode)]
    if len(sentence) != len(inside):
        raise template.TemplateSyntaxError("{% words %} contains a sentence alone; its values are arguments.")
    return Words(" ".join("".join(sentence).split()), values)
