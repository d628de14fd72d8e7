"""The proxy counts round trips on the wire, and adds the requested delay."""

import time
from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection

from benchmarks.proxy import Proxy

DELAY = 0.02


@pytest.fixture
def server(db: None) -> dict[str, str]:
    settings = connection.settings_dict
    return {
        "user": settings["USER"],
        "password": settings["PASSWORD"],
        "dbname": settings["NAME"],
        "host": settings["HOST"],
        "port": settings["PORT"],
    }


@pytest.fixture
def counting(server: dict[str, str]) -> Iterator[tuple[Proxy, psycopg.Connection]]:
    with Proxy(server["host"], int(server["port"])) as proxy:
        # Without a setting for encryption, so that the proxy gets the request for it too.
        with psycopg.connect(**{**server, "port": str(proxy.port)}, autocommit=True) as through:
            yield proxy, through


def test_each_statement_is_a_round_trip(counting: tuple[Proxy, psycopg.Connection]) -> None:
    proxy, through = counting
    before = proxy.counts.read()

    for _ in range(3):
        through.execute("SELECT 1")

    assert [now - then for now, then in zip(proxy.counts.read(), before, strict=True)] == [3, 3]


def test_large_answers_and_questions_are_one_round_trip(counting: tuple[Proxy, psycopg.Connection]) -> None:
    proxy, through = counting
    before = proxy.counts.read()

    # A server's message, in many pieces, whose content looks like ends of messages.
    found = through.execute("SELECT repeat('Z', 3000000), length(%s)", ["Z" * 3_000_000]).fetchone()

    assert found == ("Z" * 3_000_000, 3_000_000)
    assert [now - then for now, then in zip(proxy.counts.read(), before, strict=True)] == [1, 1]


def test_pipeline_is_one_round_trip(counting: tuple[Proxy, psycopg.Connection]) -> None:
    proxy, through = counting
    before = proxy.counts.read()[0]

    with through.pipeline():
        for _ in range(5):
            through.execute("SELECT 1")

    assert proxy.counts.read()[0] - before == 1


def test_delay_is_added_to_each_round_trip(server: dict[str, str]) -> None:
    with (
        Proxy(server["host"], int(server["port"]), delay=DELAY) as proxy,
        psycopg.connect(**{**server, "port": str(proxy.port)}, sslmode="disable", autocommit=True) as through,
    ):
        began = time.perf_counter()
        for _ in range(3):
            through.execute("SELECT 1")
        taken = time.perf_counter() - began

    assert taken >= 3 * DELAY
