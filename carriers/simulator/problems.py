"""Refusals of the carrier API (RFC 9457), one exception for each kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from carriers.simulator.wire import Problem


class Refusal(Exception):
    """A refused call: status, code and title; ``detail`` explains this case."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "invalid"
    title: ClassVar[str] = "The request is invalid."
    headers: ClassVar[Mapping[str, str]] = {}

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.title)
        self.detail = detail


class UnknownCarrier(Refusal):
    """The simulator plays no such carrier."""

    status, code, title = 404, "unknown_carrier", "There is no such carrier."


class UnknownQuote(Refusal):
    """The carrier has no such quote or binding."""

    status, code, title = 404, "unknown_quote", "There is no such quote."


class UnknownProduct(Refusal):
    """The carrier sells no such product."""

    status, code, title = 422, "unknown_product", "The carrier does not sell this product."


class UnusableRisk(Refusal):
    """The risk has a field that cannot be rated."""

    status, code, title = 422, "unusable_field", "A field cannot be rated."


class TokenReused(Refusal):
    """The request token was used for another request."""

    status, code, title = 409, "token_reused", "The request token was used for another request."


class NotBindable(Refusal):
    """The quote cannot be bound now."""

    status, code, title = 409, "not_bindable", "The quote cannot be bound."


class AlreadyBound(Refusal):
    """The quote is bound under another token."""

    status, code, title = 409, "already_bound", "The quote is already bound."


class SignInRequired(Refusal):
    """The access token is missing, unknown or expired."""

    status, code, title = 401, "invalid_token", "The access token is missing or no longer valid."
    headers: ClassVar[Mapping[str, str]] = {"WWW-Authenticate": 'Bearer error="invalid_token"'}


def respond_to_refusal(_request: Request, refusal: Exception) -> JSONResponse:
    """Return the refusal as a problem."""
    if not isinstance(refusal, Refusal):
        raise refusal
    return problem(refusal.status, refusal.code, refusal.title, detail=refusal.detail, headers=refusal.headers)


def respond_to_invalid_body(_request: Request, error: Exception) -> JSONResponse:
    """Return the first fault of a body as a problem; never with its value."""
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    place = ".".join(str(step) for step in first["loc"])
    return problem(422, "invalid", Refusal.title, detail=f"{place}: {first['msg']}")


def problem(
    status: int, code: str, title: str, *, detail: str = "", headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Return a response with a problem."""
    body = Problem(title=title, status=status, code=code, detail=detail).model_dump()
    return JSONResponse(body, status, headers=dict(headers or {}), media_type="application/problem+json")
