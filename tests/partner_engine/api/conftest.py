"""Callers of the API at both tenants of the shared database, and the demo catalogue that their forms are asked by."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
import zstandard
from django.core.cache import caches

from forms.catalogue.demo import CATALOGUE_FILE, Sample, read_samples
from forms.catalogue.files import read_catalogue
from forms.catalogue.models import Catalogue, Release
from forms.catalogue.releases import forget_compiled_releases
from tenants.models import ApiClient
from tests.partner_engine.api.calling import Api


@pytest.fixture(scope="session")
def demo_content() -> bytes:
    """Return the demo catalogue as a release holds it."""
    return zstandard.compress(msgspec.json.encode(read_catalogue(CATALOGUE_FILE)))


@pytest.fixture
def demo(db: None, demo_content: bytes) -> Iterator[None]:
    """Have the demo catalogue published, without its draft: that would take longer than most tests do."""
    forget_compiled_releases()
    catalogue = Catalogue.objects.create(code="demo_small_commercial", title="Demo")
    Release.objects.create(catalogue=catalogue, number=1, content=demo_content, checksum="0", published_by_id="test")
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
