"""Whatever schemathesis makes of the committed description, the running API responds as described: no 5xx, documented
statuses, bodies and headers, valid requests accepted, invalid ones refused, nothing without credentials.

Each part of the operations is one test, so that a part has objects of its own. ``SCHEMATHESIS_SEED`` and
``SCHEMATHESIS_EXAMPLES`` (random requests per operation) search elsewhere, and longer. What is left out is in
``schemathesis.toml``, with the reasons; the values that exist come from ``schemathesis_hooks.py``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest

from catalogue.demo import Sample
from catalogue.models import Release
from tenants.access import system_actor
from tenants.models import ApiClient, Tenant, User
from tests.harness.api_client import Api
from tests.harness.bindings import offer
from tests.harness.quoted_forms import SIGNATURE
from tests.harness.web_servers import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
CONFIG: Final = Path(__file__).with_name("schemathesis.toml")
DESCRIPTION: Final = ROOT / "docs" / "openapi.json"
SEED: Final = os.environ.get("SCHEMATHESIS_SEED", "20261129")
EXAMPLES: Final = os.environ.get("SCHEMATHESIS_EXAMPLES", "8")
#: The tags with many operations; all others are one part.
LARGE: Final = ("application_forms", "batch_operations", "copies", "quote_requests")
CARRIERS: Final = system_actor("carriers")
FILE: Final = b"Who,What\nVellichor Bistro,llc\n"


@pytest.fixture
def api(demo: Release, web_server: int, harbor_client: ApiClient, owner: User) -> Api:
    return Api(harbor_client)


def created(api: Api, path: str, body: Any) -> Any:
    response = api.post(path, body)
    assert response.status_code in (200, 201, 202), response.content
    return response.json()


def values_of_forms(api: Api, copy: str) -> dict[str, list[Any]]:
    """Return ids of a form, of its attached records, and of forms and copies that may be deleted or locked."""
    second = created(api, f"/application_forms/{copy}/copies", {"title": "Second"})["id"]
    spent = [created(api, "/application_forms", {"title": "Spent"})["id"] for _ in range(3)]
    messages = [
        created(api, f"/copies/{copy}/messages", {"text": "Call back", "severity": "task"})["id"] for _ in range(3)
    ]
    links = [created(api, f"/copies/{copy}/guest_links", {})["id"] for _ in range(3)]
    records = {"message_id": messages[:1], "message_id.spent": messages[1:], "link_id": links[:1]}
    ids = {"id": [copy], "id.spent": spent, **records, "link_id.spent": links[1:]}
    return {
        **{
            f"path {resource}.{name}": values
            for resource in ("copies", "application_forms")
            for name, values in ids.items()
        },
        "query with": [second],
        "body from": [second],
        "body from_copy": [copy],
        "body other": [second],
    }


def values_of_quotes(api: Api, copy: str, harbor: Tenant) -> dict[str, list[Any]]:
    """Return ids of a quote with a condition, and of a request to be withdrawn."""
    quote = offer(UUID(copy), scope=harbor, actor=CARRIERS, product="QM-BOP", premium=2451, subjectivities=(SIGNATURE,))
    (subjectivity,) = api.get(f"/quote_requests/{quote}").json()["subjectivities"]
    (request,) = created(api, f"/copies/{copy}/quote_requests", {"products": ["LF-BOP"]})["requested"]
    return {
        "path quote_requests.id": [str(quote)],
        "path quote_requests.id.spent": [request["id"]],
        "path quote_requests.subjectivity_id": [subjectivity["id"]],
    }


def values_of_others(api: Api, copy: str) -> dict[str, list[Any]]:
    hook = {"url": "https://partner.example.com/hooks", "event_types": ["*"]}
    endpoints = [created(api, "/webhook_endpoints", hook)["id"] for _ in range(3)]
    order = {"kind": "set_answers", "items": [{"id": copy}], "arguments": {"answers": {"mqs_mail_city": "Austin"}}}
    operations = [created(api, "/batch_operations", order)["id"] for _ in range(3)]
    return {
        "path webhook_endpoints.id": endpoints[:1],
        "path webhook_endpoints.id.spent": endpoints[1:],
        "path batch_operations.id": operations[:1],
        "path batch_operations.id.spent": operations[1:],
    }


@pytest.fixture
def values(api: Api, s1: Sample, harbor: Tenant) -> dict[str, list[Any]]:
    """Return what exists and means something, by place and name."""
    copy = api.start(s1)["id"]
    return {
        **values_of_forms(api, copy),
        **values_of_quotes(api, copy, harbor),
        **values_of_others(api, copy),
        "path copies.code": ["qs_cyber"],
        "path application_forms.code": ["qs_cyber"],
        "query quote_requests.state": ["quoted,selected"],
        "query batch_operations.content": ["false"],
        "query target": ["product:QM-BOP", "question:mqs_fein", "premium:QM-BOP"],
        "query cursor": [""],
        "query after": [""],
        "query types": ["answers.changed"],
        "query owner": [""],
        "query fields": [""],
        "query answers": ['{"mqs_naics": "722511"}'],
        "query answer_pools": ["{}"],
        "query mapping": ["null"],
        "query options": ["{}"],
        "body path": ["mqs_fein", "mqs_gl_limit", "mqs_mail_zip"],
        "body code": ["qs_cyber"],
    }


def run(arguments: list[str], api: Api, port: int, values: dict[str, list[Any]], folder: Path) -> tuple[int, str]:
    """Run the program on a part of the operations; return its exit status and what it printed."""
    known = folder / "values.json"
    known.write_text(json.dumps(values), encoding="utf-8")
    report = os.environ.get("SCHEMATHESIS_REPORT", str(folder / "events.ndjson"))
    program = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run", str(DESCRIPTION)]
    done = subprocess.run(
        [
            *program, *arguments, "--url", f"http://127.0.0.1:{port}", "--header", f"Authorization: Bearer {api.token}",
            "--seed", SEED, "--max-examples", EXAMPLES, "--report", "ndjson", "--report-ndjson-path", report,
        ],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "COLUMNS": "160", "SCHEMATHESIS_VALUES": str(known)},
    )  # fmt: skip
    return done.returncode, done.stdout[-60_000:] + done.stderr[-4_000:]


@pytest.mark.parametrize("part", [*LARGE, "others"])
def test_the_api_is_as_described(
    api: Api, web_server: int, values: dict[str, list[Any]], tmp_path: Path, part: str
) -> None:
    arguments = (
        [word for tag in LARGE for word in ("--exclude-tag", tag)] if part == "others" else ["--include-tag", part]
    )

    status, printed = run(arguments, api, web_server, values, tmp_path)

    assert status == 0, printed
