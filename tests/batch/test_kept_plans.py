"""The statements whose plans the database keeps: used by nearly all saves, and bound by row-level security."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from uuid import UUID

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from batch import service as batch
from batch.idempotency import KEPT, IdempotencyKey, StoredResponse
from batch.storage.load import LOAD_ONE
from batch.storage.statement import KEPT_SAVES
from forms.selectors import CATALOGUES
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tenants.postgresql.kept_plans import KeptPlan

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("key", [None, IdempotencyKey("user:7", "key-1", b"request")], ids=["plain", "keyed"])
def test_a_change_of_answers_uses_kept_plans(
    key: IdempotencyKey | None, make_form: Callable[..., UUID], kennels: Tenant, agent: Actor
) -> None:
    form_id = make_form()

    with CaptureQueriesContext(connections["default"]) as queries:
        with batch.find_and_lock(form_id, scope=kennels, actor=agent, idempotency=key) as context:
            context.changeset.find_answer("state").apply("OH")
            context.save(respond=lambda result: StoredResponse(200, {}, b"{}"))

    sent = " ".join(query["sql"] for query in queries)
    saves = [plan.name for plan in KEPT_SAVES.values()]
    assert (sent.count(LOAD_ONE.name), [name for name in saves if name in sent]) == (1, [saves[key is not None]])
    assert batch.find_changeset(form_id, scope=kennels, actor=agent).find_answer("state").value == "OH"


def test_the_migrations_create_the_functions_of_the_program() -> None:
    created = import_module("batch.migrations.0001_initial").FUNCTIONS

    # Otherwise databases that exist would lack them: write a migration, or until the first release the new names.
    assert created == [plan.name for plan in (LOAD_ONE, *KEPT_SAVES.values())]


def test_the_migration_of_forms_creates_the_function_that_finds_catalogues() -> None:
    assert import_module("forms.migrations.0002_catalogues").FUNCTIONS == [CATALOGUES.name]


def test_statements_that_run_before_belong_to_the_name_of_a_function() -> None:
    alone = KeptPlan("one", "SELECT 1", {}, {"n": "integer"})
    after = [
        KeptPlan("one", "SELECT 1", {}, {"n": "integer"}, before=(before,)) for before in ("PERFORM 1", "PERFORM 2")
    ]

    assert len({plan.name for plan in (alone, *after)}) == 3


def test_a_later_migration_can_create_a_function_that_the_first_one_created() -> None:
    # In a new database the first migration creates the functions of the present program.
    with connection.cursor() as cursor:
        for statement in LOAD_ONE.migration().sql:
            cursor.execute(statement)


def test_row_level_security_holds_inside_a_function(form_id: UUID, kennels: Tenant, harbor: Tenant) -> None:
    parameters = {"ids": [form_id], "tenant": kennels.id, "archived": True, "client": None, "key": None, "kept": KEPT}

    def rows() -> int:
        with connection.cursor() as cursor:
            cursor.execute(LOAD_ONE.call, parameters)
            return len(cursor.fetchall())

    with use_tenant(kennels):
        assert rows() == 1
    with use_tenant(harbor):
        assert rows() == 0
