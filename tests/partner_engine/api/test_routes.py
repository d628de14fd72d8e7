"""Every address of the API: its callers, and hostile bodies. A new address without a row here fails."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.urls import URLResolver, get_resolver, resolve
from django.utils import timezone
from structlog.testing import capture_logs

from catalogue.demo import Sample
from forms.models import QuoteRequest
from operations.models import BatchOperation, ImportMapping
from partner_engine.api.form_aliases import ALIAS_ROUTES
from tenants.access import Right
from tenants.current_tenant import use_tenant
from tenants.models import ApiClient, Tenant, User
from tests.harness.api_client import NOBODY, V1, Api, assert_problem
from tests.harness.stored_versions import version_of
from tests.harness.tiers import IS_FULL
from webhooks.models import WebhookEndpoint

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Row:
    """One method of one address: the right it needs (None: any caller), a body that it takes, its query.

    The body of a row that ``takes_file`` is a file of any format and no JSON object.
    """

    method: str
    address: str
    right: Right | None
    body: bytes = b""
    query: str = ""
    takes_file: bool = False

    @property
    def writes(self) -> bool:
        return self.method != "GET"

    def path(self, identity: str) -> str:
        address = re.sub(r"<id:\w+>", identity, self.address)
        return address.replace("<slug:code>", "qs_auto") + self.query.replace("<id:id>", identity)

    def __str__(self) -> str:
        return f"{self.method} {self.address}"


READ, WRITE, HOOKS = Right.READ_FORMS, Right.WRITE_FORMS, Right.MANAGE_WEBHOOKS
ROWS = [
    Row("GET", "application_forms", READ),
    Row("POST", "application_forms", WRITE, b'{"answers": {}}'),
    Row("GET", "application_forms/<id:id>", READ),
    Row("PATCH", "application_forms/<id:id>", WRITE, b'{"external_id": "x"}'),
    Row("DELETE", "application_forms/<id:id>", WRITE, b"{}"),
    Row("POST", "application_forms/<id:id>/restore", WRITE, b"{}"),
    Row("POST", "application_forms/<id:id>/copies", WRITE, b'{"title": "x"}'),
    Row("POST", "application_forms/<id:id>/clone", WRITE, b"{}"),
    Row("PATCH", "application_forms/<id:id>/answers", WRITE, b'{"answers": {}}'),
    Row("GET", "copies/<id:id>", READ),
    Row("PATCH", "copies/<id:id>", WRITE, b'{"title": "x"}'),
    Row("DELETE", "copies/<id:id>", WRITE, b"{}"),
    Row("POST", "copies/<id:id>/restore", WRITE, b"{}"),
    Row("POST", "copies/<id:id>/lock", WRITE, b"{}"),
    Row("POST", "copies/<id:id>/unlock", WRITE, b"{}"),
    Row("POST", "copies/<id:id>/make_base", WRITE, b"{}"),
    Row("PATCH", "copies/<id:id>/answers", WRITE, b'{"answers": {}}'),
    Row("POST", "copies/<id:id>/confirmations", WRITE, b'{"path": "mqs_mail_zip", "code": "zip_unknown"}'),
    Row("GET", "copies/<id:id>/proposals", READ),
    Row(
        "POST",
        "copies/<id:id>/proposals",
        WRITE,
        b'{"source": {"type": "model", "name": "x"}, "proposals": [{"path": "mqs_mail_zip", "value": "78702"}]}',
    ),
    Row("POST", "copies/<id:id>/proposals/accept", WRITE, b'{"proposals": [{"path": "mqs_mail_zip", "id": "x"}]}'),
    Row("POST", "copies/<id:id>/proposals/dismiss", WRITE, b'{"proposals": [{"path": "mqs_mail_zip", "id": "x"}]}'),
    Row("GET", "copies/<id:id>/changes", READ),
    Row("GET", "copies/<id:id>/history", READ),
    Row("GET", "copies/<id:id>/history/head", READ),
    Row("GET", "copies/<id:id>/decision", READ),
    Row("GET", "copies/<id:id>/declines", READ),
    Row("POST", "copies/<id:id>/declines/export", WRITE, b"{}"),
    Row("POST", "copies/<id:id>/revert", WRITE, b'{"version": 1}'),
    Row("GET", "copies/<id:id>/explain", READ, query="?target=QM-BOP"),
    Row("GET", "copies/<id:id>/needed", READ),
    Row("GET", "copies/<id:id>/compare", READ, query="?with=<id:id>@1"),
    Row(
        "POST",
        "copies/<id:id>/reveal",
        Right.REVEAL_SENSITIVE,
        b'{"path": "mqs_fein", "purpose": "audit", "reason": "a good one"}',
    ),
    Row("GET", "copies/<id:id>/guest_links", READ),
    Row("POST", "copies/<id:id>/guest_links", WRITE, b'{"name": "Gus"}'),
    Row("GET", "copies/<id:id>/guest_links/<id:link_id>", READ),
    Row("DELETE", "copies/<id:id>/guest_links/<id:link_id>", WRITE, b"{}"),
    Row(
        "POST", "copies/<id:id>/guest_links/<id:link_id>/send_back", WRITE, b'{"questions": {"mqs_business_name": ""}}'
    ),
    Row(
        "POST", "copies/<id:id>/merge", WRITE, b'{"from_copy": "01935ad0-1f7e-7c32-9d3e-5f0a6d1c2b10"}', "?dry_run=true"
    ),
    Row("POST", "copies/<id:id>/merge/undo", WRITE, b"{}"),
    Row("GET", "copies/<id:id>/messages", READ),
    Row("POST", "copies/<id:id>/messages", WRITE, b'{"text": "x"}'),
    Row("DELETE", "copies/<id:id>/messages/<id:message_id>", WRITE, b"{}"),
    Row("GET", "copies/<id:id>/question_sets", READ),
    Row("GET", "copies/<id:id>/question_sets/<slug:code>", READ),
    Row("POST", "copies/<id:id>/question_sets", WRITE, b'{"code": "qs_auto"}'),
    Row("DELETE", "copies/<id:id>/question_sets/<slug:code>", WRITE, b"{}"),
    Row("GET", "copies/<id:id>/events", READ),
    Row("POST", "copies/<id:id>/events", WRITE, b'{"kind": "external_transfer"}'),
    Row("GET", "copies/<id:id>/processes", READ),
    Row("GET", "copies/<id:id>/quote_requests", READ),
    Row("POST", "copies/<id:id>/quote_requests", WRITE, b'{"products": ["QM-BOP"]}'),
    Row("GET", "copies/<id:id>/real_time_eligibility", READ),
    Row("GET", "quote_requests", READ),
    Row("GET", "quote_requests/<id:id>", READ),
    Row("POST", "quote_requests/<id:id>/select", WRITE, b"{}"),
    Row("POST", "quote_requests/<id:id>/deselect", WRITE, b"{}"),
    Row("POST", "quote_requests/<id:id>/withdraw", WRITE, b"{}"),
    Row("POST", "quote_requests/<id:id>/ask_again", WRITE, b"{}"),
    Row("POST", "quote_requests/<id:id>/answer", WRITE, b'{"status": "declined", "reference": "Q-1"}'),
    Row("POST", "quote_requests/<id:id>/bridge", WRITE, b"{}"),
    Row("POST", "quote_requests/<id:id>/subjectivities/<id:subjectivity_id>/done", WRITE, b"{}"),
    Row("GET", "quote_requests/<id:id>/binding", READ),
    Row("POST", "quote_requests/<id:id>/binding", Right.BIND_QUOTES, b"{}"),
    Row(
        "POST",
        "quote_requests/<id:id>/consent",
        Right.BIND_QUOTES,
        b'{"wording_hash": "' + b"0" * 64 + b'", "accepted_by": "Pat"}',
    ),
    Row("POST", "quote_requests/<id:id>/assistance", Right.BIND_QUOTES, b'{"note": "x"}'),
    Row("DELETE", "quote_requests/<id:id>/assistance", Right.BIND_QUOTES, b"{}"),
    Row("GET", "batch_operations", READ),
    Row("POST", "batch_operations", READ, b'{"kind": "set_answers", "items": []}'),
    Row("POST", "batch_operations/imports/preview", WRITE, b"mqs_business_name\nAcme\n", takes_file=True),
    Row("POST", "batch_operations/imports", WRITE, b"mqs_business_name\nAcme\n", takes_file=True),
    Row("GET", "batch_operations/imports/mappings", WRITE),
    Row("POST", "batch_operations/imports/mappings", WRITE, b'{"name": "x", "mapping": {"Title": "title"}}'),
    Row("GET", "batch_operations/imports/mappings/<id:id>", WRITE),
    Row("DELETE", "batch_operations/imports/mappings/<id:id>", WRITE, b"{}"),
    Row("GET", "batch_operations/<id:id>/failed.csv", READ),
    Row("POST", "batch_operations/<id:id>/failed.csv", READ, b"number\n0\n", takes_file=True),
    Row("GET", "batch_operations/<id:id>", READ),
    Row("GET", "batch_operations/<id:id>/items", READ),
    Row("GET", "batch_operations/<id:id>/results", READ),
    Row("POST", "batch_operations/<id:id>/retry", READ, b"{}"),
    Row("POST", "batch_operations/<id:id>/pause", READ, b"{}"),
    Row("POST", "batch_operations/<id:id>/resume", READ, b"{}"),
    Row("POST", "batch_operations/<id:id>/cancel", READ, b"{}"),
    Row("POST", "batch_operations/<id:id>/undo", READ, b"{}"),
    Row("GET", "search", READ, query="?q=kettle"),
    Row("POST", "what_if", READ, b'{"answers": {"mqs_annual_revenue": 1000}}'),
    Row("POST", "persons/export", Right.MANAGE_PERSONS, b'{"email": "nobody@example.com"}'),
    Row("POST", "persons/erasure", Right.MANAGE_PERSONS, b'{"email": "nobody@example.com"}', "?dry_run=true"),
    Row("GET", "naics", Right.READ_CATALOGUE, query="?q=plumber"),
    Row("GET", "appetite", Right.READ_CATALOGUE),
    Row("GET", "appetite/table", Right.READ_CATALOGUE, query="?industry=722511"),
    Row("GET", "catalogue/json_schema", Right.READ_CATALOGUE),
    Row("GET", "events", HOOKS),
    Row("GET", "catalogue", Right.READ_CATALOGUE),
    Row("GET", "webhook_endpoints", HOOKS),
    Row("POST", "webhook_endpoints", HOOKS, b'{"url": "https://hooks.example.com/x", "event_types": ["*"]}'),
    Row("GET", "webhook_endpoints/<id:id>", HOOKS),
    Row("PATCH", "webhook_endpoints/<id:id>", HOOKS, b'{"description": "x"}'),
    Row("DELETE", "webhook_endpoints/<id:id>", HOOKS, b"{}"),
    Row("POST", "webhook_endpoints/<id:id>/rotate_secret", HOOKS, b"{}"),
    Row("GET", "webhook_endpoints/<id:id>/deliveries", HOOKS),
    Row("POST", "webhook_endpoints/<id:id>/replay", HOOKS, b'{"since": "2026-11-25T00:00:00Z"}'),
    Row("POST", "webhook_endpoints/<id:id>/test", HOOKS, b"{}"),
    Row("GET", "webhook_event_schema", None),
    Row("GET", "me", None),
    Row("GET", "users", READ),
    Row("POST", "tickets", READ, b"{}"),
]
#: One alias has a row above: the others are the same views (see test_form_aliases).
ALIASES = {address for name, (address, _) in ALIAS_ROUTES.items() if name != "form_answers"}
PUBLIC = {"schema", "docs", "signing_keys"}
OF_ONE = [row for row in ROWS if "<id:id>" in row.address]
WRITES = [row for row in ROWS if row.writes]
#: The writes whose body is a JSON object; files that do harm are tried in test_batch_imports.
JSON_WRITES = [row for row in WRITES if not row.takes_file]

DEEP = 1_000
HOSTILE = {
    "nothing but garbage": b"\x00\x01",
    "cut off": b'{"answers": {',
    "not UTF-8": b'{"answers": {"mqs_business_name": "\xff\xfe"}}',
    "NUL": b'{"answers": {"mqs_business_name": "a\\u0000b"}, "title": "a\\u0000b"}',
    "NUL in a key": b'{"a\\u0000": 1}',
    "lone surrogate": b'{"answers": {"mqs_business_name": "\\ud800"}, "title": "\\ud800"}',
    "lone surrogate in a key": b'{"\\udc00": 1}',
    "NaN": b'{"answers": {"mqs_annual_revenue": NaN}}',
    "Infinity": b'{"answers": {"mqs_annual_revenue": -Infinity}}',
    "1e400": b'{"answers": {"mqs_annual_revenue": 1e400}}',
    "a number of 100,000 digits": b'{"answers": {"mqs_annual_revenue": ' + b"9" * 100_000 + b"}}",
    "2^63": b'{"answers": {"mqs_annual_revenue": 9223372036854775808}}',
    "duplicate keys": b'{"answers": {"mqs_naics": "722511", "mqs_naics": "541512"}}',
    "duplicate keys at the top": b'{"title": "a", "title": "b"}',
    "depth 1,000 of objects": b'{"answers":' * DEEP + b"1" + b"}" * DEEP,
    "depth 1,000 of lists": b'{"answers":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "depth 100,000": b"[" * 100_000,
    "10 MB": b'{"answers": {"mqs_business_name": "' + b"x" * 10_000_000 + b'"}}',
    "a list": b"[]",
    "a text": b'"x"',
    "a number": b"7",
    "null": b"null",
    "true": b"true",
    "unknown fields": b'{"tenant_id": "x", "version": 9, "is_readonly": false}',
    "answers of a wrong type": b'{"answers": [1, 2], "title": 7, "path": 7, "reason": 7}',
    "rows of a wrong type": b'{"answers": {}, "answer_pools": {"locations": {"id": 1}}, "title": null}',
}


def start(api: Api, sample: Sample) -> dict[str, Any]:
    """Start the sample's form; return its copy. The tenant gets a webhook endpoint, a quote, an operation and a
    saved mapping of the same id, so that one id leads to something at every address.
    """
    copy = api.start(sample)
    tenant = Tenant.objects.get(code="harbor")
    with use_tenant(tenant):
        WebhookEndpoint.objects.create(
            id=copy["id"],
            tenant_id=tenant.id,
            url="https://hooks.example.com/x",
            event_types=["*"],
            secret=b"",
            created_at=timezone.now(),
            created_by="test",
        )
        quote = QuoteRequest(
            id=copy["id"],
            tenant_id=tenant.id,
            copy_id=copy["id"],
            carrier="QM",
            product="QM-BOP",
            state="quoted",
            request_token="t-1",
            premium=2451,
            is_bindable=True,
            carrier_reference="QM-31",
            created_at=timezone.now(),
            updated_at=timezone.now(),
        )
        QuoteRequest.objects.bulk_create([quote])
        BatchOperation.objects.create(
            id=copy["id"], tenant_id=tenant.id, kind="set_answers", arguments=b"", created_at=timezone.now()
        )
        ImportMapping.objects.create(id=copy["id"], tenant_id=tenant.id, mapping={}, created_at=timezone.now())
    return copy


def webhooks_of(code: str) -> list[dict[str, Any]]:
    """Return all that the tenant has of webhook endpoints."""
    with use_tenant(Tenant.objects.get(code=code)):
        return list(WebhookEndpoint.objects.values())


def routes() -> Iterator[str]:
    """Yield every address below /api/v1/ that the resolver knows, but for the one that answers what is not there."""
    for pattern in get_resolver().url_patterns:
        if isinstance(pattern, URLResolver) and str(pattern.pattern) == "api/v1/":
            yield from (address for address in addresses_below(pattern) if address.rstrip("/") not in ALIASES)


def addresses_below(resolver: URLResolver) -> Iterator[str]:
    """Yield the addresses of a resolver's patterns, and of those below them."""
    for found in resolver.url_patterns:
        if isinstance(found, URLResolver):
            yield from (f"{found.pattern}{address}" for address in addresses_below(found))
        elif found.name != "unknown":
            yield str(found.pattern)


