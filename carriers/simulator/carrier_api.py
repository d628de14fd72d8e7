"""The carrier API: the endpoints that a carrier offers and its OpenAPI document describes."""

from __future__ import annotations

import base64
import binascii
import secrets
import time
from typing import Annotated, Any, Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, FastAPI, Header, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.models import OAuthFlowClientCredentials, OAuthFlows
from fastapi.responses import JSONResponse
from fastapi.security import OAuth2

from carriers.simulator.memory import MOST_TOKENS, CarrierState, Memory
from carriers.simulator.problems import (
    Refusal,
    SignInRequired,
    UnknownCarrier,
    UnknownQuote,
    respond_to_invalid_body,
    respond_to_refusal,
)
from carriers.simulator.quotes import Underwriting, find, find_binding
from carriers.simulator.wire import (
    AccessToken,
    Binding,
    BindingUpdated,
    BindSubmission,
    Eligibility,
    EligibilityQuery,
    Problem,
    Quote,
    QuoteSubmission,
    QuoteUpdated,
)

DESCRIPTION: Final = """
The API that a carrier offers to Partner Engine. The carrier simulator implements it for the demo carriers.

A request for a quote names a `request_token` of the caller: the same token returns the same quote, so that a request
without a response can be repeated or looked up. A carrier responds at once (200), or accepts (202) and is polled, or
calls back with a signed request (Standard Webhooks).
"""
TAKES_FORM: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["grant_type"],
                    "properties": {
                        "grant_type": {"type": "string", "const": "client_credentials"},
                        "client_id": {"type": "string"},
                        "client_secret": {"type": "string"},
                    },
                }
            }
        },
    }
}
_OAUTH: Final = OAuth2(
    flows=OAuthFlows(clientCredentials=OAuthFlowClientCredentials(tokenUrl="oauth/token")),
    scheme_name="client_credentials",
    auto_error=False,
)


def _refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    texts = {
        401: "The access token is missing or no longer valid.",
        404: "There is no such quote or binding.",
        409: "The token was used for another request, or the quote cannot be bound.",
        422: "The body or the risk is invalid.",
        429: "Too many calls: repeat after the seconds of `Retry-After`.",
        503: "Out of service: repeat after the seconds of `Retry-After`.",
    }
    problem = {"application/problem+json": {"schema": Problem.model_json_schema()}}
    return {status: {"description": texts[status], "content": problem} for status in statuses}


NOT_FOUND: Final = _refusals(401, 404, 422, 429, 503)
CONFLICTS: Final = _refusals(401, 404, 409, 422)


def carrier_of(request: Request) -> CarrierState:
    """Return the carrier of the address. Raises ``UnknownCarrier``."""
    memory: Memory = request.app.state.memory
    try:
        return memory.carriers[request.path_params["carrier"]]
    except KeyError:
        raise UnknownCarrier from None


def signed_in_carrier(request: Request, _scheme: Annotated[str | None, Depends(_OAUTH)] = None) -> CarrierState:
    """Return the carrier of the address when its access token is valid. Raises ``SignInRequired``."""
    state = carrier_of(request)
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or state.tokens.get(token, 0.0) < time.monotonic():
        raise SignInRequired
    return state


def underwriting_of(request: Request) -> Underwriting:
    """Return the underwriting of all carriers."""
    underwriting: Underwriting = request.app.state.underwriting
    return underwriting


AnyCarrier = Annotated[CarrierState, Depends(carrier_of)]
SignedInCarrier = Annotated[CarrierState, Depends(signed_in_carrier)]
Work = Annotated[Underwriting, Depends(underwriting_of)]
Reference = Annotated[str, Path(description="The carrier's id of the quote.")]
IdempotencyKey = Annotated[str | None, Header(description="The request or bind token again.")]
CorrelationId = Annotated[str | None, Header(alias="X-Correlation-ID", description="The caller's id for both logs.")]

callbacks = APIRouter()


@callbacks.post(
    "{$request.body#/callback_url}",
    summary="A quote or a binding has changed",
    status_code=204,
    responses={401: {"description": "Wrong signature, or too old."}, 422: {"description": "An unreadable body."}},
)
def receive_callback(
    message: QuoteUpdated | BindingUpdated,
    webhook_id: Annotated[str, Header(description="The id of the message, the same for each copy.")],
    webhook_timestamp: Annotated[str, Header(description="Seconds since 1970. Older than five minutes is refused.")],
    webhook_signature: Annotated[str, Header(description="`v1,` and the HMAC-SHA256 of id, timestamp and body.")],
) -> None:
    """Respond with 2xx. The carrier sends the message again after any other response."""


api = APIRouter()


