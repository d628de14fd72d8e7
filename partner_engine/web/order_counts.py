"""Counts orders of operations on pages in the same rate limits as those over the API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.http import HttpRequest

from operations.errors import OperationError
from partner_engine.rate_limits import count_request, give_request_back
from tenants.limits.scopes import BATCH


@contextmanager
def counted_order(request: HttpRequest, *more: str) -> Iterator[None]:
    """Count ``request`` as an order of an operation, and in the scopes ``more``; a refused order does not count.

    Raises ``RateLimited``.
    """
    scopes = (BATCH, *more)
    count_request(request, *scopes)
    try:
        yield
    except OperationError:
        for scope in scopes:
            give_request_back(request, scope)
        raise