def test_a_request_tries_few_patterns_of_other_addresses() -> None:
    tried = resolve(f"{V1}/copies/{NOBODY}/answers").tried

    assert tried is not None
    assert 0 < len(tried) < 20


def test_every_address_has_a_row() -> None:
    addresses = set(routes())

    assert {address.rstrip("/") for address in addresses} == {row.address for row in ROWS} | PUBLIC
    assert {f"{address}/" for address in addresses if not address.endswith("/")} <= addresses


def test_every_method_that_is_served_has_a_row(subtests: pytest.Subtests, api: Api, s1: Sample) -> None:
    copy = start(api, s1)

    for row in ROWS:
        with subtests.test(str(row)):
            allowed = api.send("OPTIONS", f"/{row.path(copy['id'])}".partition("?")[0], b"")

            served = {method.strip() for method in allowed["Allow"].split(",")} - {"OPTIONS", "HEAD"}
            assert served == {found.method for found in ROWS if found.address == row.address}


def test_anonymous_callers_are_refused(subtests: pytest.Subtests, api: Api, s1: Sample) -> None:
    copy = start(api, s1)

    for row in ROWS:
        with subtests.test(str(row)):
            response = Client().generic(row.method, f"{V1}/{row.path(copy['id'])}", row.body, "application/json")

            assert_problem(response, 401, "not_authenticated")
            assert version_of(copy["id"]) == copy["version"]
    assert api.get(f"/copies/{copy['id']}").json() == copy


