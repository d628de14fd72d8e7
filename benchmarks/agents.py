"""The load test: 200 agents who answer one question every two seconds, with a socket open at each one's form, against
the whole product with real servers, all on this machine; then every ten seconds, which is the pace of the capacity
model and leaves the machine enough rest for its costs (``benchmarks.capacity``).

The form is the demo's sample of a restaurant. An agent saves as the form page does (parts of the page come back), or as
a program does (``PATCH``). What saves leave to the relay is done meanwhile, and must not pile up.
"""

from __future__ import annotations

import asyncio
import json
import math
import secrets
import time
from collections.abc import Sequence
from datetime import timedelta
from itertools import count, pairwise
from itertools import product as product_of
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.db import connection
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from actions.models import OutboxAction
from batch import service as batch
from benchmarks.agent_connections import Agent, Experienced, MakeRequest, work
from benchmarks.figures import Figure, figure, milliseconds
from benchmarks.forms import ACTOR
from benchmarks.live_listeners import socket_opening
from benchmarks.names import AGENTS, PACES, load_test
from benchmarks.rounds import say
from benchmarks.running_product import Product, machine_seconds, running
from catalogue.demo import load_demo_catalogue, read_samples
from partner_engine import socket_tickets
from tenants.access import Right, Role
from tenants.current_tenant import across_tenants
from tenants.models import ApiClient, Tenant, User

#: Seconds of one window; each window gives one percentile.
WINDOW: Final = 10.0
GOAL_MS: Final = 150
QUICK: Final = {"agents": 10, "paces": (0.5,), "window": 2.0}
WAYS: Final = ("form page", "PATCH")
_TENANTS: Final = 4
_PATIENCE: Final = 300.0
_PERCENTILES: Final = (50, 95, 99)
_ALL: Final = "all of these"
#: The question of each call, with its values as they are typed and as programs send them; they move prices and
#: conditions, or nothing else.
_ANSWERS: Final[tuple[tuple[str, tuple[Any, Any]], ...]] = (
    ("mqs_business_name", ("Copper Kettle LLC", "Copper Kettle Bistro LLC")),
    ("mqs_annual_revenue", (1_400_000, 1_250_000)),
    ("mqs_bop_deductible", ("d2500", "d1000")),
    ("mqs_full_time_emp", (9, 8)),
    ("mqs_ops_description", ("Restaurant for lunch and dinner.", "Restaurant for dinner and drinks.")),
    ("mqs_gl_liquor_pct", (24, 22)),
    ("mqs_bop_open_24h", (True, False)),
    ("mqs_gl_limit", ("l2m", "l1m")),
)
_numbers = count(1)


def measure(
    rounds: int,
    *,
    agents: int = AGENTS,
    paces: Sequence[float] = PACES,
    window: float = WINDOW,
    ways: Sequence[str] = WAYS,
) -> list[Figure]:
    """Return percentiles, faults and the use of the machine, of ``rounds`` windows for each pace and kind of agent."""
    figures: list[Figure] = []
    for every, way in product_of(paces, ways):
        forms = make_forms(agents)
        # The limits of a caller are counted, and too high to refuse anybody: all come from one address.
        with running(more={"RATE_LIMIT_FACTOR": "1000"}) as product:
            making = _typing if way == "form page" else _programs
            wait_for_relay()
            # Tickets of sockets are valid for half a minute.
            found = making(forms, product.ports)
            name = load_test(agents, every, way)
            figures += _run(found, product, name=name, every=every, window=window, windows=rounds)
    return figures


