"""Spans of a save, its statements, requests, carrier calls and actions; nothing of them contains a value."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final
from uuid import UUID

import pytest
from django.test import Client
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import tracing
from actions.registry import Delivered, PermanentFailure
from actions.relay import drain
from batch import service as batch
from carriers.links.client import client_of
from carriers.links.loop import run
from tenants.access import Actor
from tenants.models import Tenant
from tenants.postgresql.statement_names import statement_name
from tests.harness.carrier_links import NO_CONTEXT, link_to
from tests.harness.counting_carrier import counting_carrier
from tests.harness.kennel_forms import agent, kennels, make_form
from tests.harness.outboxes import Bench, Ring, put
from tests.house.test_promises import CHECKOUT
from tracing import TracingUnavailable, span, start_tracing, stop_tracing, traced

__all__ = ["agent", "kennels", "make_form"]

NAME: Final = "Rosebud Terriers of Amarillo"


@pytest.fixture
def exported() -> Iterator[InMemorySpanExporter]:
    """Export spans into memory during the test."""
    exporter = InMemorySpanExporter()
    start_tracing(exporter)
    yield exporter
    stop_tracing()


def parents(spans: tuple[ReadableSpan, ...]) -> set[tuple[str, str]]:
    """Return the names of spans, each with that of the span around it."""
    names = {one.context.span_id: one.name for one in spans}
    return {(one.name, names.get(one.parent.span_id, "") if one.parent else "") for one in spans}


@pytest.mark.django_db
def test_a_save_shows_its_phases_and_statements_without_any_value(
    make_form: Callable[..., UUID], kennels: Tenant, agent: Actor, exported: InMemorySpanExporter
) -> None:
    form_id = make_form()
    exported.clear()

    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        context.changeset.apply_answers({"kennel_name": NAME})
        context.save()

    spans = exported.get_finished_spans()
    assert {
        ("save.lock", ""),
        ("save.load", ""),
        ("batch_load", "save.load"),
        ("save", ""),
        ("save.rules", "save"),
        ("save.write", "save"),
        ("batch_save", "save.write"),
        ("save.effects", "save"),
    } <= parents(spans)
    shown = "".join(one.to_json() for one in spans)
    assert NAME not in shown and "%(" not in shown and " WHERE " not in shown


def test_a_failed_span_has_the_type_of_its_exception_and_not_its_text(exported: InMemorySpanExporter) -> None:
    @traced("step")
    def fail() -> None:
        raise ValueError(NAME)

    with pytest.raises(ValueError, match=NAME):
        fail()

    (failed,) = exported.get_finished_spans()
    assert dict(failed.attributes or {}) == {"error.type": "ValueError"}
    assert not failed.status.is_ok and not failed.events
    assert NAME not in failed.to_json()


def test_a_request_has_face_status_and_correlation_id_but_no_path(
    client: Client, exported: InMemorySpanExporter
) -> None:
    client.get("/healthz", headers={"X-Correlation-ID": "one-2"})

    (request,) = exported.get_finished_spans()
    assert request.name == "GET probes"
    assert dict(request.attributes or {}) == {"correlation_id": "one-2", "http.response.status_code": 200}


@pytest.mark.django_db
def test_an_action_of_the_relay_is_a_span_also_where_it_fails(harbor: Tenant, exported: InMemorySpanExporter) -> None:
    bench = Bench()

    def refuse(delivered: Delivered) -> None:
        raise PermanentFailure("no bell")

    bench.register(Ring, refuse)
    put(harbor, Ring(bell=NAME))

    drain("default", registry=bench.registry)

    (action,) = [one for one in exported.get_finished_spans() if one.name == f"action {Ring.kind}"]
    assert {"attempt": 1, "error.type": "PermanentFailure"}.items() <= dict(action.attributes or {}).items()
    assert NAME not in action.to_json()


def test_a_call_of_a_carrier_is_a_span(exported: InMemorySpanExporter) -> None:
    with counting_carrier() as carrier:
        carrier.answer = lambda seen: (404, {}, b"") if seen.method == "GET" else None
        link = link_to(carrier.url)
        run(client_of(link).find("t-0", context=NO_CONTEXT))

    calls = {one.name: dict(one.attributes or {}) for one in exported.get_finished_spans()}
    assert calls["carrier find"] == {"carrier": link.carrier}


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ('SELECT "copies_copy"."id" FROM "copies_copy" WHERE x = 1 FOR UPDATE', "SELECT copies_copy"),
        ("WITH g AS (SELECT * FROM unnest(%s)), u AS (UPDATE forms_note n SET a = 1) SELECT 1", "UPDATE forms_note"),
        ("INSERT INTO a_b (x) SELECT 1 ON CONFLICT DO UPDATE SET x = 2", "INSERT a_b"),
        ("DELETE FROM ONLY a_b WHERE y = 'FROM c'", "DELETE a_b"),
        ("SELECT extract(epoch FROM now()), a IS DISTINCT FROM b FROM c_d", "SELECT c_d"),
        ("SELECT 1 -- FROM secrets", "SELECT"),
        ("SELECT 'UPDATE secrets'", "SELECT"),
        ("SELECT * FROM batch_save_0123456789ab(%(ids)s)", "batch_save"),
        ("LISTEN channel", "LISTEN"),
        ("", "statement"),
        (object(), "statement"),
    ],
)
def test_a_statement_is_named_by_verb_and_table(sql: Any, name: str) -> None:
    assert statement_name(sql) == name


def test_without_tracing_a_step_makes_nothing_and_imports_nothing() -> None:
    assert span("a") is span("b", attribute=1)
    code = "import sys, tracing; sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"

    assert subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, check=False).returncode == 0  # noqa: S603


def test_an_endpoint_without_the_packages_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(tracing, "import_module", missing)

    with pytest.raises(TracingUnavailable, match=r"requirements-otel\.txt"):
        start_tracing()
    assert not tracing.is_tracing()
