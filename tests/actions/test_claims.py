"""The statements of a claim: in place, by the index, whatever the statistics say (docs/adr/0051)."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.db import connection

from actions import claims
from actions.claims import Claims
from tenants.current_tenant import across_tenants
from tenants.models import Tenant
from tests.harness.outboxes import Bench, Ring, put

pytestmark = pytest.mark.django_db


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_claim_writes_no_index_entries(harbor: Tenant, bench: Bench) -> None:
    bench.register(Ring)
    for number in range(20):
        put(harbor, Ring(bell=str(number)))
    in_place = "SELECT pg_stat_get_xact_tuples_hot_updated('actions_outboxaction'::regclass)"

    with across_tenants(using="default"), connection.cursor() as cursor:
        cursor.execute(in_place)
        (before,) = cursor.fetchone()
        assert len(Claims("default", registry=bench.registry, lease=30).claim(20)) == 20
        cursor.execute(in_place)

        assert cursor.fetchone() == (before + 20,)


def test_the_migration_creates_the_functions_of_the_program() -> None:
    created = import_module("actions.migrations.0001_initial").FUNCTIONS

    # Otherwise databases that exist would lack them: write a migration, or until the first release the new names.
    assert created == [plan.name for plan in claims.KEPT.values()]


def test_a_claim_after_an_empty_outbox_was_analyzed_reads_no_more_than_it_takes(harbor: Tenant, bench: Bench) -> None:
    bench.register(Ring)
    put(harbor, Ring(bell="front"))
    with across_tenants(using="default"), connection.cursor() as cursor:
        worker = Claims("default", registry=bench.registry, lease=30)
        cursor.execute("ANALYZE actions_outboxaction")
        assert len(worker.claim(10)) == 1
        cursor.execute(
            "INSERT INTO actions_outboxaction SELECT (jsonb_populate_record(o, jsonb_build_object('id',"
            " gen_random_uuid(), 'copy_id', gen_random_uuid(), 'payload', o.payload, 'lease_token', NULL,"
            " 'leased_until', NULL))).* FROM actions_outboxaction o, generate_series(1, 5000)"
        )
        # A sort of all due rows would look each of them up in the order of its copy.
        reads = "SELECT pg_stat_get_xact_numscans('outbox_order'::regclass)"
        cursor.execute(reads)
        (before,) = cursor.fetchone()
        assert len(worker.claim(10)) == 10
        cursor.execute(reads)

        assert cursor.fetchone()[0] - before < 100
