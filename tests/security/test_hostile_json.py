"""Hostile bodies at every endpoint of the API that takes one (F22): a 4xx problem, and no row changed.

The corpus of ``test_routes`` and more; the addresses come from the resolver, so new endpoints are included.
"""

from __future__ import annotations

import hashlib
import json
from typing import Final

import pytest
from django.apps import apps
from django.db import connection

from catalogue.demo import Sample
from partner_engine.api.http import endpoint
from tenants.current_tenant import across_tenants
from tests.harness.api_client import Api
from tests.harness.tiers import amount
from tests.partner_engine.api.test_routes import HOSTILE, JSON_WRITES, PUBLIC, routes

pytestmark = pytest.mark.django_db

NAME: Final = b'{"title": "%s", "answers": {"mqs_business_name": "%s"}}'
MORE: Final = {
    "blanks": b" \n\t ",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"title": "x"}'.encode("utf-16"),
    "UTF-32": '{"title": "x"}'.encode("utf-32-le"),
    "Latin-1": NAME % (b"Caf\xe9", b"Caf\xe9"),
    "an overlong NUL": NAME % (b"\xc0\x80", b"\xc0\x80"),
    "surrogates in UTF-8": NAME % (b"\xed\xa0\xbd\xed\xb8\x80", b"\xed\xa0\xbd\xed\xb8\x80"),
    "beyond Unicode": NAME % (b"\xf4\x90\x80\x80", b"\xf4\x90\x80\x80"),
    "a surrogate the wrong way round": NAME % (b"\\ude00\\ud83d", b"\\ude00\\ud83d"),
    "a raw line feed in a text": NAME % (b"a\nb", b"a\nb"),
    "an unknown escape": NAME % (b"\\x41", b"\\x41"),
    "something after it": b"{} {}",
    "a comment": b"{/* */}",
    "a trailing comma": b'{"title": "x",}',
    "single quotes": b"{'title': 'x'}",
    "a key without quotes": b'{title: "x"}',
    "a hexadecimal number": b'{"answers": {"mqs_annual_revenue": 0x10}}',
    "a leading zero": b'{"answers": {"mqs_annual_revenue": 010}}',
    "a leading plus": b'{"answers": {"mqs_annual_revenue": +1}}',
    "the number 1e309": b'{"answers": {"mqs_annual_revenue": 1e309}}',
    "2^1024": b'{"answers": {"mqs_annual_revenue": ' + str(2**1024).encode() + b"}}",
    "-2^63-1": b'{"answers": {"mqs_annual_revenue": -9223372036854775809}}',
    "duplicate keys by escape": b'{"title": "a", "titl\\u0065": "b"}',
    "duplicate keys in a row": b'{"answer_pools": {"locations": [{"answers": {}, "answers": {}}]}}',
    "NUL in a row": b'{"answer_pools": {"locations": [{"answers": {"mqs_loc_street": "\\u0000"}}]}}',
    "NUL in a row's id": b'{"answer_pools": {"locations": [{"id": "\\u0000"}]}}',
    "NUL in a path": b'{"path": "\\u0000", "reason": "\\u0000"}',
    "a pool in a pool in a pool": b'{"answer_pools": {"locations": [' * 20 + b"]}}" * 20,
    "20,000 keys": json.dumps({f"key {number}": number for number in range(20_000)}).encode(),
    "a key of a megabyte": b'{"' + b"k" * 1_000_000 + b'": 1}',
    "10 MB of blanks": b" " * 10_000_000,
    "10 MB of lists": b"[" * 5_000_000 + b"]" * 5_000_000,
    "10 MB of objects": b'{"a":' * 2_000_000,
}
#: The rows that a refused request may write.
TRACES: Final = frozenset({"tenants_apiclient", "django_session"})


def state() -> dict[str, tuple[int, str]]:
    """Return a sum over each table's rows."""
    sums = {}
    with across_tenants(using="default"), connection.cursor() as cursor:
        for table in sorted({model._meta.db_table for model in apps.get_models()} - TRACES):
            cursor.execute(f'SELECT row::text FROM "{table}" row ORDER BY 1')  # noqa: S608 - the table's name is ours
            rows = [text for (text,) in cursor.fetchall()]
            sums[table] = (len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest())
    return sums


def accepted(api: Api, copy: str, corpus: dict[str, bytes], *, each: int = 1) -> list[str]:
    """Send the corpus everywhere, or each body to every ``each``-th endpoint only, so that each endpoint gets as many
    of them; return the requests that were not refused, and whether a row changed.
    """
    wrong, before = [], state()
    for place, row in enumerate(JSON_WRITES):
        for number, (name, content) in enumerate(corpus.items()):
            if (place + number) % each:
                continue
            response = api.send(row.method, f"/{row.path(copy)}", content)
            is_problem = response.get("Content-Type") == "application/problem+json"
            if response.status_code not in (400, 413, 422) or not is_problem:
                wrong.append(f"{row}, {name}: {response.status_code} {response.content[:200]!r}")
    after = state()
    return wrong + [f"{table} changed" for table in before if before[table] != after[table]]


def test_the_addresses_are_those_of_the_resolver() -> None:
    addresses = {address.rstrip("/") for address in routes()} - PUBLIC

    assert {row.address for row in JSON_WRITES} <= addresses
    assert len(JSON_WRITES) >= 10


def test_no_endpoint_accepts_a_hostile_body(api: Api, s1: Sample) -> None:
    copy = api.start(s1)

    assert accepted(api, copy["id"], HOSTILE | MORE, each=amount(16, full=1)) == []


def test_a_lenient_reader_is_detected(api: Api, s1: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = api.start(s1)
    monkeypatch.setattr(endpoint, "parse", json.loads)

    found = accepted(api, copy["id"], {name: HOSTILE[name] for name in ("NUL", "lone surrogate", "duplicate keys")})

    assert len(found) >= 3
