"""Every table of the tenants' side, in both databases: a statement without its filter reaches no foreign row."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.apps import apps
from django.db import DatabaseError, connections, models, transaction

from tenants.current_tenant import use_tenant, without_tenant
from tenants.managers import TenantModel
from tenants.models import Tenant
from tenants.postgresql.base import DatabaseWrapper
from tenants.row_level_security import row_level_security
from tenants.tables import TenantTable, tenant_tables
from tests.harness.cast import SECOND_DATABASE
from tests.harness.tenant_rows import fill_tables

pytestmark = pytest.mark.django_db(databases=["default", SECOND_DATABASE])
ALIASES = ["default", SECOND_DATABASE]
#: Models of the shared database that name a tenant, and are not the tenant's own data.
SHARED = {
    "ApiClient", "CarrierLink", "CompanySignIn", "CopyIndex", "Erasure", "Logo", "OwnRateLimit", "RollOutTenant",
    "User",
}  # fmt: skip
#: The histories of the shared tables among them.
SHARED |= {
    "HistoricalApiClient", "HistoricalCarrierLink", "HistoricalCompanySignIn", "HistoricalOwnRateLimit",
    "HistoricalUser",
}  # fmt: skip


def run(alias: str, statement: str, parameters: list[object] | None = None) -> int:
    """Run ``statement``, in a savepoint; return the number of its rows."""
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


def leaks_of(table: TenantTable, alias: str, mine: Tenant, foreign: Tenant) -> list[str]:
    """Return what the scope of ``mine`` can do to the foreign tenant's rows of ``table`` without any filter."""
    columns = ", ".join(table.columns)
    given = ", ".join(f"'{foreign.id}'" if name == "tenant_id" else name for name in table.columns)
    found = []
    with use_tenant(mine):
        for verb, statement in (
            ("reads", f"SELECT 1 FROM {table.name} WHERE tenant_id <> '{mine.id}'"),  # noqa: S608 - our own names, here and below
            ("updates", f"UPDATE {table.name} SET tenant_id = tenant_id WHERE tenant_id <> '{mine.id}'"),  # noqa: S608
            ("deletes", f"DELETE FROM {table.name} WHERE tenant_id <> '{mine.id}'"),  # noqa: S608
        ):
            if run(alias, statement):
                found.append(f"{verb} foreign rows of {table.name}")
        for verb, statement in (
            ("gives away", f"UPDATE {table.name} SET tenant_id = '{foreign.id}'"),  # noqa: S608
            ("adds", f"INSERT INTO {table.name} ({columns}) SELECT {given} FROM {table.name} LIMIT 1"),  # noqa: S608
        ):  # fmt: skip
            try:
                run(alias, statement)
            except DatabaseError as error:
                if "row-level security" not in str(error):
                    found.append(f"{verb} rows of {table.name}: {error}")
            else:
                found.append(f"{verb} rows of {table.name} to another tenant")
    with without_tenant():
        if run(alias, f"SELECT 1 FROM {table.name}"):  # noqa: S608
            found.append(f"shows {table.name} without a tenant")
    return found


@pytest.fixture
def filled(harbor: Tenant, summit: Tenant) -> list[Tenant]:
    """Return two tenants with rows in every table of both databases."""
    for alias in ALIASES:
        for tenant in (harbor, summit):
            fill_tables(tenant, rows=1, alias=alias)
    return [harbor, summit]


@pytest.mark.parametrize("alias", ALIASES)
def test_raw_statements_reach_no_foreign_row_of_any_table(filled: list[Tenant], alias: str) -> None:
    mine, foreign = filled

    assert [leak for table in tenant_tables() for leak in leaks_of(table, alias, mine, foreign)] == []
    with use_tenant(foreign):
        assert {table.name: run(alias, f"SELECT 1 FROM {table.name}") for table in tenant_tables()} == {  # noqa: S608
            table.name: 1 for table in tenant_tables()
        }


@contextmanager
def without_policy(table: TenantTable) -> Iterator[None]:
    operation = row_level_security(table.name)
    for statement in operation.reverse_sql:
        run("default", statement)
    yield
    for statement in operation.sql:
        run("default", statement)


def test_a_table_without_its_policy_is_detected(filled: list[Tenant]) -> None:
    mine, foreign = filled
    table = next(table for table in tenant_tables() if table.name == "search_searchspelling")

    with without_policy(table), transaction.atomic():
        assert len(leaks_of(table, "default", mine, foreign)) >= 3
        transaction.set_rollback(True)


def test_every_table_with_a_tenant_is_known() -> None:
    """A new model cannot be forgotten by moves, erasure and these tests: it is a TenantModel, or is listed here."""
    naming = {
        model.__name__
        for model in apps.get_models()
        if not issubclass(model, TenantModel)
        and any(field.name in ("tenant", "tenant_id") for field in model._meta.concrete_fields)
    }
    assert naming <= SHARED

    with connections[SECOND_DATABASE].cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.columns WHERE column_name = 'tenant_id'"
                       " AND table_schema = 'public'")  # fmt: skip
        with_tenant = {row[0] for row in cursor.fetchall()}
    assert with_tenant == {table.name for table in tenant_tables()}


@pytest.mark.parametrize("alias", ALIASES)
def test_row_level_security_is_forced_on_every_table(alias: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
        forced = {row[0] for row in cursor.fetchall()}

    assert {table.name for table in tenant_tables()} - forced == set()


def test_every_table_comes_after_those_that_it_refers_to() -> None:
    names = [table.name for table in tenant_tables()]

    for table in tenant_tables():
        assert all(names.index(parent) < names.index(table.name) for parent in table.parents), table.name
        assert table.key_type in ("uuid", "bigint")
        assert isinstance(table.model._meta.pk, models.Field)


@pytest.mark.django_db(transaction=True)
def test_pooled_connections_that_change_hands_carry_no_tenant(harbor: Tenant, summit: Tenant) -> None:
    """One pool of two connections serves six threads of two tenants, some of whose statements fail."""
    for tenant in (harbor, summit):
        fill_tables(tenant, rows=1)
    settings = connections["default"].settings_dict
    options = {**settings["OPTIONS"], "pool": {"min_size": 0, "max_size": 2, "timeout": 20}}
    wrong: list[object] = []

    def seen_by(connection: DatabaseWrapper) -> list[object]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT tenant_id FROM copies_copy")
            return [row[0] for row in cursor.fetchall()]

    def work(number: int) -> DatabaseWrapper:
        tenant = (harbor, summit)[number % 2]
        connection = DatabaseWrapper({**settings, "OPTIONS": options}, "default")
        for round_number in range(20):
            with use_tenant(tenant):
                if round_number % 3 == number % 3:
                    with pytest.raises(DatabaseError), connection.cursor() as cursor:
                        cursor.execute("SELECT 1 / 0")
                wrong.extend(seen for seen in [seen_by(connection)] if seen != [tenant.id])
            connection.close()
            wrong.extend(seen_by(connection))
            connection.close()
        return connection

    with ThreadPoolExecutor(6) as threads:
        used = list(threads.map(work, range(6)))
    used[0].close_pool()
    assert wrong == []
