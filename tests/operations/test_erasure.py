"""A form and a tenant are erased everywhere, and nothing of others with them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone
from django_redis import get_redis_connection

from actions.models import OutboxAction
from copies.models import Copy, CopyIndex
from failpoints import FailpointReached, armed
from operations.engine.orders import retry
from operations.engine.pace import Pace
from operations.engine.worker import drain
from operations.erasure import form_erasure
from operations.erasure.form_erasure import SHARING_ANSWERS
from operations.erasure.form_rows import WITHOUT_FORMS, condition, in_order_of_deletion
from operations.kinds.registry import KINDS
from operations.models import BatchOperation, Erasure, OperationItem
from operations.submission.order import NewOperation, Options
from operations.submission.submit import submit
from search.models import SearchSpelling, SearchWord
from tenants.access import system_actor
from tenants.current_tenant import use_tenant
from tenants.models import ApiClient, Tenant, User
from tenants.tables import TenantTable, tenant_tables
from tests.harness.cast import SECOND_DATABASE
from tests.harness.kennel_catalogue import ANSWERS
from tests.harness.operation_kinds import TestItem, store
from tests.harness.operation_orders import renamed
from tests.harness.tenant_rows import contents, fill_tables

pytestmark = pytest.mark.django_db(databases=["default", SECOND_DATABASE])


def run(*arguments: object) -> str:
    told = io.StringIO()
    call_command(*map(str, arguments), stdout=told)
    return told.getvalue()


def places_of(needle: str, tenant: Tenant) -> list[str]:
    """Return the tables of both databases, and the keys of Redis, that contain ``needle`` anywhere."""
    found = []
    for alias in ("default", SECOND_DATABASE):
        with use_tenant(tenant), connections[alias].cursor() as cursor:
            tables = connections[alias].introspection.table_names(cursor)
            for table in tables:
                cursor.execute(
                    f"SELECT EXISTS (SELECT FROM {table} t WHERE position(%s IN t::text) > 0"  # noqa: S608 - names from the catalogue
                    " OR position(encode(convert_to(%s, 'UTF8'), 'hex') IN t::text) > 0)",
                    [needle, needle],
                )
                if cursor.fetchone()[0]:
                    found.append(f"{alias}.{table}")
    keys = get_redis_connection("default").scan_iter(count=1_000)
    return found + [key.decode() for key in keys if needle.encode() in key]


@pytest.fixture
def form(kennels: Tenant, make_form: Callable[..., UUID]) -> UUID:
    """Return a form with rows in every table that has rows of forms, traces in the admin's log and in Redis."""
    form_id = make_form({"owner_ssn": "987-65-4321"})
    columns = {"copy_id": form_id, "application_form_id": form_id, "body": str(form_id).encode(), "held_until": None}
    fill_tables(kennels, rows=1, columns=columns)
    with use_tenant(kennels):
        SearchWord.objects.create(tenant_id=kennels.id, copy_id=form_id, word="zyxwvutsrq", weight=1, is_personal=True)
        SearchSpelling.objects.create(tenant_id=kennels.id, trigram="zyx", word="zyxwvutsrq")
    staff = User.objects.create_superuser("staff@example.com", "x")
    content_type = ContentType.objects.get_for_model(Copy)
    LogEntry.objects.create(
        user=staff, content_type=content_type, object_id=str(form_id), object_repr="Robin's kennel", action_flag=2
    )
    get_redis_connection("default").set(f"viewers:{form_id}", b"1", ex=60)
    return form_id


