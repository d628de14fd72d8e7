"""Parts of pages that are the same in most responses: ``{% kept "web/parts/nav_item.html" item=item %}``.

Such a part is rendered from its arguments alone, so its text is kept under their digest and used again while they are
equal: a save changes one answer, and nearly all products and question sets look as before. Texts of all tenants lie
side by side in memory and are deleted by time alone: no argument may be an answer, a premium or a fact of a quote.
"""

from __future__ import annotations

import pickle
import secrets
from hashlib import blake2b
from time import monotonic
from typing import Final

from django import template
from django.conf import settings
from django.template.base import FilterExpression, Parser, Token, token_kwargs
from django.template.loader import get_template
from django.utils.safestring import SafeString, mark_safe

from partner_engine import guest_language

register = template.Library()

MOST_KEPT: Final = 4_096
#: Seconds after which all texts are dropped, at the next use.
LONGEST_KEPT: Final = 300.0
#: Without it, arguments cannot be guessed from their digests.
_SECRET: Final = secrets.token_bytes(32)


class _Texts:
    """Rendered parts by digest. Threads need no lock: a text that is lost or rendered twice does no harm."""

    def __init__(self) -> None:
        self._texts: dict[bytes, SafeString] = {}
        self._since = monotonic()

    def get(self, digest: bytes) -> SafeString | None:
        """Return the text of ``digest``, None without one."""
        if monotonic() - self._since >= LONGEST_KEPT:
            self.clear()
        return self._texts.get(digest)

    def add(self, digest: bytes, text: SafeString) -> None:
        """Keep ``text``; the first one too many begins anew."""
        if len(self._texts) >= MOST_KEPT:
            self.clear()
        self._texts[digest] = text

    def clear(self) -> None:
        """Drop all texts."""
        self._texts = {}
        self._since = monotonic()


_texts: Final = _Texts()


def _rendered(part: bytes) -> SafeString:
    """Return ``part``, the pickled name of a template and its arguments, as text. Reading these from their bytes lets
    nothing else into it; equal values of other types, for example texts that are not translated, have other bytes.
    """
    digest = blake2b(part, digest_size=16, key=_SECRET).digest()
    text = _texts.get(digest)
    if text is None:
        name, arguments = pickle.loads(part)  # noqa: S301 - bytes made below
        text = mark_safe(get_template(name).render(arguments))  # noqa: S308 - a page
        _texts.add(digest, text)
    return text


class Kept(template.Node):
    """A part of a page with its arguments."""

    def __init__(self, name: str, arguments: dict[str, FilterExpression]) -> None:
        self.name = name
        self.arguments = arguments

    def render(self, context: template.Context) -> str:
        """Return the part as HTML. Translations depend on the release too, so only English ones are kept."""
        arguments = {name: value.resolve(context) for name, value in self.arguments.items()}
        if guest_language.current_language() != guest_language.ENGLISH or settings.DEBUG:
            return get_template(self.name).render(arguments)
        return _rendered(pickle.dumps((self.name, arguments), pickle.HIGHEST_PROTOCOL))


@register.tag
def kept(parser: Parser, token: Token) -> Kept:
    """Compile ``{% kept "template" name=value %}``; the template has these names alone."""
    _, name, *rest = token.split_contents()
    arguments = token_kwargs(rest, parser)
    if rest or name[0] != name[-1] or name[0] not in "\"'":
        raise template.TemplateSyntaxError("{% kept %} has the name of a template in quotes, and named arguments.")
    return Kept(name[1:-1], arguments)
