"""Rows that every request reads: found as Django would, by a statement that is composed once."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from oauth2_provider.models import get_access_token_model

from tenants.models import ApiClient, Tenant, User, new_id
from tenants.row_lookup import RowLookup
from tests.harness.api_client import Api

pytestmark = pytest.mark.django_db
USERS = RowLookup(User, by="id", path=("tenant",))
TOKENS = RowLookup(get_access_token_model(), by="token_checksum", path=("application", "tenant"))


def values_of(row: object) -> dict[str, object]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}  # type: ignore[attr-defined]


def test_a_row_comes_with_what_it_refers_to_by_one_query(owner: User, harbor: Tenant) -> None:
    with CaptureQueriesContext(connection) as queries:
        found = USERS.find(owner.pk)
        assert found is not None
        assert values_of(found.tenant) == values_of(Tenant.objects.get(pk=harbor.pk))

    assert len(queries) == 2  # the second one is that of the comparison
    assert values_of(found) == values_of(User.objects.get(pk=owner.pk))
    assert not found._state.adding


def test_an_empty_reference_is_none(staff: User) -> None:
    found = USERS.find(staff.pk)

    assert found is not None
    assert found.tenant is None


def test_an_unknown_row_is_none() -> None:
    assert USERS.find(new_id()) is None


def test_a_token_comes_with_client_and_tenant(harbor_client: ApiClient, harbor: Tenant) -> None:
    Api(harbor_client)
    stored = get_access_token_model().objects.get()

    with CaptureQueriesContext(connection) as queries:
        found = TOKENS.find(stored.token_checksum)
        assert found is not None
        client = found.application
        assert (client.tenant, found.user) == (harbor, None)

    assert len(queries) == 1
    assert values_of(found) == values_of(stored)
    assert values_of(client) == values_of(ApiClient.objects.get(pk=harbor_client.pk))


def test_a_change_counts_at_once(owner: User) -> None:
    USERS.find(owner.pk)

    User.objects.filter(pk=owner.pk).update(is_active=False)

    found = USERS.find(owner.pk)
    assert found is not None
    assert not found.is_active