def test_another_tenant_finds_nothing(subtests: pytest.Subtests, api: Api, foreigner: Api, s1: Sample) -> None:
    copy = start(api, s1)
    endpoints = webhooks_of("harbor")

    for row in OF_ONE:
        with subtests.test(str(row)):
            response = foreigner.send(row.method, f"/{row.path(copy['id'])}", row.body)

            assert_problem(response, 404, "not_found")
            assert webhooks_of("harbor") == endpoints
            assert version_of(copy["id"]) == copy["version"]
    assert api.get(f"/copies/{copy['id']}").json() == copy


def test_a_caller_without_the_right_is_refused(
    subtests: pytest.Subtests, api: Api, harbor_client: ApiClient, s1: Sample
) -> None:
    copy = start(api, s1)

    for row in ROWS:
        limited = Api(harbor_client, [right for right in Right if right is not row.right])
        with subtests.test(str(row)):
            with capture_logs() as logs:
                response = limited.send(row.method, f"/{row.path(copy['id'])}", row.body)

            assert version_of(copy["id"]) == copy["version"]
            if row.right is None:
                assert response.status_code == 200
                continue
            assert row.right in assert_problem(response, 403, "missing_right")["detail"]
            assert [entry["status"] for entry in logs if entry["event"] == "audit.access_denied"] == [403]
    assert api.get(f"/copies/{copy['id']}").json() == copy