@api.post(
    "/oauth/token",
    summary="Get an access token",
    openapi_extra=TAKES_FORM,
    responses={
        400: {"description": "Another grant than client credentials."},
        401: {"description": "Unknown client or wrong secret."},
    },
    tags=["Sign-in"],
)
async def issue_token(request: Request, state: AnyCarrier) -> AccessToken:
    """Return an access token for client credentials, in the form or as HTTP Basic."""
    form = {name: values[0] for name, values in parse_qs((await request.body()).decode(errors="replace")).items()}
    if form.get("grant_type") != "client_credentials":
        return JSONResponse({"error": "unsupported_grant_type"}, 400)  # type: ignore[return-value]
    client_id, secret = _basic(request) or (form.get("client_id", ""), form.get("client_secret", ""))
    known = state.declared.credentials
    if not (
        secrets.compare_digest(client_id.encode(), known.client_id.encode())
        and secrets.compare_digest(secret.encode(), known.client_secret.encode())
    ):
        return JSONResponse(  # type: ignore[return-value]
            {"error": "invalid_client"}, 401, headers={"WWW-Authenticate": 'Basic realm="carrier"'}
        )
    token, seconds = secrets.token_urlsafe(24), state.behavior.token_seconds
    state.tokens[token] = time.monotonic() + seconds
    state.counts["tokens_issued"] += 1
    while len(state.tokens) > MOST_TOKENS:
        state.tokens.popitem(last=False)
    return AccessToken(access_token=token, expires_in=seconds)


@api.post(
    "/v1/quotes",
    summary="Request a quote",
    responses={
        202: {"model": Quote, "description": "Accepted: the result comes later."},
        **_refusals(401, 409, 422, 429, 503),
    },
    callbacks=callbacks.routes,
    tags=["Quotes"],
)
async def submit(
    submission: QuoteSubmission,
    response: Response,
    state: SignedInCarrier,
    work: Work,
    idempotency_key: IdempotencyKey = None,
    correlation_id: CorrelationId = None,
) -> Quote:
    """Return the quote, or accept the request. A repeated `request_token` returns the quote as it is now."""
    quote = await work.submit(state, submission)
    response.status_code = 202 if quote.status == "received" else 200
    return quote


@api.get(
    "/v1/quotes",
    summary="Find a quote by its request token",
    responses=NOT_FOUND,
    tags=["Quotes"],
)
def find_by_token(state: SignedInCarrier, request_token: Annotated[str, Query(max_length=64)]) -> Quote:
    """Return the quote: ask this before a request without a response is sent again."""
    try:
        return state.by_token[request_token].quote
    except KeyError:
        raise UnknownQuote from None


@api.get("/v1/quotes/{reference}", summary="Read a quote", responses=NOT_FOUND, tags=["Quotes"])
def read(reference: Reference, state: SignedInCarrier) -> Quote:
    """Return the quote as it is now."""
    return find(state, reference).quote


@api.post(
    "/v1/quotes/{reference}/withdraw",
    summary="Withdraw a quote",
    responses=CONFLICTS,
    tags=["Quotes"],
)
def withdraw(reference: Reference, state: SignedInCarrier, work: Work) -> Quote:
    """Withdraw the quote. A repeated call changes nothing."""
    return work.withdraw(state, reference)


@api.post(
    "/v1/quotes/{reference}/bind",
    summary="Bind a quote",
    responses={202: {"model": Binding, "description": "Pending."}, **_refusals(401, 404, 409, 422)},
    tags=["Binding"],
)
async def bind(  # noqa: PLR0913 - the parts of one request
    reference: Reference,
    submission: BindSubmission,
    response: Response,
    state: SignedInCarrier,
    work: Work,
    idempotency_key: IdempotencyKey = None,
) -> Binding:
    """Bind the quote, or begin to. A repeated `bind_token` returns the binding as it is now."""
    binding = work.bind(state, reference, submission)
    response.status_code = 202 if binding.status == "pending" else 200
    return binding


@api.get("/v1/quotes/{reference}/binding", summary="Read a binding", responses=NOT_FOUND, tags=["Binding"])
def read_binding(
    reference: Reference, state: SignedInCarrier, bind_token: Annotated[str, Query(max_length=64)]
) -> Binding:
    """Return the binding as it is now."""
    return find_binding(state, reference, bind_token)


@api.post("/v1/eligibility", summary="Check a risk early", responses=_refusals(401, 422, 429), tags=["Quotes"])
def check_eligibility(query: EligibilityQuery, state: SignedInCarrier, work: Work) -> Eligibility:
    """Return whether the carrier would quote, while the form is still filled in. Nothing is stored."""
    return work.check(state, query)


def carrier_application(memory: Memory | None = None, underwriting: Underwriting | None = None) -> FastAPI:
    """Return the API of one carrier, to be mounted below its code."""
    application = FastAPI(
        title="Carrier API", version="1.0", description=DESCRIPTION, docs_url=None, redoc_url=None, servers=None
    )
    application.state.memory, application.state.underwriting = memory, underwriting
    application.add_exception_handler(Refusal, respond_to_refusal)
    application.add_exception_handler(RequestValidationError, respond_to_invalid_body)
    application.include_router(api)
    return application


def _basic(request: Request) -> tuple[str, str] | None:
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name, secret
