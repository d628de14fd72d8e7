"""Callers of the API at the two tenants of the shared database, and the demo catalogue that their forms are asked by."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import caches

from forms.catalogue.demo import Sample, load_demo_catalogue, read_samples
from forms.catalogue.releases import forget_compiled_releases
from tenants.models import ApiClient
from tests.partner_engine.api.calling import Api


@pytest.fixture
def demo(db: None) -> Iterator[None]:
    """Publish the demo catalogue."""
    forget_compiled_releases()
    load_demo_catalogue(actor_id="test")
    yield
    caches["releases"].clear()
    forget_compiled_releases()


@pytest.fixture
def api(demo: None, harbor_client: ApiClient) -> Api:
    """Return harbor's API client with every right."""
    return Api(harbor_client)


@pytest.fixture
def foreigner(demo: None, summit_client: ApiClient) -> Api:
    """Return summit's API client with every right."""
    return Api(summit_client)


@pytest.fixture
def s1() -> Sample:
    """Return the restaurant of the demo's samples."""
    return next(sample for sample in read_samples() if sample.id == "S1")
