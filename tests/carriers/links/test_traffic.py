"""The traffic log in the tenants' databases, its retention, and the metrics."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from carriers.links.link import CallContext
from carriers.links.retention import old_calls
from carriers.links.traffic import CallRecord, TrafficLog, write_calls
from carriers.models import CarrierCall
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.carrier_links import add_link
from tests.harness.cast import SECOND_DATABASE
from tests.harness.tiers import PATIENCE, within

BOTH = pytest.mark.django_db(databases=["default", SECOND_DATABASE])


def record(tenant: Tenant, **fields: object) -> CallRecord:
    context = CallContext(
        tenant_id=tenant.id, copy_id=uuid4(), correlation_id="c" * 80, logged_body={"risk": {"zip": "***"}}
    )
    settings = {
        "link_id": uuid4(), "catalogue": "demo", "carrier": "QM", "operation": "submit", "status": 200, "error": "",
        "detail": "", "duration": 12, "context": context, "reply": {"status": "quoted"}, "at": datetime.now(UTC),
        **fields,
    }  # fmt: skip
    return CallRecord(**settings)  # type: ignore[arg-type]


@BOTH
def test_calls_are_written_to_the_database_of_their_tenant(harbor: Tenant, summit_apart: Tenant) -> None:
    write_calls([record(harbor), record(summit_apart, carrier="TT", status=None, error="unknown"), record(harbor)])

    with use_tenant(harbor):
        assert [call.carrier for call in CarrierCall.objects.all()] == ["QM", "QM"]
        assert CarrierCall.objects.first().body == {"risk": {"zip": "***"}}
    with use_tenant(summit_apart):
        (call,) = CarrierCall.objects.using(SECOND_DATABASE).all()
        assert (call.carrier, call.status, call.error, call.correlation_id) == ("TT", None, "unknown", "c" * 64)


@BOTH
def test_calls_of_a_deleted_tenant_are_dropped(harbor: Tenant) -> None:
    gone = Tenant(name="Gone")

    write_calls([record(gone), record(harbor)])

    with use_tenant(harbor):
        assert CarrierCall.objects.count() == 1


@BOTH
def test_calls_are_deleted_after_thirty_days(harbor: Tenant) -> None:
    write_calls([record(harbor, at=timezone.now() - timedelta(days=days)) for days in (29, 31)])

    with use_tenant(harbor):
        assert old_calls().count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_log_writes_in_the_background(harbor: Tenant) -> None:
    log = TrafficLog()
    started = time.monotonic()
    for _ in range(300):
        log.add(record(harbor))
    added = time.monotonic() - started

    assert log.flush(seconds=PATIENCE)
    assert added < within(5)
    with use_tenant(harbor):
        assert CarrierCall.objects.count() == 300
    while log._writer is not None:
        time.sleep(0.05)
    log.add(record(harbor))
    assert log.flush(seconds=PATIENCE), "a later entry starts a new thread"
    while log._writer is not None:
        time.sleep(0.05)


@BOTH
def test_the_metrics_show_open_circuits() -> None:
    add_link("QM", "https://quay.example")

    shown = Client().get("/metrics", REMOTE_ADDR="127.0.0.1").content.decode()

    assert 'partner_engine_carrier_circuit_open{carrier="QM",catalogue="demo_small_commercial"} 0.0' in shown
