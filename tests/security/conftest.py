"""Fixtures: callers, canaries, a form full of them, and the written log."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from catalogue.demo import Sample
from catalogue.models import Release
from partner_engine.logging import logging_settings
from tenants.access import Right
from tenants.models import ApiClient, User
from tests.harness.api_client import Api, form_body
from tests.harness.canaries import Canaries, make_canaries


@pytest.fixture
def api(demo: Release, harbor_client: ApiClient) -> Api:
    """Return harbor's API client with every right."""
    return Api(harbor_client)


@pytest.fixture
def discreet(demo: Release, harbor_client: ApiClient) -> Api:
    """Return harbor's API client without the right to personal answers."""
    return Api(harbor_client, [right for right in Right if right is not Right.READ_PERSONAL])


@pytest.fixture
def foreigner(demo: Release, summit_client: ApiClient) -> Api:
    """Return summit's API client with every right."""
    return Api(summit_client)


@pytest.fixture
def canaries() -> Canaries:
    """Return new canaries for this test."""
    return make_canaries()


@pytest.fixture
def full_body(s1: Sample, canaries: Canaries) -> dict[str, Any]:
    """Return the body that starts a form in which every protected answer is a canary."""
    body = form_body(s1)
    lines = {"mqs_lobs": ["bop", "wc", "auto"], "mqs_legal_entity": "sole_prop"}
    body["answers"] = body["answers"] | lines | canaries.answers()
    body["answer_pools"] = body["answer_pools"] | canaries.answer_pools()
    return body


@pytest.fixture
def full(api: Api, full_body: dict[str, Any]) -> dict[str, Any]:
    """Return a copy in which every protected answer is a canary."""
    response = api.post("/application_forms", full_body)
    assert response.status_code == 201, response.content
    return response.json()


@pytest.fixture
def browser(demo: Release, owner: User) -> Client:
    """Return a browser in which an agent of harbor is signed in; failures get the responses of production."""
    client = Client(raise_request_exception=False)
    client.force_login(owner, backend="tenants.backends.EmailBackend")
    return client


@pytest.fixture
def written() -> Iterator[Callable[[], str]]:
    """Return a function that reads the whole log, in the format of production and of development."""
    with_handlers = []
    for is_readable in (True, False):
        formatter = logging_settings(is_readable=is_readable, level="INFO")["formatters"]["structured"]
        made = {name: value for name, value in formatter.items() if name != "()"}
        handler = logging.StreamHandler(io.StringIO())
        handler.setFormatter(formatter["()"](**made))
        logging.getLogger().addHandler(handler)
        with_handlers.append(handler)
    yield lambda: "".join(handler.stream.getvalue() for handler in with_handlers)
    for handler in with_handlers:
        logging.getLogger().removeHandler(handler)
