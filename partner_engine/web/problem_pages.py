"""The page for a refused request, and the reason of a refused part of a page. ``partner_engine.error_pages`` responds
where no view does.
"""

from __future__ import annotations

import string
from typing import Final
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from partner_engine.guest_language import translated

#: Servers and proxies accept headers up to about 4 kB.
_MOST: Final = 3_000
#: The characters of a header that stay as they are.
_PLAIN: Final = " " + (string.ascii_letters + string.digits + string.punctuation).replace("%", "")


def problem_page(request: HttpRequest, *, status: int, title: str, text: str) -> HttpResponse:
    """Return a page with the title and the remedy of a problem."""
    return render(request, "web/problem.html", {"title": title, "text": text}, status=status)


def problem_part(*, status: int, text: str) -> HttpResponse:
    """Return a refusal of a part of a page: ``X-Problem`` has the text in percent encoding, which ``requests.js``
    decodes.
    """
    encoded = ""
    for character in translated(text):
        encoded += quote(character, safe=_PLAIN) if character.isprintable() else " "
        if len(encoded) > _MOST:
            break
    return HttpResponse(status=status, headers={"X-Problem": encoded})