def _run(  # noqa: PLR0913 - the terms of one run
    agents: Sequence[Agent], product: Product, *, name: str, every: float, window: float, windows: int
) -> list[Figure]:
    used: list[dict[str, float]] = []
    waiting: list[float] = []

    def between(number: int) -> None:
        times = {"clock": time.monotonic(), "machine": machine_seconds(), "load generator": time.process_time()}
        used.append({**times, **product.processor_seconds()})
        waiting.append(_oldest_due())
        connection.close()
        say(f"window {number} of {windows}")

    found = asyncio.run(work(agents, every=every, window=window, windows=windows, between=between))
    shares = _shares(used[1:])
    failures = [reason for one in found for reason in one.failures]
    for reason in failures[:3]:
        say(reason)
    return [
        *(
            figure(f"{name}: p{percent}", "ms", _percentiles(found, percent), goal=f"<= {GOAL_MS}" * (percent == 95))
            for percent in _PERCENTILES
        ),
        figure(f"{name}: saves", "1/s", [one.saved / window for one in found]),
        figure(f"{name}: failed saves and lost sockets", "errors", [len(failures)], goal="<= 0"),
        figure(f"{name}: frames at the sockets per save", "frames", [one.frames / max(1, one.saved) for one in found]),
        figure(f"{name}: the oldest action that waits for the relay", "s", waiting[1:], goal="<= 5"),
        *(figure(f"{name}: processor time, {program}", "cores", values) for program, values in shares.items()),
        *(
            figure(f"{name}: processor time of a save, {program}", "ms", _per_save(shares[program], found, window))
            for program in product.processor_seconds()
        ),
        figure(
            f"{name}: processor time of a save, all that follows from it included",
            "ms",
            _per_save(shares[_ALL], found, window),
        ),
    ]


def _per_save(cores: Sequence[float], windows: Sequence[Experienced], window: float) -> list[float]:
    return [1_000 * used * window / max(1, one.saved) for used, one in zip(cores, windows, strict=True)]


def _percentiles(windows: Sequence[Experienced], percent: int) -> list[float]:
    return milliseconds(
        sorted(one.seconds)[math.ceil(percent / 100 * len(one.seconds)) - 1] for one in windows if one.seconds
    )


def _shares(used: Sequence[dict[str, float]]) -> dict[str, list[float]]:
    """Return how many cores each program kept busy in each window; the rest of the machine is not ours."""
    shares: dict[str, list[float]] = {}
    for before, after in pairwise(used):
        spent = {program: (after[program] - before[program]) / (after["clock"] - before["clock"]) for program in before}
        machine = spent.pop("machine")
        del spent["clock"]
        spent[_ALL] = sum(spent.values())
        spent["other work on this machine"] = max(0.0, machine - spent[_ALL])
        for program, value in spent.items():
            shares.setdefault(program, []).append(value)
    return shares


def _oldest_due() -> float:
    """Return for how many seconds the oldest due action waits."""
    with across_tenants(using="default"), connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(extract(epoch FROM now() - min(next_attempt_at)), 0)"  # noqa: S608 - our own name
            f" FROM {OutboxAction._meta.db_table} WHERE state = 'waiting' AND next_attempt_at <= now()"
        )
        return float(cursor.fetchone()[0])


def wait_for_relay() -> None:
    """Wait until the due actions have run: they are no part of what is measured. Raises ``TimeoutError``."""
    ends = time.monotonic() + _PATIENCE
    while _oldest_due() > 0:
        if time.monotonic() > ends:
            raise TimeoutError("Due actions were not run.")
        time.sleep(0.2)


