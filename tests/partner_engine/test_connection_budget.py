"""The connections of all processes against the limit of each server."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from partner_engine import connection_budget
from partner_engine.connection_budget import check_connection_budget, limit_of, needs, overdrawn
from partner_engine.environment import Processes
from tests.harness.cast import SECOND_DATABASE

BOTH = ["default", SECOND_DATABASE]
DATABASES: dict[str, dict[str, Any]] = {
    "default": {"HOST": "one.example", "PORT": 5432},
    "summit": {"HOST": "two.example", "PORT": "6432"},
    "harbor": {"HOST": "one.example", "PORT": ""},
}


def test_each_server_has_the_sum_of_its_databases() -> None:
    processes = Processes(web=4, relay=2, worker=8, web_pool=10)

    one, two = needs(DATABASES, processes=processes, sweeps=6)

    assert (one.server, one.aliases, one.connections) == ("one.example:5432", ("default", "harbor"), 2 * 70 + 5)
    assert (two.server, two.aliases, two.connections) == ("two.example:6432", ("summit",), 70 + 5)
    assert one.sentence(145) == ""
    assert one.sentence(97) == (
        "The PostgreSQL server one.example:5432 allows 97 connections, but this installation may open 145: 4 web x 10 +"
        " 2 relay x 7 + 8 worker x 2 = 70 for each of 2 databases (default, harbor), and 5 to spare."
    )


def test_a_web_process_without_a_pool_counts_for_many() -> None:
    (need,) = needs({"default": {}}, processes=Processes(web=1, relay=0, worker=0, web_pool=0), sweeps=6)

    assert (need.server, need.connections) == ("localhost:5432", 20 + 5)


@pytest.mark.django_db(databases=BOTH)
def test_too_many_processes_are_a_warning_and_a_note_of_readiness(client: Client, settings: Any) -> None:
    connection_budget._Memory.read_at = float("-inf")
    assert overdrawn() == []
    settings.PROCESSES = replace(settings.PROCESSES, web=200)

    try:
        (warning,) = check_connection_budget(databases=BOTH)
        connection_budget._Memory.read_at = float("-inf")
        told = client.get("/readyz")
    finally:
        connection_budget._Memory.read_at = float("-inf")

    assert warning.id == "partner_engine.W012"
    assert f"allows {limit_of('default')} connections, but this installation may open" in warning.msg
    assert told.json()["notes"] == [warning.msg]
    assert (told.status_code, told.json()["status"]) == (200, "ready")
    settings.PROCESSES = replace(settings.PROCESSES, is_pooled_outside=True)
    assert check_connection_budget(databases=BOTH) == []
