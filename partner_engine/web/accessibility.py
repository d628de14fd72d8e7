"""The accessibility statement for users of the pages; ``docs/accessibility.md`` is the long form."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    """Show the statement, also to callers without a sign-in."""
    return render(request, "web/accessibility.html")
