"""Orders of operations on pages: counted in the same rate limits as those over the API, and each carried out once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from django.http import HttpRequest
from uuid_utils.compat import uuid7

from operations.errors import OperationError
from operations.models import BatchOperation
from partner_engine.rate_limits import count_request, give_request_back
from tenants.limits.errors import AboveLimit, RateLimited
from tenants.limits.scopes import BATCH

_MINUTE: Final = 60
_HOUR: Final = 3600


def chosen_id(request: HttpRequest) -> UUID:
    """Return the id that the page chose for the operation, so that a second click is the same order; else a new one."""
    try:
        return UUID(request.POST.get("operation", ""))
    except ValueError:
        return uuid7()


def is_repeated(operation_id: UUID) -> bool:
    """Return whether an operation of the tenant with this id exists already."""
    return BatchOperation.objects.filter(pk=operation_id).exists()


def limit_words(limited: RateLimited) -> str:
    """Return what a page says about a limit, and when the next try makes sense."""
    if isinstance(limited, AboveLimit):
        return str(limited)
    window = "hour" if limited.window == _HOUR else "minute" if limited.window == _MINUTE else f"{limited.window} s"
    minutes = -(-limited.retry_after // _MINUTE)
    wait = f"{minutes} minutes" if minutes > 1 else f"{max(1, limited.retry_after)} seconds"
    return f"The limit of {limited.limit:,} per {window} is reached; nothing was started. Try again in {wait}."


@contextmanager
def counted_order(request: HttpRequest) -> Iterator[None]:
    """Count ``request`` as an order of an operation; a refused order does not count.

    Raises ``RateLimited``.
    """
    count_request(request, BATCH)
    try:
        yield
    except (OperationError, RateLimited):
        give_request_back(request, BATCH)
        raise
