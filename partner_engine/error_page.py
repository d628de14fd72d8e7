"""The page of an error for people. It needs no request, session, database or model."""

from __future__ import annotations

from typing import Final

from django.template import TemplateDoesNotExist
from django.template.loader import render_to_string

from partner_engine.problems import title_of

#: The text of 413 where a text or a file is larger than any page takes.
TOO_LARGE: Final = (
    "Nothing was changed. The text or file is too large. Go back and send a smaller one, or split it."
)  # fmt: skip
#: The text of 414.
LONG_ADDRESS: Final = "Nothing was changed. The address of this page is too long. Go back and choose fewer filters."


def error_page(status: int, text: str, *, correlation_id: str) -> str:
    """Return the page of an error with ``status``, whose template may show ``text``."""
    title = title_of(status)
    context = {"status": status, "title": title, "text": text, "correlation_id": correlation_id}
    try:
        page: str = render_to_string(f"{status}.html", context)
    except TemplateDoesNotExist:
        return f"{title}. {text}"
    return page
