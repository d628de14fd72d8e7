"""Forms of a tenant that moved: loads with a tenant of before, the index, erasure and hidden old rows."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connections
from django.test import Client

from batch import service as batch
from copies import index_repair
from tenants import residence
from tenants.access import Actor, Role
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User
from tenants.moves.move import finish_switches
from tests.harness.cast import SECOND_DATABASE
from tests.harness.moves import remove_gates

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", SECOND_DATABASE])


@pytest.fixture(autouse=True)
def no_gates() -> Iterator[None]:
    """Remove what moves leave in the databases and in this process."""
    yield
    remove_gates()


def test_a_process_with_the_tenant_of_before_goes_on_in_the_new_database(
    kennels: Tenant, make_form: Callable[[], UUID], agent: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    form_id = make_form()
    before = Tenant.objects.get(pk=kennels.pk)
    call_command("move_tenant", "kennels", "--to", SECOND_DATABASE, stdout=io.StringIO())
    residence.forget()

    # A save that was loaded before the move is refused.
    with (
        pytest.raises(OperationalError, match="moved"),
        connections["default"].cursor() as cursor,
        use_tenant(before),
    ):
        cursor.execute("UPDATE copies_copy SET version = version + 1")
    residence.forget()

    # A load is repeated in the new database, and the save after it goes there.
    with batch.find_and_lock(form_id, scope=before, actor=agent) as context:
        context.changeset.find_answer("state").apply("OH")
        assert context.save().version == 2
    assert batch.find(form_id, scope=before, actor=agent).version == 2
    with batch.build_context(scope=before, actor=agent, title="New") as context:
        context.save()

    # The sweep neither misses a copy nor deletes an entry, even while the old rows are there.
    monkeypatch.setattr(index_repair, "GRACE", timedelta(0))
    repaired = index_repair.repair_copy_index(dry_run=False)
    assert (repaired.missing, repaired.wrong, repaired.without_copy, repaired.checked) == (0, 0, 0, 2)
    assert finish_switches("default") == 0


def test_a_tenant_with_rows_in_two_databases_is_not_erased(kennels: Tenant, make_form: Callable[[], UUID]) -> None:
    make_form()
    call_command("move_tenant", "kennels", "--to", SECOND_DATABASE, stdout=io.StringIO())

    with pytest.raises(CommandError, match="has old rows in 'default'"):
        call_command("erase_tenant", "kennels", "--confirm", "kennels", stdout=io.StringIO())

    assert Tenant.objects.filter(code="kennels").exists()


def test_a_page_under_way_while_its_tenant_moves_is_503(
    kennels: Tenant, make_form: Callable[[], UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_form()
    agent = User.objects.create_user("agent@kennels.example", "x", role=Role.AGENT, tenant=kennels)
    page = Client(raise_request_exception=False)
    page.force_login(agent)
    call_command("move_tenant", "kennels", "--to", SECOND_DATABASE, stdout=io.StringIO())
    # The user was loaded before the move.
    monkeypatch.setattr("tenants.backends.EmailBackend.get_user", lambda backend, user_id: agent)
    residence.forget()
    Tenant.objects.filter(pk=kennels.pk).update(moves=0, database="")

    refused, repeated = page.get("/"), page.get("/")

    assert (refused.status_code, refused["Retry-After"]) == (503, "2")
    assert repeated.status_code == 200
