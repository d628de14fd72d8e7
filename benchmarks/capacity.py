"""The capacity model: from what a save costs (``benchmarks.costs``), how many programs and servers so many agents need,
what is full first, and by a small simulation how long a save takes then.

It measures nothing itself. Its input are the stored figures; its tables are in docs/scaling.md.
"""

from __future__ import annotations

import heapq
import itertools
import json
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.figures import LATEST, Figure, figure, shown

#: Agents who work at the same time, each with an open form, and the seconds between two saves of one of them.
AGENTS: Final = (1_000, 100_000, 1_000_000)
EVERY: Final = 10.0
#: The share of its time for which a program or a core works at the busiest hour; above it, waiting grows fast.
USED: Final = 0.6
#: Cores of a PostgreSQL server, and the saves of a day: those of six hours at full load.
CORES: Final = 16
BUSY_SECONDS: Final = 6 * 3_600
#: Connections of a web process (its pool) and of a relay to one database, and what a server allows (docs/running.md).
POOL, RELAY_CONNECTIONS, ALLOWED = 10, 20, 500
#: Sockets that a web process of one core serves with ease beside its saves.
SOCKETS: Final = 1_000
#: Of the simulation: how many saves, and the most web processes; more of them are as many such cells.
SIMULATED: Final = 20_000
CELL: Final = 20


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What one save costs, in seconds of processor time, bytes, rows and commands."""

    web: float
    page: float
    database: float
    relay: float
    relay_database: float
    redis: float
    commands: float
    rows: float
    wal: float
    growth: float


@dataclass(frozen=True, kw_only=True)
class Need:
    """What so many agents need."""

    agents: int
    saves: float
    web: int
    relays: int
    servers: int
    cores: int
    redis: float


def measure(rounds: int) -> list[Figure]:
    """Return what one program or core bears, by the stored figures."""
    costs = costs_of(json.loads(LATEST.read_text(encoding="utf-8")))
    limits = {"web process, form page": costs.page, "web process, PATCH": costs.web, "relay": costs.relay}
    limits |= {"core of PostgreSQL": costs.database + costs.relay_database, "Redis": costs.redis}
    return [figure(f"capacity: saves per second of one {name}", "1/s", [1 / cost]) for name, cost in limits.items()]


def costs_of(figures: Sequence[Figure]) -> Costs:
    """Return the costs of a save from stored ``figures``. Raises ``KeyError`` with the name of a missing one."""
    values = {entry["name"]: float(entry["value"]) for entry in figures}

    def of(name: str) -> float:
        return values[f"cost of a save: {name}"]

    web = of("save: processor time of the program") / 1_000
    relay = of("relay: processor time of the program") / 1_000
    return Costs(
        web=web,
        page=web * values["one answer of 150: form page"] / values["one answer of 150: PATCH"],
        database=of("save: processor time of PostgreSQL") / 1_000,
        relay=relay,
        relay_database=of("relay: processor time of PostgreSQL") / 1_000,
        redis=(of("save: processor time of Redis") + of("relay: processor time of Redis")) / 1_000,
        commands=of("save: commands of Redis") + of("relay: commands of Redis"),
        rows=of("save: rows of the outbox"),
        wal=of("save: WAL") + of("relay: WAL"),
        growth=of("save: growth of all tables and indexes") + of("relay: growth of all tables and indexes"),
    )


def need_of(agents: int, costs: Costs) -> Need:
    """Return what ``agents`` need who use the form page."""
    saves = agents / EVERY
    cores = math.ceil(saves * (costs.database + costs.relay_database) / USED)
    return Need(
        agents=agents,
        saves=saves,
        web=max(2, math.ceil(saves * costs.page / USED), math.ceil(agents / SOCKETS)),
        relays=max(2, math.ceil(saves * costs.relay / USED)),
        servers=math.ceil(cores / CORES),
        cores=cores,
        redis=saves * costs.redis,
    )


def simulate(need: Need, costs: Costs, *, seed: int = 1) -> list[float]:
    """Return the seconds that saves take, sorted: of one cell of the web processes of ``need`` with its share of the
    cores. Each save works in its web process, then in the database, then in its web process again; agents save
    independently, and the costs of single saves vary exponentially.
    """
    random_ = random.Random(seed)
    web = min(CELL, need.web)
    rate = need.saves * web / need.web
    cores = [0.0] * max(1, round(need.cores * web / need.web))
    free = [0.0] * web
    taken: list[float] = []
    steps: list[tuple[float, int, int, float, int]] = []
    order, arrivals = itertools.count(), _arrivals(random_, rate)
    for begins in itertools.islice(arrivals, SIMULATED):
        heapq.heappush(steps, (begins, next(order), 0, begins, random_.randrange(web)))
    while steps:
        now, _, step, begins, process = heapq.heappop(steps)
        if step == 1:
            core = heapq.heappop(cores)
            ends = max(now, core) + random_.expovariate(1 / costs.database)
            heapq.heappush(cores, ends)
        else:
            ends = max(now, free[process]) + random_.expovariate(2 / costs.page)
            free[process] = ends
        if step == 2:
            taken.append(ends - begins)
        else:
            heapq.heappush(steps, (ends, next(order), step + 1, begins, process))
    return sorted(taken)


def needs_table(figures: Sequence[Figure]) -> list[tuple[str, ...]]:
    """Return the table of what numbers of agents need, with its heads; empty while the costs are not measured."""
    try:
        costs = costs_of(figures)
    except KeyError:
        return []
    rows = [
        ("agents at work", "saves/s", "web processes", "relays", "cores of PostgreSQL", "servers of 16 cores",
         "Redis, cores", "Redis, commands/s", "outbox, rows/s", "WAL, MB/s", "growth, GB a day", "save p50 / p95"),
    ]  # fmt: skip
    for agents in AGENTS:
        need = need_of(agents, costs)
        times = simulate(need, costs)
        p50, p95 = (1_000 * times[round(len(times) * part)] for part in (0.5, 0.95))
        growth = need.saves * costs.growth * BUSY_SECONDS / 1e9
        rows.append(
            (
                f"{agents:,}", shown(need.saves), f"{need.web:,}", f"{need.relays:,}", f"{need.cores:,}",
                f"{need.servers:,}", shown(need.redis), shown(need.saves * costs.commands),
                shown(need.saves * costs.rows), shown(need.saves * costs.wal / 1e6), shown(growth),
                f"{p50:.0f} / {p95:.0f} ms",
            )
        )  # fmt: skip
    return rows


def limits_table(figures: Sequence[Figure]) -> list[tuple[str, ...]]:
    """Return what is full first where one of each part runs, with its heads; empty while the costs are not measured."""
    try:
        costs = costs_of(figures)
    except KeyError:
        return []
    limits = {
        "web process (one core), form page": USED / costs.page,
        "web process, PATCH": USED / costs.web,
        "relay (one core)": USED / costs.relay,
        f"PostgreSQL server of {CORES} cores": CORES * USED / (costs.database + costs.relay_database),
        "Redis (one core)": USED / costs.redis,
    }
    rows = [("one", "saves/s", f"agents with a save each {EVERY:g} s")]
    for name, saves in sorted(limits.items(), key=lambda limit: limit[1]):
        rows.append((name, shown(saves), f"{round(saves * EVERY):,}"))
    return rows


def _arrivals(random_: random.Random, rate: float) -> Iterator[float]:
    now = 0.0
    while True:
        now += random_.expovariate(rate)
        yield now
