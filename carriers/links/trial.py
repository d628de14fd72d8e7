"""A test call: new credentials and a harmless read, with the result of each step for staff."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from carriers.links.caller import request_token
from carriers.links.client import client_of
from carriers.links.errors import CarrierBusy, CarrierError, CarrierRefused, CircuitOpen, LinkError
from carriers.links.link import CallContext, Link

#: No carrier has a quote of this request token.
UNKNOWN_TOKEN: Final = "link-test"  # noqa: S105 - a request token, not a secret
_REMEDIES: Final = {
    401: "The carrier refuses the client ID or the client secret.",
    403: "The carrier does not allow this client to do that.",
    404: "There is nothing at this address. Check the address of the link.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """The result of one step. ``text`` is a sentence for staff, ``milliseconds`` its duration."""

    title: str
    is_good: bool
    text: str
    milliseconds: int


async def make_test_call(link: Link, *, context: CallContext) -> list[Step]:
    """Request a token, then search a quote that does not exist; stop at the first failure. Never raises."""
    steps: list[Step] = []
    for title, call, good in (
        ("Access token", lambda: request_token(link, context), "The carrier issued a token."),
        (
            "Search a quote that does not exist",
            lambda: client_of(link).find(UNKNOWN_TOKEN, context=context),
            "The carrier responded as agreed.",
        ),
    ):
        steps.append(await _step(title, call, good))
        if not steps[-1].is_good:
            break
    return steps


async def _step(title: str, call: Callable[[], Awaitable[Any]], good: str) -> Step:
    started = time.monotonic()
    try:
        await call()
        is_good, text = True, good
    except (CarrierError, LinkError) as error:
        is_good, text = False, _sentence(error)
    return Step(title=title, is_good=is_good, text=text, milliseconds=round((time.monotonic() - started) * 1000))


def _sentence(error: Exception) -> str:
    if isinstance(error, CircuitOpen):
        return f"{error} Close the circuit to try at once."
    if isinstance(error, CarrierBusy):
        return f"{error} It allows no more calls right now."
    if isinstance(error, CarrierRefused):
        return f"{error} {_REMEDIES.get(error.status, '')}".strip()
    return str(error)