def make_forms(agents: int) -> list[tuple[Tenant, UUID]]:
    """Return a form for each agent, with the answers of the demo's first sample, at a few tenants."""
    catalogue = load_demo_catalogue(actor_id="bench").catalogue.code
    forms: list[tuple[Tenant, UUID]] = []
    for _ in range(_TENANTS):
        number = next(_numbers)
        tenant = Tenant.objects.create(code=f"agents-{number}", name=f"Agency {number}", catalogue=catalogue)
        forms += [(tenant, copy_id) for copy_id in begin_forms(tenant, -(-agents // _TENANTS))]
    return forms[:agents]


def begin_forms(tenant: Tenant, number: int) -> list[UUID]:
    """Return so many new forms of ``tenant`` with the answers of the demo's first sample, begun in a month."""
    sample, begin = read_samples()[0], (timezone.now() + timedelta(days=30)).date().isoformat()
    answers = {**sample.answers, "mqs_effective_date": begin, "mqs_expiration_date": begin}
    found = []
    for _ in range(number):
        with batch.build_context(scope=tenant, actor=ACTOR, title="Base") as context:
            context.changeset.apply_answers(answers, sample.answer_pools)
            context.save()
            found.append(context.copy.id)
    return found


def _typing(forms: Sequence[tuple[Tenant, UUID]], ports: Sequence[int]) -> list[Agent]:
    """Return agents who type into the form page; each has a session."""
    agents = []
    for number, (tenant, copy_id) in enumerate(forms):
        port = ports[number % len(ports)]
        user = User.objects.create_user(
            f"agent{number}@{tenant.code}.example", role=Role.AGENT, tenant=tenant, full_name=f"Agent {number}"
        )
        client = Client()
        client.force_login(user, backend="tenants.backends.EmailBackend")
        session, token = client.session.session_key or "", secrets.token_hex(16)
        cookies = f"sessionid={session}; csrftoken={token}"
        head = _head("POST", f"/forms/{copy_id}/answers", port=port) + [
            f"Cookie: {cookies}", f"X-CSRFToken: {token}", f"Origin: http://127.0.0.1:{port}", "HX-Request: true",
            "Sec-Fetch-Site: same-origin", "Accept-Encoding: gzip", "Content-Type: application/x-www-form-urlencoded",
        ]  # fmt: skip
        opening = socket_opening(f"/ws/copies/{copy_id}/", port=port, cookie=session)
        agents.append(Agent(port=port, opening=opening, request=_typed(head)))
    return agents


def _typed(head: list[str]) -> MakeRequest:
    def request(call: int, version: int) -> bytes:
        code, value = answer_of(call)
        text = str(value).lower() if isinstance(value, bool) else str(value)
        body = urlencode({"answers": json.dumps({code: text})})
        return _request([*head, f"X-Copy-Version: {version}"], body)

    return request


def _programs(forms: Sequence[tuple[Tenant, UUID]], ports: Sequence[int]) -> list[Agent]:
    """Return programs that send answers, each with a token; a socket of each is opened by a ticket."""
    agents, tokens = [], [token_of(tenant) for tenant, _ in forms]
    for number, ((tenant, copy_id), (token, key)) in enumerate(zip(forms, tokens, strict=True)):
        port = ports[number % len(ports)]
        head = _head("PATCH", f"/api/v1/copies/{copy_id}/answers", port=port)
        head += [f"Authorization: Bearer {token}", "Content-Type: application/json"]
        ticket = socket_tickets.issue(tenant_id=tenant.id, kind="token", key=key)
        opening = socket_opening(f"/ws/copies/{copy_id}/?ticket={ticket}", port=port)
        agents.append(Agent(port=port, opening=opening, request=_sent(head)))
    return agents


def token_of(tenant: Tenant) -> tuple[str, str]:
    """Return a token of an API client of its own, with its key."""
    program = ApiClient.objects.create(
        name="Agents", tenant=tenant, allowed_scopes=list(Right), hash_client_secret=False
    )
    token, expires = secrets.token_urlsafe(24), timezone.now() + timedelta(hours=2)
    row = get_access_token_model().objects.create(
        token=token, application=program, expires=expires, scope=" ".join(Right)
    )
    return token, str(row.pk)


def _sent(head: list[str]) -> MakeRequest:
    def request(call: int, version: int) -> bytes:
        code, value = answer_of(call)
        return _request(head, json.dumps({"answers": {code: value}}))

    return request


def answer_of(call: int) -> tuple[str, Any]:
    """Return the question that an agent answers in the call of this number, with its value."""
    code, values = _ANSWERS[call % len(_ANSWERS)]
    return code, values[call // len(_ANSWERS) % 2]


def _head(method: str, path: str, *, port: int) -> list[str]:
    return [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]


def _request(head: list[str], body: str) -> bytes:
    return "\r\n".join([*head, f"Content-Length: {len(body)}", "", body]).encode()
