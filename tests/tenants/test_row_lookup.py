"""Rows that every request reads: found as Django would, by a statement that is composed once."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from oauth2_provider.models import get_access_token_model

from tenants.caller_rows import TOKENS, USERS
from tenants.models import ApiClient, Tenant, User, new_id
from tests.harness.api_client import Api

pytestmark = pytest.mark.django_db


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


def test_a_row_is_what_django_makes_of_it(owner: User) -> None:
    found, usual = USERS.find(owner.pk), User.objects.get(pk=owner.pk)
    assert found is not None

    assert vars(found).keys() == vars(usual).keys()
    assert vars(found._state) | {"fields_cache": {}} == vars(usual._state) | {"fields_cache": {}}
    found.full_name = "Ada Harbor"
    found.save(update_fields=["full_name"])
    assert User.objects.get(pk=owner.pk).full_name == "Ada Harbor"


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


def test_the_migrations_create_the_functions_of_the_program() -> None:
    created = import_module("tenants.migrations.0004_caller_rows").FUNCTIONS

    # A column more in one of these tables needs a migration that creates the function of the new text.
    assert created == [USERS.plan.name, TOKENS.plan.name]


def test_values_are_those_that_django_reads(owner: User, harbor: Tenant, harbor_client: ApiClient) -> None:
    """Also texts with every kind of character, values that are not set, lists and JSON."""
    odd = '"quoted" \\ back\nline \u00e9\U0001f600 100% {"a": null}'
    User.objects.filter(pk=owner.pk).update(full_name=odd[:40], last_login=None)
    ApiClient.objects.filter(pk=harbor_client.pk).update(name=odd, allowed_scopes=[], algorithm="")
    Api(harbor_client)
    stored = get_access_token_model().objects.get()
    stored.resource = ["https://example.com/a?b=%20", odd]
    stored.save()

    user, token = USERS.find(owner.pk), TOKENS.find(stored.token_checksum)

    stored = get_access_token_model().objects.get()
    assert user is not None
    for found, read in (
        (user, User.objects.get(pk=owner.pk)),
        (token, stored),
        (token.application, ApiClient.objects.get(pk=harbor_client.pk)),
        (token.application.tenant, Tenant.objects.get(pk=harbor.pk)),
    ):
        assert values_of(found) == values_of(read)
        assert {name: type(value) for name, value in values_of(found).items()} == {
            name: type(value) for name, value in values_of(read).items()
        }
