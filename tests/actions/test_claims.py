"""The statements of a claim: in place, by the index, whatever the statistics say (docs/adr/0051)."""

from __future__ import annotations

import random
from importlib import import_module
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from actions import claims
from actions.claims import Claims
from tenants.current_tenant import across_tenants
from tenants.models import Tenant
from tests.harness.held_rows import held_rows
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


def test_one_statement_claims_for_several_tenants_each_within_its_quota(
    harbor: Tenant, summit: Tenant, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "_SHARES", {})
    bench.register(Ring)
    put_ids = {tenant.pk: [put(tenant, Ring(bell=str(n))) for n in range(5)] for tenant in (harbor, summit)}

    with across_tenants(using="default"), CaptureQueriesContext(connection) as queries:
        found = Claims("default", registry=bench.registry, lease=30).claim(6)

    # The waiting tenants, their weights, the claim.
    assert len(queries) == 3
    first, second = found[:3], found[3:]
    assert {row.tenant_id for row in first} != {row.tenant_id for row in second}
    for part in (first, second):
        assert [row.id for row in part] == put_ids[part[0].tenant_id][:3]


def test_several_tenants_get_the_same_rows_from_one_statement_as_from_one_each(
    harbor: Tenant, summit: Tenant, bench: Bench
) -> None:
    bench.register(Ring)
    copies = {tenant: [uuid4() for _ in range(3)] for tenant in (harbor, summit)}
    chance = random.Random(7)
    for number in range(40):
        tenant = chance.choice((harbor, summit))
        put(tenant, Ring(bell=str(number % 4)), copy_id=chance.choice(copies[tenant]), version=chance.randint(1, 5))
    one_each = claims._NEW.replace("o.state = 'waiting' AND", "o.state = 'waiting' AND o.tenant_id = %(tenant)s AND")
    granted = {harbor.pk: 3, summit.pk: 50}

    def claimed(text: str, limit: int, **others: Any) -> list[UUID]:
        with across_tenants(using="default"), transaction.atomic():
            found = Claims("default", registry=bench.registry, lease=30)._claim(text, limit, **others)
            transaction.set_rollback(True)
        return [row.id for row in found]

    apart = [claimed(one_each, quota, tenant=tenant) for tenant, quota in granted.items()]
    together = claimed(
        claims._by_tenant(claims._NEW), 200, tenants=claims._array(granted), quotas=list(granted.values())
    )

    assert len(apart[0]) == 3
    assert len(apart[1]) > 3
    assert sorted(together) == sorted(apart[0] + apart[1])


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


@pytest.mark.django_db(transaction=True)
def test_a_renewal_waits_for_no_row_that_ends_at_this_moment(harbor: Tenant, bench: Bench) -> None:
    bench.register(Ring)
    ids = [put(harbor, Ring(bell=str(number))) for number in range(3)]
    renewing = Claims("default", registry=bench.registry, lease=30)
    with across_tenants(using="default"):
        assert len(renewing.claim(3)) == 3

        with held_rows(claims.TABLE, ids[1:2]):
            assert renewing.renew(ids) == 2

        assert renewing.renew(ids) == 3
