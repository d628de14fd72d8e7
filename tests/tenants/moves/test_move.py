"""``manage.py move_tenant`` between two real databases: content, gates, refusals, the way back."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connections

from tenants import residence
from tenants.current_tenant import across_tenants, use_tenant
from tenants.models import Tenant
from tenants.tables import tenant_tables
from tests.harness.cast import SECOND_DATABASE
from tests.harness.moves import remove_gates
from tests.harness.tenant_rows import contents, fill_tables

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", SECOND_DATABASE])


@pytest.fixture(autouse=True)
def no_gates() -> Iterator[None]:
    """Remove what moves leave in the databases and in this process."""
    yield
    remove_gates()


def run(*arguments: str) -> str:
    told = io.StringIO()
    call_command("move_tenant", *arguments, stdout=told)
    return told.getvalue()


def seen_across(alias: str) -> dict[str, set[object]]:
    """Return the tenants whose rows work on all tenants of the database sees, by table."""
    found = {}
    with across_tenants(using=alias), connections[alias].cursor() as cursor:
        for table in tenant_tables():
            cursor.execute(f"SELECT DISTINCT tenant_id FROM {table.name}")  # noqa: S608 - our own names
            found[table.name] = {row[0] for row in cursor.fetchall()}
    return found


def test_all_rows_of_every_table_move_and_no_others(harbor: Tenant, summit: Tenant) -> None:
    fill_tables(harbor)
    fill_tables(summit)
    before, others = contents(harbor, "default"), contents(summit, "default")

    told = run("harbor", "--to", SECOND_DATABASE)

    moved = Tenant.objects.get(pk=harbor.pk)
    assert (moved.database_alias, moved.moves) == (SECOND_DATABASE, 1)
    assert contents(moved, SECOND_DATABASE) == before
    assert contents(summit, "default") == others
    assert all(len(rows) == 3 for rows in before.values())
    assert seen_across(SECOND_DATABASE) == {name: {harbor.id} for name in before}
    assert seen_across("default") == {name: {summit.id} for name in before}
    assert all(f"{name}: 3 rows, sha256 " in told for name in before)


def test_the_old_database_refuses_the_tenant_and_leads_to_the_new_one(harbor: Tenant) -> None:
    fill_tables(harbor)
    run("harbor", "--to", SECOND_DATABASE)
    residence.forget()
    assert harbor.database_alias == "default"

    with use_tenant(harbor), connections["default"].cursor() as cursor, pytest.raises(OperationalError, match="moved"):
        cursor.execute("SELECT id FROM copies_copy")

    assert harbor.database_alias == SECOND_DATABASE


def test_late_writes_in_the_old_database_are_refused(harbor: Tenant) -> None:
    fill_tables(harbor)
    run("harbor", "--to", SECOND_DATABASE)

    for statement in (
        f"INSERT INTO search_searchspelling (tenant_id, trigram, word) VALUES ('{harbor.id}', 'abc', 'abc')",  # noqa: S608 - our own ids
        "UPDATE search_searchword SET weight = 2",
        "DELETE FROM search_searchword",
    ):
        with use_tenant(harbor), connections["default"].cursor() as cursor:
            with pytest.raises(OperationalError, match="moved"):
                cursor.execute(statement)


def test_the_way_back_brings_what_changed_since(harbor: Tenant) -> None:
    fill_tables(harbor)
    run("harbor", "--to", SECOND_DATABASE)
    harbor.refresh_from_db()
    fill_tables(harbor, rows=1)
    with use_tenant(harbor), connections[SECOND_DATABASE].cursor() as cursor:
        cursor.execute("DELETE FROM search_searchword WHERE id = (SELECT min(id) FROM search_searchword)")
        cursor.execute("UPDATE forms_message SET text = 'later'")
    changed = contents(harbor, SECOND_DATABASE)

    run("harbor", "--back")

    harbor.refresh_from_db()
    assert (harbor.database_alias, harbor.moves) == ("default", 2)
    assert contents(harbor, "default") == changed


def test_rows_numbered_in_two_databases_never_collide(harbor: Tenant, summit: Tenant) -> None:
    fill_tables(harbor)
    run("harbor", "--to", SECOND_DATABASE)
    harbor.refresh_from_db()
    fill_tables(harbor, rows=2)
    fill_tables(summit, rows=9)
    before = contents(harbor, SECOND_DATABASE)

    run("harbor", "--back")
    run("summit", "--to", SECOND_DATABASE)

    harbor.refresh_from_db()
    assert contents(harbor, "default") == before


def test_old_rows_are_deleted_only_on_confirmation_and_not_at_once(harbor: Tenant) -> None:
    fill_tables(harbor)
    run("harbor", "--to", SECOND_DATABASE)

    with pytest.raises(CommandError, match="Wait until 600 s have passed"):
        run("harbor", "--confirm")
    run("harbor", "--confirm", "--after", "0")

    assert {name: set() for name in seen_across("default")} == seen_across("default")
    assert all(len(rows) == 3 for rows in contents(harbor, SECOND_DATABASE).values())
    with pytest.raises(CommandError, match="left no rows behind"):
        run("harbor", "--confirm")
    with pytest.raises(CommandError, match="Name one with --to"):
        run("harbor", "--back")


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["nobody", "--to", SECOND_DATABASE], "There is no tenant 'nobody'"),
    (["harbor", "--to", "elsewhere"], "Set TENANT_DATABASE_ELSEWHERE"),
    (["harbor", "--back"], "There is no database with old rows of harbor"),
    (["harbor", "--abort"], "There is no unfinished move of harbor"),
])  # fmt: skip
def test_what_cannot_be_done_is_refused_with_the_reason(harbor: Tenant, arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        run(*arguments)
