"""Who may have the book of all tenants decided in the admin, and how often: one request of a person at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.http import HttpRequest

from partner_engine.rate_limits import count_request
from redis_locks.job_mutex import JobMutex
from tenants.limits.errors import RateLimited
from tenants.limits.scopes import WHAT_IF

#: Reports on the book name copies, outcomes and premiums.
VIEW: Final = "copies.view_copy"
#: After so many seconds a person's other report may be done.
BUSY_SECONDS: Final = 5


class BookRefused(Exception):
    """The book is not decided for this request; the same one may succeed after ``retry_after`` seconds."""

    def __init__(self, text: str, retry_after: int) -> None:
        """State the reason as a sentence, and the seconds to wait."""
        super().__init__(text)
        self.retry_after = retry_after


def may_see_book(request: HttpRequest) -> bool:
    """Return whether the user may see what a draft changes for copies."""
    return request.user.has_perm(VIEW)


@contextmanager
def deciding_book(request: HttpRequest) -> Iterator[None]:
    """Count a report on the book for the user who asks, who has no other one meanwhile. Raises ``BookRefused``."""
    with JobMutex(f"book of {request.user.pk}") as is_ours:
        if not is_ours:
            raise BookRefused("Another report of yours is being made. Wait until it is there.", BUSY_SECONDS)
        try:
            count_request(request, WHAT_IF)
        except RateLimited as limited:
            text = f"You have had many reports. The next one can be made in {limited.retry_after:,} seconds."
            raise BookRefused(text, limited.retry_after) from limited
        yield
