"""Calls the API as its callers do: over HTTP, with a token, in JSON."""

from __future__ import annotations

import json
import secrets
from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from catalogue.demo import Sample
from tenants.access import Right
from tenants.models import ApiClient

V1 = "/api/v1"
NOBODY = "01935ad0-1f7e-7c32-9d3e-5f0a6d1c2b10"


class Api:
    """One API client with a token for ``rights``."""

    def __init__(self, client: ApiClient, rights: list[Right] | None = None) -> None:
        token = secrets.token_urlsafe(24)
        get_access_token_model().objects.create(
            token=token,
            application=client,
            expires=timezone.now() + timedelta(hours=1),
            scope=" ".join(rights if rights is not None else list(Right)),
        )
        self.token = token
        self._client = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {token}"})

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self._client.get(V1 + path, headers=_headers(headers))

    def post(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self.send("POST", path, _content(body), **headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self.send("PATCH", path, _content(body), **headers)

    def delete(self, path: str, **headers: str) -> HttpResponse:
        return self.send("DELETE", path, b"", **headers)

    def send(
        self, method: str, path: str, content: bytes, *, content_type: str = "application/json", **headers: str
    ) -> HttpResponse:
        return self._client.generic(method, V1 + path, content, content_type, headers=_headers(headers))

    def start(self, sample: Sample, **headers: str) -> dict[str, Any]:
        """Start the sample's form; return its copy."""
        response = self.post("/application_forms", form_body(sample), **headers)
        assert response.status_code == 201, response.content
        return response.json()


def form_body(sample: Sample) -> dict[str, Any]:
    """Return the body that starts the sample's form."""
    return {
        "title": sample.title,
        "as_of": sample.as_of.isoformat(),
        "answers": sample.answers,
        "answer_pools": sample.answer_pools,
    }


def assert_problem(response: HttpResponse, status: int, code: str) -> dict[str, Any]:
    """Check that the response is a complete problem; return it."""
    assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json"), response.content
    problem = json.loads(response.content)
    more = {"lock"} if code == "copy_locked" else set()
    assert set(problem) == {"type", "title", "status", "detail", "instance", "correlation_id", "errors"} | more
    assert problem["type"] == f"urn:partner-engine:problem:{code}", problem
    assert problem["status"] == status
    assert problem["correlation_id"] == response["X-Correlation-ID"]
    return problem


def _headers(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def _content(body: Any) -> bytes:
    return b"" if body is None else json.dumps(body).encode()
