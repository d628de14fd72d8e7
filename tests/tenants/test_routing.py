"""The database of each kind of row, with a second real one."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import connections, router

from copies.models import Copy
from forms.models import ApplicationForm
from tenants.current_tenant import across_tenants, use_tenant
from tenants.managers import TenantModel
from tenants.models import Tenant, User
from tests.harness.cast import SECOND_DATABASE
from tests.tenants.test_managers import seen_by_raw_sql, start_form

pytestmark = pytest.mark.django_db(databases=["default", SECOND_DATABASE])


def test_rows_of_a_tenant_with_its_own_database_are_there_and_nowhere_else(summit_apart: Tenant) -> None:
    form = start_form(summit_apart)

    with use_tenant(summit_apart):
        assert list(ApplicationForm.objects.all()) == [form]
    with across_tenants(using=SECOND_DATABASE):
        assert seen_by_raw_sql(SECOND_DATABASE) == [summit_apart.id]
    with across_tenants(using="default"):
        assert seen_by_raw_sql("default") == []


def test_the_second_database_keeps_tenants_apart_too(summit_apart: Tenant) -> None:
    start_form(summit_apart)
    other = Tenant.objects.create(code="other", name="Other", database=SECOND_DATABASE)

    assert seen_by_raw_sql(SECOND_DATABASE) == []
    with use_tenant(other):
        assert seen_by_raw_sql(SECOND_DATABASE) == []


def test_shared_rows_stay_in_the_shared_database_in_any_scope(summit_apart: Tenant) -> None:
    with use_tenant(summit_apart):
        assert (router.db_for_read(Copy), router.db_for_write(Copy)) == (SECOND_DATABASE, SECOND_DATABASE)
        assert (router.db_for_read(User), router.db_for_write(User)) == ("default", "default")


def test_only_tables_of_tenants_are_made_in_a_tenants_database() -> None:
    expected = {model._meta.db_table for model in apps.get_models() if issubclass(model, TenantModel)}

    made = set(connections[SECOND_DATABASE].introspection.table_names())

    assert made == expected | {"django_migrations"}


def test_rows_of_two_kinds_are_not_related() -> None:
    assert router.allow_relation(Copy(), Copy()) is True
    assert router.allow_relation(Copy(), Tenant()) is False
