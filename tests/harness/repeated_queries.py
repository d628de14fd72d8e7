"""Requests that read their rows one after the other: django-zeal finds the statements, and the test fails.

Queries of tests are counted with few rows (``tests/query_counts.json``), where such statements look harmless. Only the
full tier looks for them: from the first use on, each query of the process takes a little longer.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from pytest_django import Settings
from zeal.constants import initialize_app_registry
from zeal.patch import patch

from tests.harness.tiers import IS_FULL

#: How many statements of one kind at one place are too many for one request.
_TOO_MANY: Final = 3
#: Django's own forms read each chosen row of their fields by itself.
_ALLOWED: Final = [{"model": "catalogue.*", "field": "get()"}]


def look_for_repeated_queries(settings: Settings) -> None:
    """Let each request of this test that repeats a statement for many rows raise ``zeal.NPlusOneError``."""
    if IS_FULL:
        _watch_queries()
        settings.ZEAL_NPLUSONE_THRESHOLD, settings.ZEAL_ALLOWLIST = _TOO_MANY, _ALLOWED
        settings.MIDDLEWARE = ["zeal.middleware.zeal_middleware", *settings.MIDDLEWARE]


@cache
def _watch_queries() -> None:
    initialize_app_registry()
    patch()
