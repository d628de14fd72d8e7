"""Measures the time from a save's commit to the frame at 200 sockets, against bare Redis publish/subscribe.

One server process has the sockets; one process listens to them and to as many bare subscriptions, in rounds of both.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.test import Client
from django_redis import get_redis_connection

from batch import service as batch
from batch.changes.records import PlannedSave
from batch.effects import after_commit
from benchmarks.figures import Figure, figure, milliseconds
from benchmarks.forms import ACTOR, SavedForm, Size, save_form
from benchmarks.live_listeners import Way, listen, socket_opening
from benchmarks.rounds import ratios, say
from partner_engine.live.publisher import publish
from partner_engine.live.viewers import MAX_SOCKETS
from tenants.access import Role
from tenants.models import Tenant, User

SOCKETS: Final = 200
MANY_SOCKETS: Final = 1_000
#: Messages of a turn, and the pause between them, in seconds: one form is saved by hand, not faster.
MESSAGES: Final = 20
PAUSE: Final = 0.05
CHANGED: Final = 5
SIZE: Final = Size(answers=500, rules=200)
QUICK: Final = {"size": Size(answers=60, rules=20), "sockets": 5, "many": 10, "messages": 2}
CHANNEL: Final = "partner_engine.bench"

#: version -> time of its commit or publication
Begun = dict[int, float]


def measure(
    rounds: int, *, size: Size = SIZE, sockets: int = SOCKETS, many: int = MANY_SOCKETS, messages: int = MESSAGES
) -> list[Figure]:
    """Return p50 and p99 over all sockets and messages of each round, of both ways, and their ratio; with few and with
    many sockets.
    """
    few = _measure(rounds, size=size, sockets=sockets, messages=messages, goals=("<= 15", "<= 50", "<= 1.5"))
    return few + _measure(rounds, size=size, sockets=many, messages=messages, goals=("", "<= 40", ""))


def _measure(rounds: int, *, size: Size, sockets: int, messages: int, goals: tuple[str, str, str]) -> list[Figure]:
    form = save_form(size)
    ours: dict[str, list[float]] = {"p50": [], "p99": []}
    bare: dict[str, list[float]] = {"p50": [], "p99": []}
    with _server() as port, _listeners(form, port=port, sockets=sockets) as pipe:
        for number in range(rounds + 1):
            turns: list[tuple[str, Callable[[], Begun], dict[str, list[float]]]] = [
                ("sockets", lambda: _save(form, messages), ours),
                ("redis", lambda: _publish(form, messages), bare),
            ]
            for way, turn, kept in turns[:: 1 if number % 2 else -1]:
                took = _took(turn(), pipe, way=way, sockets=sockets)
                if number:  # the first round only warms up
                    kept["p50"].append(statistics.median(took))
                    kept["p99"].append(statistics.quantiles(took, n=100)[98])
            say(f"round {number} of {rounds}")
    return [
        figure(f"commit to frame, {sockets} sockets, p50", "ms", milliseconds(ours["p50"]), goal=goals[0]),
        figure(f"commit to frame, {sockets} sockets, p99", "ms", milliseconds(ours["p99"]), goal=goals[1]),
        figure(f"bare Redis publish to {sockets} subscriptions, p50", "ms", milliseconds(bare["p50"])),
        figure(f"bare Redis publish to {sockets} subscriptions, p99", "ms", milliseconds(bare["p99"])),
        figure(
            f"commit to frame, {sockets} sockets / bare Redis publish/subscribe, p50",
            "x",
            ratios(ours["p50"], bare["p50"]),
            goal=goals[2],
        ),
    ]


def _save(form: SavedForm, messages: int) -> Begun:
    """Save repeatedly; live updates are published from this process, as from any process that saves."""
    begun: Begun = {}

    def publish_timed(saves: Sequence[PlannedSave]) -> None:
        begun[saves[0].result.version] = time.monotonic()
        publish(saves)

    with _published_by(publish_timed):
        for _ in range(messages):
            with batch.find_and_lock(form.id, scope=form.tenant, actor=ACTOR) as context:
                given = form.changes(CHANGED, variant=context.version)
                context.changeset.apply_answers(given["answers"], given["answer_pools"])
                context.save()
            time.sleep(PAUSE)
    return begun


def _publish(form: SavedForm, messages: int) -> Begun:
    redis, begun = get_redis_connection("default"), {}
    # About as much as a frame of ours holds.
    filling = "x" * 1_000
    for number in range(messages):
        begun[number] = time.monotonic()
        redis.publish(CHANNEL, json.dumps({"filling": filling}) + f'"version":{number}')
        time.sleep(PAUSE)
    return begun


def _took(begun: Begun, pipe: Connection, *, way: str, sockets: int) -> list[float]:
    """Return the seconds that each message took to each socket. Raises where one did not arrive."""
    time.sleep(0.3)
    pipe.send(True)
    found = pipe.recv()[way]
    took = [at - begun[version] for arrivals in found for version, at in arrivals if version in begun]
    assert len(took) == sockets * len(begun), f"{len(took)} of {sockets * len(begun)} messages came"
    return took


@contextmanager
def _published_by(publisher: after_commit.Publisher) -> Iterator[None]:
    after_commit._registered[:] = [publisher]
    try:
        yield
    finally:
        after_commit._registered[:] = [publish]


@contextmanager
def _listeners(form: SavedForm, *, port: int, sockets: int) -> Iterator[Connection]:
    cookies = [_session(form.tenant, number) for number in range(-(-sockets // MAX_SOCKETS))]
    path = f"/ws/copies/{form.id}/"
    redis = urlsplit(settings.REDIS_URL)
    sign_in = f"AUTH {unquote(redis.password)}\r\n" if redis.password else ""
    ways: dict[str, Way] = {
        "sockets": Way(
            host="127.0.0.1",
            port=port,
            openings=tuple(
                socket_opening(path, port=port, cookie=cookies[number // MAX_SOCKETS]) for number in range(sockets)
            ),
            greeting=b'"snapshot"',
        ),
        "redis": Way(
            host=redis.hostname or "127.0.0.1",
            port=redis.port or 6379,
            openings=(f"{sign_in}SUBSCRIBE {CHANNEL}\r\n".encode(),) * sockets,
            greeting=b"subscribe",
        ),
    }
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=listen, args=(ways, there), daemon=True, name="listeners")
    process.start()
    try:
        if not here.poll(240):
            raise TimeoutError("The sockets did not open.")
        here.recv()
        # Each new socket is announced to the earlier ones; wait for these messages.
        time.sleep(1)
        yield here
    finally:
        here.send(False)
        process.join(10)
        process.kill()


def _session(tenant: Tenant, number: int) -> str:
    email = f"listener{number}@{tenant.code}.example"
    user = User.objects.create_user(email, role=Role.AGENT, tenant=tenant, full_name=f"Listener {number}")
    client = Client()
    client.force_login(user, backend="tenants.backends.EmailBackend")
    return client.session.session_key or ""


@contextmanager
def _server() -> Iterator[int]:
    """Run one web server process; yield its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    arguments: list[Any] = ["-m", "uvicorn", "partner_engine.asgi:application", "--port", str(port)]
    server = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, *arguments, "--log-level", "warning", "--no-access-log"],
        cwd=Path(__file__).parents[1],
        # The limit of sockets of one address would refuse most of them.
        env={**os.environ, "LOG_LEVEL": "ERROR", "RATE_LIMIT_FACTOR": "0"},
    )
    try:
        for _ in range(400):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                time.sleep(0.1)
            else:
                break
        yield port
    finally:
        server.terminate()
        server.wait(20)
