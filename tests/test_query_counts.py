"""The number of database statements of every endpoint and page, compared with the baseline in ``query_counts.json``.

After a deliberate change: ``QUERY_COUNTS=write make test ARGS="tests/test_query_counts.py -n 0"``, and review the diff.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalogue.demo import Sample
from catalogue.models import Release
from catalogue.release_history import release_number
from tenants.access import Role
from tenants.models import ApiClient, Tenant, User
from tests.harness.api_client import V1, Api
from tests.harness.guests import guest_of
from tests.harness.undone import undone
from tests.partner_engine.api.test_routes import ROWS, start
from tests.security.test_isolation import GUEST_PAGES, PAGES, SignIn, ask, ask_as_guest

pytestmark = pytest.mark.django_db

BASELINE: Final = Path(__file__).with_name("query_counts.json")
COUNTS: Final[dict[str, int]] = json.loads(BASELINE.read_text(encoding="utf-8")) if BASELINE.exists() else {}
IS_WRITING: Final = os.environ.get("QUERY_COUNTS") == "write"


@pytest.fixture
def api(demo: Release, harbor_client: ApiClient) -> Api:
    """Return harbor's API client with every right. The number of the release, which each process asks for once, is
    known, whatever test was first.
    """
    release_number(demo.id)
    return Api(harbor_client)


def compare(name: str, queries: CaptureQueriesContext, response: HttpResponse) -> None:
    """Compare the number of ``queries`` with the baseline, or write it there."""
    assert response.status_code < 500, response.content
    if IS_WRITING:
        COUNTS[name] = len(queries)
        BASELINE.write_text(json.dumps(dict(sorted(COUNTS.items())), indent=1) + "\n", encoding="utf-8")
    statements = "\n".join(query["sql"][:200] for query in queries)
    assert COUNTS.get(name) == len(queries), f"{name}:\n{statements}"


def test_endpoints(subtests: pytest.Subtests, api: Api, s1: Sample) -> None:
    identity = start(api, s1)["id"]

    for row in ROWS:
        with subtests.test(str(row)), undone():
            api.get(f"/copies/{identity}")  # compiles the release once per process
            if row.method == "GET":
                api.get("/" + row.path(identity))  # fills the caches of releases

            with CaptureQueriesContext(connection) as queries:
                response = api._client.generic(row.method, f"{V1}/{row.path(identity)}", row.body, "application/json")

            compare(f"api {row}", queries, response)


def test_agents_pages(subtests: pytest.Subtests, api: Api, s1: Sample, owner: User, sign_in: SignIn) -> None:
    identity = start(api, s1)["id"]
    owner.role = Role.TENANT_ADMIN
    owner.save()

    for name in sorted(PAGES):
        with subtests.test(name), undone():
            client = sign_in(owner)
            client.get(f"{V1}/copies/{identity}")  # as above
            if PAGES[name][0] == "GET":
                ask(client, name, identity)

            with CaptureQueriesContext(connection) as queries:
                response = ask(client, name, identity)

            compare(f"page {name}", queries, response)


def test_guests_pages(subtests: pytest.Subtests, api: Api, s1: Sample, harbor: Tenant) -> None:
    identity = api.start(s1)["id"]

    for name in sorted(GUEST_PAGES):
        with subtests.test(name), undone():
            client: Client = guest_of(harbor, identity)[0]
            client.get(f"/guest/{identity}/form")

            with CaptureQueriesContext(connection) as queries:
                response = ask_as_guest(client, name, identity)

            compare(f"guest page {name}", queries, response)


def test_the_baseline_names_only_existing_tests():
    known = {f"api {row}" for row in ROWS} | {f"page {name}" for name in PAGES}

    assert set(COUNTS) == known | {f"guest page {name}" for name in GUEST_PAGES}
