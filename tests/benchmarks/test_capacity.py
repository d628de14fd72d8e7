"""The capacity model: what agents need grows with them, and its simulation waits as queues do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.capacity import (
    EVERY,
    USED,
    Costs,
    Need,
    costs_of,
    inputs_of,
    limits_table,
    need_of,
    needs_table,
    simulate,
)
from benchmarks.figures import Figure, figure, marked

COSTS = Costs(
    web=0.01, page=0.02, database=0.004, relay=0.003, relay_database=0.002, redis=0.0005, commands=20, rows=2.5,
    wal=10_000, growth=5_000,
)  # fmt: skip
#: Figures of ``costs`` and ``requesting`` by which the form page takes a web process 20 ms and Redis 0.6 ms.
MEASURED: list[Figure] = marked(
    [
        *(
            figure(f"cost of a save: {part}: {name}", "", [value])
            for part, times in {"save": (10, 4, 0.5), "relay": (3, 2, 0.1)}.items()
            for name, value in {
                "processor time of the program": times[0], "processor time of PostgreSQL": times[1],
                "processor time of Redis": times[2], "commands of Redis": 10, "WAL": 5_000,
                "growth of all tables and indexes": 2_000,
            }.items()
        ),
        figure("cost of a save: save: rows of the outbox", "", [2.5]),
        figure("one answer of 150: form page", "ms", [16]),
        figure("one answer of 150: PATCH", "ms", [8]),
    ],
    measured="2026-01-31",
    load=0.5,
)  # fmt: skip
LOADED: list[Figure] = marked(
    [
        figure("200 agents, a save each 10 s by form page: processor time of a save, web", "ms", [30]),
        figure("200 agents, a save each 10 s by PATCH: processor time of a save, web", "ms", [15]),
        figure("200 agents, a save each 10 s by form page: processor time of a save, worker", "ms", [6]),
    ],
    measured="2026-02-28",
    load=1.5,
)


def test_more_agents_need_more_of_everything_and_none_is_used_above_its_part() -> None:
    few, many = need_of(1_000, COSTS), need_of(100_000, COSTS)

    assert (few.saves, many.saves) == (1_000 / EVERY, 100_000 / EVERY)
    for need in (few, many):
        assert need.saves * COSTS.page / need.web <= USED
        assert need.saves * (COSTS.database + COSTS.relay_database) / need.cores <= USED
        assert need.saves * COSTS.relay / need.relays <= USED
    assert 80 < many.web / few.web <= 100


def test_agents_who_save_seldom_need_processes_for_their_sockets() -> None:
    assert need_of(10_000, replace(COSTS, page=0.0001)).web == 10


def test_the_simulation_takes_the_work_alone_where_nobody_waits_and_more_where_many_do() -> None:
    def median(saves: float) -> float:
        need = Need(agents=1, saves=saves, web=2, relays=2, servers=1, cores=4, redis=0)
        times = simulate(need, COSTS)
        return times[len(times) // 2]

    alone, busy, full = (median(saves) for saves in (0.1, 60, 97))

    assert alone == pytest.approx(COSTS.page + COSTS.database, rel=0.2)
    assert 1.2 * alone < busy < full


def test_the_tables_need_the_costs_of_a_save() -> None:
    with pytest.raises(KeyError, match="cost of a save"):
        costs_of([])
    assert needs_table([]) == limits_table([]) == []


def test_an_installation_ends_at_its_one_core_of_redis() -> None:
    bears = round(USED / COSTS.redis * EVERY)

    assert [need_of(agents, COSTS).installations for agents in (bears, bears + 1, 9 * bears)] == [1, 2, 9]
    for agents in (bears, bears + 1, 1_000_000):
        need = need_of(agents, COSTS)
        assert need.redis / need.installations <= USED + 1e-9
        assert need.servers >= need.installations


def test_a_tenant_is_no_larger_than_its_installation_and_its_server() -> None:
    agents = {row[0]: row[2] for row in limits_table(MEASURED)[1:]}

    assert agents["Redis (one core)"] == agents["installation with one tenant"] == "10,000"
    assert agents["PostgreSQL server of 16 cores"] == "16,000"
    assert [row[2] for row in needs_table(MEASURED)[1:]] == ["1", "1", "10", "100"]


def test_costs_of_web_processes_and_workers_come_from_the_load_test_where_it_has_run() -> None:
    alone, loaded = costs_of(MEASURED), costs_of([*MEASURED, *LOADED])

    assert (alone.web, alone.page, alone.worker) == (0.01, 0.02, 0)
    assert (loaded.web, loaded.page, loaded.worker) == (0.015, 0.03, 0.006)
    assert need_of(1_000, alone).workers == 0 < need_of(1_000, loaded).workers


def test_the_page_says_where_the_costs_come_from_and_what_is_left_out() -> None:
    alone, loaded = ("\n".join(inputs_of(figures)) for figures in (MEASURED, [*MEASURED, *LOADED]))

    assert "2026-01-31, load average 0.5" in alone
    assert "Left out" in alone
    assert "not measured" in needs_table(MEASURED)[1]
    assert "2026-02-28, load average 1.5" in loaded
    assert "Left out" not in loaded
    assert "not measured" not in needs_table([*MEASURED, *LOADED])[1]
