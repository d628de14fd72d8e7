"""The accessibility statement for users of the pages; ``docs/accessibility.md`` is the long form."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def accessibility(request: HttpRequest, speaks: bool = False) -> HttpResponse:
    """Show the statement, also to callers without a sign-in; one that ``speaks`` the languages of guests, to guests."""
    return render(request, "web/accessibility.html", {"speaks": speaks})
