"""Why a use is refused by a rate limit."""

from __future__ import annotations


class RateLimited(Exception):
    """A limit is reached: nothing was counted, and the same call may succeed after ``retry_after`` seconds."""

    def __init__(self, scope: str, limit: int, window: int, retry_after: int) -> None:
        """State the ``scope``, its ``limit`` per ``window`` seconds, and the seconds to wait."""
        super().__init__(
            f"The limit of {limit} per {window} seconds ({scope}) is reached; try again in {retry_after} seconds."
        )
        self.scope = scope
        self.limit = limit
        self.window = window
        self.retry_after = retry_after


class AboveLimit(RateLimited):
    """The requested amount is larger than the limit, so that no wait helps; ``retry_after`` is the window."""

    def __init__(self, scope: str, limit: int, window: int, amount: int) -> None:
        """State the ``amount`` that was requested at once."""
        super().__init__(scope, limit, window, window)
        self.args = (f"{amount} at once exceed the limit of {limit} per {window} seconds ({scope}); send fewer.",)
        self.amount = amount
