"""A tenant whose forms depend on the day, its API client, and forms of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from catalogue.models import Release
from tenants.models import ApiClient, Tenant, every_right
from tests.harness.api_client import Api
from tests.harness.first_releases import publish_first
from tests.harness.kennel_catalogue import HOUSES
from tests.harness.moments import DATED, EARLY_ZONE, dated_answers

Start = Callable[..., dict[str, Any]]


@pytest.fixture
def first_release(db: None) -> Release:
    """Return the first release of the dated kennel catalogue."""
    return publish_first(DATED)


@pytest.fixture
def kennels(first_release: Release) -> Tenant:
    """Return a tenant in the early zone."""
    return Tenant.objects.create(code="kennels", name="Kennel Brokers", catalogue="kennels", time_zone=EARLY_ZONE)


@pytest.fixture
def api(kennels: Tenant) -> Api:
    """Return the tenant's API client with every right."""
    return Api(
        ApiClient.objects.create(
            client_id="kennels", client_secret="s", name="Kennels", allowed_scopes=every_right(), tenant=kennels
        )
    )


@pytest.fixture
def start(api: Api) -> Start:
    """Return a function that starts a form, whose state is ready on the first day, and returns its copy."""

    def started(**answers: Any) -> dict[str, Any]:
        body = {"answers": {**dated_answers(), **answers}, "answer_pools": {"houses": HOUSES}}
        response = api.post("/application_forms", body)
        assert response.status_code == 201, response.content
        return response.json()  # type: ignore[no-any-return]

    return started