class TestForm:
    def test_nothing_of_it_is_left_and_nothing_of_others_is_gone(
        self, kennels: Tenant, make_form: Callable[..., UUID], form: UUID, harbor: Tenant
    ) -> None:
        other = make_form()
        fill_tables(harbor, rows=1)
        before = contents(harbor, "default")
        assert len(places_of(str(form), kennels)) > 10

        told = run("erase_form", form, "--confirm", form)

        (certificate,) = Erasure.objects.all()
        # The id stays in the certificate and in the log of the admin.
        assert set(places_of(str(form), kennels)) == {"default.operations_erasure", "default.django_admin_log"}
        assert places_of("zyxwvutsrq", kennels) == []
        assert LogEntry.objects.get().object_repr == "(erased)"
        assert contents(harbor, "default") == before
        with use_tenant(kennels):
            assert Copy.objects.get(id=other).version == 1
        assert (certificate.subject, certificate.subject_id, certificate.tenant_code) == ("form", form, "kennels")
        assert certificate.finished_at is not None
        assert certificate.counts["copies_copy"] == 2
        assert f"Certificate {certificate.pk}" in told

    def test_a_killed_erasure_goes_on_with_the_same_certificate(self, kennels: Tenant, form: UUID) -> None:
        with armed("form_rows_erased"), pytest.raises(FailpointReached):
            run("erase_form", form, "--confirm", form)
        begun = Erasure.objects.get()
        assert begun.finished_at is None

        run("erase_form", form, "--confirm", form)

        ended = Erasure.objects.get()
        assert (ended.pk, ended.counts, ended.finished_at is None) == (begun.pk, begun.counts, False)
        assert not CopyIndex.objects.filter(application_form_id=form).exists()

    def test_work_under_way_refuses_it(self, kennels: Tenant, form: UUID) -> None:
        with use_tenant(kennels):
            OutboxAction.objects.filter(copy_id=form).update(leased_until=timezone.now() + timedelta(minutes=1))
        before = contents(kennels, "default")

        with pytest.raises(CommandError, match="in use by a deferred action"):
            run("erase_form", form, "--confirm", form)

        assert contents(kennels, "default") == before

    def test_an_operation_that_is_tried_again_refuses_it_and_still_ends(
        self, kennels: Tenant, form: UUID, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        order = NewOperation(kind="set_answers", items=renamed([form]))
        with use_tenant(kennels):
            operation = submit(order, tenant=kennels, actor=system_actor("test")).operation
            items = OperationItem.objects.filter(operation_id=operation.id)
            items.update(state="failed")
            BatchOperation.objects.filter(pk=operation.id).update(failed=1, finished_at=timezone.now())

            retried: list[bool] = []

            def retried_meanwhile() -> list[TenantTable]:
                # Once the erasure has looked at what works on the form.
                if Erasure.objects.exists() and not retried:
                    retried.append(True)
                    retry(operation, actor=system_actor("test"))
                return in_order_of_deletion()

            monkeypatch.setattr(form_erasure, "in_order_of_deletion", retried_meanwhile)
            with pytest.raises(CommandError, match="in use by a batch operation"):
                run("erase_form", form, "--confirm", form)
            drain("default", pace=Pace(seconds=1e9))

            assert BatchOperation.objects.get(pk=operation.id).finished_at is not None
            run("erase_form", form, "--confirm", form)
            assert not items.exists()

    def test_a_try_that_is_under_way_again_refuses_it(self, kennels: Tenant, make_form: Callable[..., UUID]) -> None:
        form = make_form()
        with use_tenant(kennels):
            planned = store([TestItem()], tenant=kennels, is_dry_run=True)
            ran = store([TestItem()], tenant=kennels, planned_by=planned.pk, finished_at=timezone.now())
            OperationItem.objects.filter(operation_id=ran.pk).update(state="completed", copy_id=form)

        with pytest.raises(CommandError, match="in use by a batch operation"):
            run("erase_form", form, "--confirm", form)

    def test_the_id_must_be_repeated(self, kennels: Tenant, form: UUID) -> None:
        with pytest.raises(CommandError, match="must repeat the id"):
            run("erase_form", form, "--confirm", kennels.id)
        with pytest.raises(CommandError, match="There is no application form"):
            run("erase_form", kennels.id, "--confirm", kennels.id)
        assert Erasure.objects.count() == 0

    def test_every_table_says_how_its_rows_of_a_form_are_found(self) -> None:
        without = {table.name for table in tenant_tables() if condition(table) is None}

        assert without == set(WITHOUT_FORMS)


@pytest.fixture(params=["default", SECOND_DATABASE])
def filled(request: pytest.FixtureRequest, harbor: Tenant, owner: User) -> Iterator[Tenant]:
    """Return a tenant with rows in every table of its database, with people and an API client."""
    harbor.database = "" if request.param == "default" else request.param
    harbor.save()
    fill_tables(harbor, rows=2)
    ApiClient.objects.create(name="System", tenant=harbor)
    CopyIndex.objects.create(copy_id=harbor.id, application_form_id=harbor.id, tenant_id=harbor.id)
    get_redis_connection("default").set(f"active:{harbor.id}:2026", b"1", ex=60)
    yield harbor


class TestTenant:
    def test_nothing_of_it_is_left_and_nothing_of_others_is_gone(
        self, filled: Tenant, summit: Tenant, owner: User
    ) -> None:
        fill_tables(summit, rows=1)
        before = contents(summit, "default")
        harbor_id, alias = filled.pk, filled.database_alias

        told = run("erase_tenant", "harbor", "--confirm", "harbor")

        (certificate,) = Erasure.objects.all()
        assert places_of(str(harbor_id), filled) == ["default.operations_erasure"]
        assert places_of("owner@harbor.example", filled) == []
        assert not any(contents(filled, alias).values())
        assert contents(summit, "default") == before
        assert certificate.counts == {
            **{table.name: 2 for table in tenant_tables()}, "tenants_user": 1, "tenants_apiclient": 1
        }  # fmt: skip
        assert str(owner.pk) not in str(certificate.__dict__) and "harbor is erased" in told

    @pytest.mark.parametrize("filled", ["default"], indirect=True)
    def test_a_killed_erasure_goes_on_and_shuts_people_out_at_once(self, filled: Tenant, owner: User) -> None:
        with armed("tenant_rows_erased"), pytest.raises(FailpointReached):
            run("erase_tenant", "harbor", "--confirm", "harbor")
        owner.refresh_from_db()
        assert not owner.is_active

        run("erase_tenant", "harbor", "--confirm", "harbor")

        assert Erasure.objects.get().counts["copies_copy"] == 2
        assert not Tenant.objects.filter(code="harbor").exists()

    @pytest.mark.parametrize("filled", ["default"], indirect=True)
    def test_work_under_way_and_a_wrong_code_refuse_it(self, filled: Tenant) -> None:
        with pytest.raises(CommandError, match="must repeat the code"):
            run("erase_tenant", "harbor", "--confirm", "summit")
        with use_tenant(filled):
            OutboxAction.objects.update(leased_until=timezone.now() + timedelta(minutes=1))
        before: dict[str, Any] = contents(filled, "default")

        with pytest.raises(CommandError, match="is under way"):
            run("erase_tenant", "harbor", "--confirm", "harbor")

        assert contents(filled, "default") == before
        assert User.objects.filter(tenant=filled, is_active=True).exists()


class TestOperations:
    """What operations stored of a form goes with it."""

    @pytest.fixture
    def ordered(self, kennels: Tenant) -> Callable[..., UUID]:
        """Return what submits an order and works on it; it returns the id of the operation."""

        def submitted(**order: Any) -> UUID:
            done = submit(NewOperation(**order), tenant=kennels, actor=system_actor("test"))
            drain("default", pace=Pace(seconds=1e9))
            return done.operation.id

        return submitted

    def test_its_item_in_the_dry_run_of_its_import_goes_too(
        self, kennels: Tenant, ordered: Callable[..., UUID]
    ) -> None:
        items = [{"answers": {**ANSWERS, "kennel_name": name}} for name in ("Marl Kennel", "Flint Kennel")]
        plan = ordered(kind="import_forms", items=items, options=Options(dry_run=True))
        with use_tenant(kennels):
            plan_hash = BatchOperation.objects.get(pk=plan).plan_hash
        run_of_plan = ordered(plan=plan, plan_hash=plan_hash)
        with use_tenant(kennels):
            form_id = OperationItem.objects.get(operation_id=run_of_plan, number=1).copy_id

        run("erase_form", form_id, "--confirm", form_id)

        with use_tenant(kennels):
            left = OperationItem.objects.order_by("operation_id").values_list("operation_id", "number")
            assert list(left) == [(plan, 0), (run_of_plan, 0)]

    def test_answers_that_an_operation_set_in_many_forms_go_too(
        self, kennels: Tenant, ordered: Callable[..., UUID], make_form: Callable[..., UUID]
    ) -> None:
        forms = [make_form(), make_form()]
        items = [{"id": str(form_id)} for form_id in forms]
        operations = [
            ordered(kind="set_answers", items=items, arguments={"answers": {"kennel_name": "Marl Kennel"}}),
            ordered(kind="set_answers", items=items[:1], arguments={"answers": {"kennel_name": "Flint Kennel"}}),
        ]

        run("erase_form", forms[1], "--confirm", forms[1])

        with use_tenant(kennels):
            stored = BatchOperation.objects.in_bulk(operations)
        assert [bytes(stored[one].arguments) == b"" for one in operations] == [True, False]

    def test_every_kind_whose_arguments_have_answers_is_known(self) -> None:
        sharing = {code for code, kind in KINDS.items() if "answers" in kind.arguments_type.__struct_fields__}

        assert sharing == set(SHARING_ANSWERS)

    def test_an_operation_that_has_not_ended_refuses_it(self, kennels: Tenant, make_form: Callable[..., UUID]) -> None:
        form_id = make_form()
        items = [{"id": str(form_id), "answers": {"kennel_name": "Marl Kennel"}}]
        submit(NewOperation(kind="set_answers", items=items), tenant=kennels, actor=system_actor("test"))

        with pytest.raises(CommandError, match="in use by a batch operation"):
            run("erase_form", form_id, "--confirm", form_id)
