"""The capacity model: what agents need grows with them, and its simulation waits as queues do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.capacity import EVERY, USED, Costs, Need, costs_of, limits_table, need_of, needs_table, simulate

COSTS = Costs(
    web=0.01, page=0.02, database=0.004, relay=0.003, relay_database=0.002, redis=0.0005, commands=20, rows=2.5,
    wal=10_000, growth=5_000,
)  # fmt: skip


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
