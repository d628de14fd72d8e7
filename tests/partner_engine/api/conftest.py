"""Callers of the API at both tenants of the shared database."""

from __future__ import annotations

import pytest

from catalogue.models import Release
from tenants.models import ApiClient
from tests.harness.api_client import Api


@pytest.fixture
def api(demo: Release, harbor_client: ApiClient) -> Api:
    """Return harbor's API client with every right."""
    return Api(harbor_client)


@pytest.fixture
def foreigner(demo: Release, summit_client: ApiClient) -> Api:
    """Return summit's API client with every right."""
    return Api(summit_client)
