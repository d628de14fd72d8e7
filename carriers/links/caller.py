"""Authorized calls of a carrier: token, retries of what is safe to repeat, and the meaning of each response."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote as encoded

import msgspec
import stamina

from carriers.links.errors import (
    CarrierBusy,
    CarrierError,
    CarrierRefused,
    CarrierUnreachable,
    OutcomeUnknown,
    TokenUnavailable,
    UnreadableReply,
)
from carriers.links.exchange import PAUSES, Outcome, Request, RequestFailed, Response, note, send
from carriers.links.link import CallContext, Link
from carriers.links.logged import logged_reply
from carriers.links.tokens import HeldToken, access_token, forget_token, token_request
from carriers.links.wire import AccessToken, Problem
from tracing import span

#: Attempts at a request of which the carrier has certainly accepted nothing.
ATTEMPTS: Final = 3
_REFUSED_ADDRESS: Final = "refused address"
_UNAUTHORIZED: Final = 401
_MISSING: Final = 404
_CODE: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_problem: Final = msgspec.json.Decoder(Problem)


async def call(link: Link, request: Request, context: CallContext) -> Any:
    """Return the decoded reply to ``request``, None for 404. Raises ``CarrierError``.

    Only requests that were certainly not accepted, and safe ones, are repeated; every attempt needs its own permit.
    """
    return await _repeated(link, lambda: _authorized(link, request, context))


async def fetch_token(link: Link, context: CallContext) -> HeldToken:
    """Return a valid token, from Redis or the carrier. Raises ``CarrierError``."""

    try:
        return await access_token(link, lambda: request_token(link, context))
    except CarrierUnreachable as error:
        raise TokenUnavailable(error.reason) from error


async def request_token(link: Link, context: CallContext) -> AccessToken:
    """Return a new token from the carrier. Raises ``CarrierError``."""
    plain = replace(context, logged_body=None)
    token: AccessToken = await _repeated(link, lambda: _exchanged(link, token_request(link), plain))
    return token


async def _repeated(link: Link, attempt_once: Callable[[], Awaitable[Any]]) -> Any:
    """Return the result of the first attempt that the carrier did not certainly leave unaccepted."""
    async for attempt in stamina.retry_context(
        on=_is_worth_another,
        attempts=ATTEMPTS,
        timeout=link.timeout_seconds,
        wait_initial=0.1,
        wait_max=1.0,
        wait_jitter=0.2,
    ):
        with attempt:
            return await attempt_once()
    raise AssertionError("stamina ends with a result or an exception")


async def _authorized(link: Link, request: Request, context: CallContext) -> Any:
    """Send ``request`` with a token; after a 401 once more, with a new one."""
    held = await fetch_token(link, context)
    try:
        return await _exchanged(link, _with_token(request, held, context), context)
    except CarrierRefused as refusal:
        if refusal.status != _UNAUTHORIZED:
            raise
    await forget_token(link, held)
    held = await fetch_token(link, context)
    return await _exchanged(link, _with_token(request, held, context), context)


def _with_token(request: Request, held: HeldToken, context: CallContext) -> Request:
    headers = {**request.headers, "Authorization": f"Bearer {held.text}"}
    if context.correlation_id:
        headers["X-Correlation-ID"] = encoded(context.correlation_id, safe="")
    return replace(request, headers=headers)


async def _exchanged(link: Link, request: Request, context: CallContext) -> Any:
    """Send ``request`` once, log it, and return the decoded value."""
    try:
        with span(f"carrier {request.operation}", carrier=link.carrier):
            response = await send(link, request, patience=context.patience)
    except RequestFailed as failure:
        error = _not_answered(request, failure)
        note(link, request, context, Outcome(seconds=failure.seconds, error=error))
        raise error from failure
    outcome = Outcome(seconds=response.seconds, status=response.status)
    try:
        value = meaning(request, response)
    except CarrierError as error:
        note(link, request, context, replace(outcome, error=error))
        raise
    note(link, request, context, replace(outcome, reply=logged_reply(value)))
    return value


def meaning(request: Request, response: Response) -> Any:
    """Return the decoded value of ``response``, None for 404. Raises ``CarrierError``."""
    status = response.status
    if response.is_success:
        if response.problem:
            raise UnreadableReply(status, response.problem)
        return response.value
    if status in PAUSES:
        raise CarrierBusy(response.pause)
    if status == _MISSING and request.may_be_missing:
        return None
    if 400 <= status < 500:
        raise _refusal(response)
    if status >= 500:
        reason = f"status {status}"
        raise CarrierUnreachable(reason) if request.is_safe else OutcomeUnknown(reason)
    raise UnreadableReply(status, "redirect")


def _refusal(response: Response) -> CarrierRefused:
    try:
        problem = _problem.decode(response.content)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return CarrierRefused(response.status)
    code = problem.code or problem.error
    return CarrierRefused(
        response.status,
        code if _CODE.fullmatch(code) else "",
        (problem.detail or problem.title)[:500],
    )


def _not_answered(request: Request, failure: RequestFailed) -> CarrierError:
    is_certain = request.is_safe or not failure.was_sent
    return CarrierUnreachable(failure.reason) if is_certain else OutcomeUnknown(failure.reason)


def _is_worth_another(error: Exception) -> bool:
    """Return whether to repeat a request that failed with ``error``. stamina calls this."""
    # A token was requested several times already.
    is_final = isinstance(error, TokenUnavailable)
    return isinstance(error, CarrierUnreachable) and error.reason != _REFUSED_ADDRESS and not is_final
