"""The policy that is composed once is the one that the library composes for each response."""

from __future__ import annotations

from typing import Any

import pytest
from csp.constants import HEADER
from csp.decorators import csp_exempt, csp_update
from csp.middleware import CSPMiddleware
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from pytest_django import Settings

from partner_engine.csp import ContentSecurityMiddleware


def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def with_own_header(request: HttpRequest) -> HttpResponse:
    return HttpResponse(headers={HEADER: "default-src 'self'"})


def with_nonce(request: HttpRequest) -> HttpResponse:
    request._csp_nonce = "a-nonce"  # type: ignore[attr-defined]
    return HttpResponse()


VIEWS = [
    plain,
    with_own_header,
    with_nonce,
    csp_exempt()(plain),
    csp_update({"img-src": ["data:"], "style-src": ["'unsafe-inline'"]})(plain),
]


@pytest.mark.parametrize("path", ["/", "/admin/", "/api/v1/me"])
@pytest.mark.parametrize("number", range(len(VIEWS)))
@pytest.mark.parametrize("is_debugging", [False, True])
def test_it_is_that_of_the_library(path: str, number: int, is_debugging: bool, settings: Settings) -> None:
    settings.DEBUG = is_debugging
    middleware = ContentSecurityMiddleware(VIEWS[number])

    ours = middleware(RequestFactory().get(path))
    request = RequestFactory().get(path)
    middleware.process_request(request)
    library = CSPMiddleware.process_response(middleware, request, VIEWS[number](request))

    assert ours.headers == library.headers


@pytest.mark.parametrize(
    "changed",
    [
        {"CONTENT_SECURITY_POLICY_REPORT_ONLY": {"DIRECTIVES": {"default-src": ["'none'"]}}},
        {"CONTENT_SECURITY_POLICY": {"DIRECTIVES": {"default-src": ["'none'"]}, "EXCLUDE_URL_PREFIXES": ["/api/"]}},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_other_settings_of_the_library_count(changed: dict[str, Any], settings: Settings) -> None:
    for name, value in changed.items():
        setattr(settings, name, value)
    middleware, request = ContentSecurityMiddleware(plain), RequestFactory().get("/api/v1/me")

    middleware.process_request(request)
    ours = middleware.process_response(request, plain(request))

    assert ours.headers == CSPMiddleware.process_response(middleware, request, plain(request)).headers
