"""The visible rows: by the managers, and behind them by PostgreSQL itself, for any query."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, connections, transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from forms.models import ApplicationForm
from tenants.current_tenant import NoTenant, across_tenants, current_tenant, use_tenant, without_tenant
from tenants.managers import TenantModel
from tenants.models import Tenant
from tenants.postgresql.base import DatabaseWrapper

pytestmark = pytest.mark.django_db
EVERY_ROW = "SELECT tenant_id FROM forms_applicationform"


def start_form(tenant: Tenant) -> ApplicationForm:
    with use_tenant(tenant):
        # Without the batch, as only a test may.
        (made,) = ApplicationForm.objects.bulk_create(
            [
                ApplicationForm(
                    id=uuid7(),
                    tenant_id=tenant.id,
                    catalogue="commercial",
                    created_by_type="user",
                    created_by_id="1",
                    created_at=timezone.now(),
                )
            ]
        )
        return made


def seen_by_raw_sql(using: str = "default") -> list[object]:
    with connections[using].cursor() as cursor:
        cursor.execute(EVERY_ROW)
        return [tenant_id for (tenant_id,) in cursor.fetchall()]


class TestManagers:
    def test_without_a_tenant_queries_raise(self) -> None:
        with pytest.raises(NoTenant):
            ApplicationForm.objects.count()
        with pytest.raises(NoTenant):
            current_tenant()

    def test_only_rows_of_the_current_tenant_show(self, harbor: Tenant, summit: Tenant) -> None:
        form, _foreign = start_form(harbor), start_form(summit)

        with use_tenant(harbor):
            assert list(ApplicationForm.objects.all()) == [form]
            assert current_tenant() == harbor

    def test_the_inner_scope_ends_and_the_outer_one_is_back(self, harbor: Tenant, summit: Tenant) -> None:
        with use_tenant(harbor):
            with pytest.raises(ZeroDivisionError), use_tenant(summit):
                1 / 0  # noqa: B018
            assert current_tenant() == harbor
            with without_tenant(), pytest.raises(NoTenant):
                ApplicationForm.objects.count()

    def test_a_new_thread_has_no_tenant(self, harbor: Tenant) -> None:
        with use_tenant(harbor), ThreadPoolExecutor(1) as pool, pytest.raises(NoTenant):
            pool.submit(current_tenant).result()

    def test_all_tenants_show_only_on_request(self, harbor: Tenant, summit: Tenant) -> None:
        forms = {start_form(harbor), start_form(summit)}

        with across_tenants(using="default"):
            assert set(ApplicationForm.objects.all()) == forms
            with pytest.raises(NoTenant):
                current_tenant()


class TestDatabase:
    """Unscoped SQL, as a forgotten filter would send it."""

    @pytest.fixture
    def forms(self, harbor: Tenant, summit: Tenant) -> list[ApplicationForm]:
        return [start_form(harbor), start_form(summit)]

    @pytest.mark.usefixtures("forms")
    def test_without_a_tenant_there_are_no_rows(self) -> None:
        assert seen_by_raw_sql() == []
        assert not ApplicationForm.unscoped_objects.exists()

    @pytest.mark.usefixtures("forms")
    def test_with_a_tenant_there_are_only_its_rows(self, harbor: Tenant, summit: Tenant) -> None:
        with use_tenant(harbor):
            assert seen_by_raw_sql() == [harbor.id]
        with use_tenant(summit):
            assert seen_by_raw_sql() == [summit.id]
            assert [form.tenant_id for form in ApplicationForm.unscoped_objects.all()] == [summit.id]

    @pytest.mark.usefixtures("forms")
    def test_all_rows_show_across_tenants(self, harbor: Tenant, summit: Tenant) -> None:
        with across_tenants(using="default"):
            assert set(seen_by_raw_sql()) == {harbor.id, summit.id}

    def test_a_row_of_another_tenant_can_be_neither_written_nor_changed(
        self, harbor: Tenant, summit: Tenant, forms: list[ApplicationForm]
    ) -> None:
        with use_tenant(harbor):
            with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
                forms[1].pk = uuid7()
                ApplicationForm.objects.bulk_create([forms[1]])
            with connection.cursor() as cursor:
                cursor.execute("UPDATE forms_applicationform SET catalogue = 'taken'")
                assert cursor.rowcount == 1
                cursor.execute("DELETE FROM forms_applicationform WHERE tenant_id = %s", [summit.id])
                assert cursor.rowcount == 0

        with use_tenant(summit):
            assert [form.catalogue for form in ApplicationForm.objects.all()] == ["commercial"]

    @pytest.mark.usefixtures("forms")
    def test_the_scope_survives_a_rollback(self, harbor: Tenant) -> None:
        with use_tenant(harbor):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT 1 / 0")
            assert seen_by_raw_sql() == [harbor.id]

    @pytest.mark.usefixtures("forms")
    def test_rows_are_hidden_after_a_scope_ends_inside_a_transaction(self, harbor: Tenant) -> None:
        with transaction.atomic():
            with use_tenant(harbor):
                assert seen_by_raw_sql() == [harbor.id]
            assert seen_by_raw_sql() == []

    @pytest.mark.usefixtures("forms")
    def test_statements_with_many_rows_and_with_percent_signs_are_scoped_too(self, harbor: Tenant) -> None:
        with use_tenant(harbor), connection.cursor() as cursor:
            cursor.executemany("UPDATE forms_applicationform SET catalogue = %s", [("first",), ("second",)])
            cursor.execute("SELECT catalogue FROM forms_applicationform WHERE catalogue LIKE 's%'")
            assert cursor.fetchall() == [("second",)]

    def test_every_table_of_tenants_is_protected_against_its_owner_too(self) -> None:
        tables = {model._meta.db_table for model in apps.get_models() if issubclass(model, TenantModel)}

        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT relname FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid"
                " WHERE relrowsecurity AND relforcerowsecurity AND polcmd = '*'"
            )
            protected = {name for (name,) in cursor.fetchall()}
            cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
            assert cursor.fetchone() == (False,)

        assert tables
        assert tables <= protected


@pytest.mark.django_db(transaction=True)
class TestConnections:
    """Outside of a transaction, where each statement is separate and connections are shared."""

    def test_nothing_stays_on_the_connection(self, harbor: Tenant) -> None:
        start_form(harbor)

        with use_tenant(harbor):
            assert seen_by_raw_sql() == [harbor.id]

        assert seen_by_raw_sql() == []
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('partner_engine.tenant', true)")
            assert cursor.fetchone() in [("",), (None,)]

    def test_threads_that_share_pooled_connections_see_their_own_rows(self, harbor: Tenant, summit: Tenant) -> None:
        start_form(harbor)
        start_form(summit)
        base = connections["default"].settings_dict
        settings = {**base, "OPTIONS": {**base["OPTIONS"], "pool": {"min_size": 0, "max_size": 2, "timeout": 10}}}
        wrong: list[object] = []

        def rows(pooled: DatabaseWrapper) -> list[object]:
            with pooled.cursor() as cursor:
                cursor.execute(EVERY_ROW)
                return [tenant_id for (tenant_id,) in cursor.fetchall()]

        def work(tenant: Tenant) -> None:
            pooled = DatabaseWrapper(settings, "default")
            for _ in range(25):
                with use_tenant(tenant):
                    wrong.extend(found for found in [rows(pooled)] if found != [tenant.id])
                wrong.extend(rows(pooled))
                pooled.close()

        threads = [threading.Thread(target=work, args=[tenant]) for tenant in (harbor, summit) * 3]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        DatabaseWrapper(settings, "default").close_pool()

        assert wrong == []