def test_head_needs_the_right_of_get(subtests: pytest.Subtests, api: Api, harbor_client: ApiClient, s1: Sample) -> None:
    copy = start(api, s1)

    for row in (row for row in ROWS if row.method == "GET"):
        limited = Api(harbor_client, [right for right in Right if right is not row.right])
        path = f"/{row.path(copy['id'])}"
        with subtests.test(str(row)):
            response = limited.send("HEAD", path, b"")

            assert response.status_code == (200 if row.right is None else 403)
            allowed = api.send("HEAD", path, b"")
            # The sample's copy has neither the question set nor the guest link of the rows.
            assert (allowed.status_code, allowed.content) == (
                404 if re.search("<slug:code>|<id:link_id>", row.address) else 200,
                b"",
            )


def test_a_session_writes_only_with_its_csrf_token(
    subtests: pytest.Subtests, api: Api, owner: User, s1: Sample
) -> None:
    copy = start(api, s1)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner, backend="tenants.backends.EmailBackend")

    for row in WRITES:
        with subtests.test(str(row)):
            response = browser.generic(row.method, f"{V1}/{row.path(copy['id'])}", row.body, "application/json")

            assert_problem(response, 403, "permission_denied")
            assert version_of(copy["id"]) == copy["version"]
    assert api.get(f"/copies/{copy['id']}").json() == copy


def test_a_session_reads_and_staff_have_none_here(owner: User, staff: User) -> None:
    browser = Client()
    browser.force_login(owner, backend="tenants.backends.EmailBackend")
    assert browser.get(f"{V1}/me").json()["label"] == "Ona Owner"

    browser.force_login(staff, backend="tenants.backends.EmailBackend")
    assert_problem(browser.get(f"{V1}/me"), 403, "permission_denied")


def test_hostile_json_is_refused(subtests: pytest.Subtests, api: Api) -> None:
    copy = api.post("/application_forms").json()

    for row in JSON_WRITES:
        # In the quick tier each endpoint gets a third of the bodies, and each body goes to a third of the endpoints.
        first, step = (0, 1) if IS_FULL else (WRITES.index(row) % 3, 3)
        with subtests.test(str(row)):
            for name, content in list(HOSTILE.items())[first::step]:
                response = api.send(row.method, f"/{row.path(copy['id'])}", content)

                assert response.status_code in (400, 413, 422), (name, response.content[:300])
                assert response["Content-Type"] == "application/problem+json", name
                assert json.loads(response.content)["status"] == response.status_code, name
            assert version_of(copy["id"]) == copy["version"]
    assert api.get(f"/copies/{copy['id']}").json() == copy
