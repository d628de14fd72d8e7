"""Row-level security under every kind of statement and with many tasks at once; proof that these tests can fail."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.db import DatabaseError, connection, connections, transaction
from django.utils import timezone
from psycopg import sql
from uuid_utils.compat import uuid7

from forms.models import ApplicationForm
from tenants.current_tenant import across_tenants, use_tenant
from tenants.models import Tenant
from tenants.row_level_security import POLICY, row_level_security
from tests.harness.cast import SECOND_DATABASE
from tests.harness.tiers import amount
from tests.tenants.test_managers import EVERY_ROW, seen_by_raw_sql, start_form

pytestmark = pytest.mark.django_db

TABLE = "forms_applicationform"
FAILING = "SELECT catalogue::integer FROM forms_applicationform"


@pytest.fixture
def forms(harbor: Tenant, summit: Tenant) -> list[ApplicationForm]:
    """Return a form of each tenant."""
    return [start_form(harbor), start_form(summit)]


def unsaved(tenant: Tenant) -> ApplicationForm:
    """Return a form that is not in the database yet."""
    return ApplicationForm(
        id=uuid7(),
        tenant_id=tenant.id,
        catalogue="commercial",
        created_by_type="user",
        created_by_id="1",
        created_at=timezone.now(),
    )


class TestStatements:
    @pytest.mark.usefixtures("forms")
    def test_rows_read_in_portions(self, harbor: Tenant) -> None:
        with use_tenant(harbor):
            read = list(ApplicationForm.unscoped_objects.iterator(chunk_size=1))

        assert [form.tenant_id for form in read] == [harbor.id]

    def test_many_rows_written_at_once(self, harbor: Tenant, summit: Tenant) -> None:
        with use_tenant(harbor):
            ApplicationForm.objects.bulk_create([unsaved(harbor) for _ in range(3)], batch_size=2)
            with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
                ApplicationForm.objects.bulk_create([unsaved(harbor), unsaved(summit)])
            assert seen_by_raw_sql() == [harbor.id] * 3

        with use_tenant(summit):
            assert seen_by_raw_sql() == []

    def test_without_a_tenant_nothing_is_written(self, harbor: Tenant) -> None:
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            ApplicationForm.unscoped_objects.bulk_create([unsaved(harbor)])

    @pytest.mark.usefixtures("forms")
    def test_composed_statements(self, harbor: Tenant) -> None:
        composed = sql.SQL("SELECT tenant_id FROM {}").format(sql.Identifier(TABLE))

        with use_tenant(harbor), connection.cursor() as cursor:
            cursor.execute(composed)
            assert cursor.fetchall() == [(harbor.id,)]

    @pytest.mark.usefixtures("forms")
    def test_counts_and_descriptions_are_those_of_the_statement(self, harbor: Tenant) -> None:
        with use_tenant(harbor), connection.cursor() as cursor:
            cursor.execute("UPDATE forms_applicationform SET catalogue = %s RETURNING catalogue", ["taken"])
            assert (cursor.rowcount, [column.name for column in cursor.description]) == (1, ["catalogue"])
            assert cursor.fetchall() == [("taken",)]
            assert cursor.nextset() is None

    @pytest.mark.usefixtures("forms")
    def test_after_a_statement_that_failed(self, harbor: Tenant, summit: Tenant) -> None:
        for tenant in (harbor, summit, harbor):
            with use_tenant(tenant):
                with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute(FAILING)
                assert seen_by_raw_sql() == [tenant.id]
        assert seen_by_raw_sql() == []

    @pytest.mark.usefixtures("forms")
    def test_a_rollback_brings_back_no_other_tenant(self, harbor: Tenant, summit: Tenant) -> None:
        with use_tenant(summit):
            seen_by_raw_sql()
            savepoint = transaction.savepoint()
        with use_tenant(harbor):
            seen_by_raw_sql()
            # The marker from before the savepoint, summit's, is in force again.
            transaction.savepoint_rollback(savepoint)
            assert seen_by_raw_sql() == [harbor.id]
        assert seen_by_raw_sql() == []


@pytest.mark.django_db(databases=["default", SECOND_DATABASE])
def test_the_scope_of_all_tenants_of_one_database_opens_no_other(harbor: Tenant, summit_apart: Tenant) -> None:
    start_form(harbor)
    start_form(summit_apart)

    with across_tenants(using=SECOND_DATABASE):
        assert seen_by_raw_sql(SECOND_DATABASE) == [summit_apart.id]
        assert seen_by_raw_sql("default") == []


@pytest.mark.django_db(transaction=True)
class TestOutsideTransactions:
    def test_a_failed_statement_leaves_nothing_behind(self, harbor: Tenant) -> None:
        start_form(harbor)

        with use_tenant(harbor):
            with pytest.raises(DatabaseError), connection.cursor() as cursor:
                cursor.execute(FAILING)
            assert seen_by_raw_sql() == [harbor.id]
        assert seen_by_raw_sql() == []

    def test_many_parameters_at_once(self, harbor: Tenant, summit: Tenant) -> None:
        start_form(harbor)
        start_form(summit)

        with use_tenant(harbor), connection.cursor() as cursor:
            cursor.executemany("UPDATE forms_applicationform SET catalogue = %s", [("first",), ("second",)])

        with across_tenants(using="default"):
            told = dict(ApplicationForm.objects.values_list("tenant_id", "catalogue"))
        assert told == {harbor.id: "second", summit.id: "commercial"}

    def test_a_manual_transaction_continues_without_its_tenant(self, harbor: Tenant) -> None:
        start_form(harbor)

        transaction.set_autocommit(False)
        try:
            with use_tenant(harbor):
                assert seen_by_raw_sql() == [harbor.id]
            assert seen_by_raw_sql() == []
        finally:
            transaction.rollback()
            transaction.set_autocommit(True)

    def test_tasks_that_take_turns_on_their_threads_see_their_own_rows(self, harbor: Tenant, summit: Tenant) -> None:
        start_form(harbor)
        start_form(summit)
        wrong: list[object] = []
        places = asyncio.Semaphore(8)

        def look(tenant: Tenant) -> None:
            try:
                wrong.extend(found for found in [seen_by_raw_sql()] if found != [tenant.id])
                wrong.extend(form for form in ApplicationForm.objects.all() if form.tenant_id != tenant.id)
            finally:
                connections["default"].close()

        async def task(tenant: Tenant) -> None:
            async with places, ThreadSensitiveContext():
                with use_tenant(tenant):
                    for _ in range(2):
                        await asyncio.sleep(0)
                        await sync_to_async(look)(tenant)

        async def all_at_once() -> None:
            await asyncio.gather(*(task(tenant) for tenant in (harbor, summit) * amount(60, full=200)))

        asyncio.run(all_at_once())

        assert wrong == []


class TestSabotage:
    """The tests above must detect a product without one of its parts."""

    @contextmanager
    def without_policy(self) -> Iterator[None]:
        operation = row_level_security(TABLE)
        with connection.cursor() as cursor:
            for statement in operation.reverse_sql:
                cursor.execute(statement)
            yield
            for statement in operation.sql:
                cursor.execute(statement)

    def test_without_the_policy_raw_sql_sees_every_tenant(self, harbor: Tenant, forms: list[ApplicationForm]) -> None:
        with self.without_policy(), use_tenant(harbor):
            assert set(seen_by_raw_sql()) == {form.tenant_id for form in forms}

    def test_without_the_policy_the_manager_still_filters(self, harbor: Tenant, forms: list[ApplicationForm]) -> None:
        with self.without_policy(), use_tenant(harbor):
            assert list(ApplicationForm.objects.all()) == [forms[0]]

    @pytest.mark.usefixtures("forms")
    def test_without_force_the_owner_of_the_table_sees_every_tenant(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {TABLE} NO FORCE ROW LEVEL SECURITY")

        assert len(seen_by_raw_sql()) == 2

    @pytest.mark.usefixtures("forms")
    def test_without_the_marker_nothing_shows(self, harbor: Tenant) -> None:
        with use_tenant(harbor), connection.cursor() as cursor:
            # The driver's own cursor, without the backend's marker.
            cursor.cursor.execute("SELECT set_config('partner_engine.tenant', '', true)")
            cursor.cursor.execute(EVERY_ROW)
            assert cursor.cursor.fetchall() == []

    def test_a_scope_that_outlives_its_transaction_would_be_noticed(self, harbor: Tenant) -> None:
        start_form(harbor)
        with connection.cursor() as cursor:
            cursor.cursor.execute(f"SELECT set_config('partner_engine.tenant', '{harbor.id}', false)")
            cursor.cursor.execute(EVERY_ROW)
            assert cursor.cursor.fetchall() == [(harbor.id,)]
            cursor.cursor.execute("SELECT set_config('partner_engine.tenant', '', false)")

    def test_the_policy_has_the_name_that_operations_drop(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT polname FROM pg_policy JOIN pg_class ON polrelid = pg_class.oid WHERE relname = %s", [TABLE]
            )
            assert cursor.fetchall() == [(POLICY,)]
