"""The capacity model: from what a save costs (``benchmarks.costs``), how many programs and servers so many agents need,
what is full first, and by a small simulation how long a save takes then.

It measures nothing itself. Its input are the stored figures; its tables are in docs/scaling.md. An installation ends at
its first part of which it can have only one: Redis, and for one tenant its PostgreSQL server.
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

from benchmarks.figures import LATEST, Figure, circumstances, figure, shown
from benchmarks.names import AGENTS as LOAD_AGENTS
from benchmarks.names import PACES, load_test

#: Agents who work at the same time, each with an open form, and the seconds between two saves of one of them.
AGENTS: Final = (1_000, 10_000, 100_000, 1_000_000)
EVERY: Final = PACES[-1]
#: The share of its time for which a program or a core works at the busiest hour; above it, waiting grows fast.
USED: Final = 0.6
#: Cores of a PostgreSQL server, and the saves of a day: those of six hours at full load.
CORES: Final = 16
BUSY_SECONDS: Final = 6 * 3_600
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
    #: Of Celery workers; 0 while the load test has not measured it.
    worker: float = 0.0

    @property
    def server(self) -> float:
        """Return the saves per second of one PostgreSQL server."""
        return CORES * USED / (self.database + self.relay_database)

    @property
    def installation(self) -> float:
        """Return the saves per second of one installation whose tenants share one server or more."""
        return USED / self.redis


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a number of agents needs, in all its installations together."""

    agents: int
    saves: float
    web: int
    relays: int
    servers: int
    cores: int
    redis: float
    installations: int = 1
    workers: int = 0


def measure(rounds: int) -> list[Figure]:
    """Return what one program or core bears, by the stored figures."""
    figures = json.loads(LATEST.read_text(encoding="utf-8"))
    costs = costs_of(figures)
    limits = {"web process, form page": costs.page, "web process, PATCH": costs.web, "relay": costs.relay}
    limits |= {"core of PostgreSQL": costs.database + costs.relay_database, "Redis": costs.redis}
    limits |= {"core of Celery": costs.worker} if costs.worker else {}
    source = next(entry for entry in figures if entry["name"].startswith("cost of a save"))
    circumstances_of_costs = {key: source[key] for key in ("measured", "load")}
    return [
        figure(f"capacity: saves per second of one {name}", "1/s", [1 / cost]) | circumstances_of_costs
        for name, cost in limits.items()
    ]


def costs_of(figures: Sequence[Figure]) -> Costs:
    """Return the costs of a save from stored ``figures``; those of web processes and workers from the load test if it
    is among them. Raises ``KeyError`` with the name of a missing one.
    """
    values = {entry["name"]: float(entry["value"]) for entry in figures}

    def of(name: str) -> float:
        return values[f"cost of a save: {name}"]

    web = of("save: processor time of the program") / 1_000
    page = web * values["one answer of 150: form page"] / values["one answer of 150: PATCH"]
    relay = of("relay: processor time of the program") / 1_000
    return Costs(
        web=values.get(_loaded("PATCH", "web"), 1_000 * web) / 1_000,
        page=values.get(_loaded("form page", "web"), 1_000 * page) / 1_000,
        worker=values.get(_loaded("form page", "worker"), 0.0) / 1_000,
        database=of("save: processor time of PostgreSQL") / 1_000,
        relay=relay,
        relay_database=of("relay: processor time of PostgreSQL") / 1_000,
        redis=(of("save: processor time of Redis") + of("relay: processor time of Redis")) / 1_000,
        commands=of("save: commands of Redis") + of("relay: commands of Redis"),
        rows=of("save: rows of the outbox"),
        wal=of("save: WAL") + of("relay: WAL"),
        growth=of("save: growth of all tables and indexes") + of("relay: growth of all tables and indexes"),
    )


def inputs_of(figures: Sequence[Figure]) -> list[str]:
    """Return the sources of the costs, with the day and the load of each, as sentences."""
    by_name = {entry["name"]: entry for entry in figures}

    def at(name: str) -> str:
        return circumstances(by_name[name]) if name in by_name else "not measured"

    lines = [
        f"PostgreSQL, Redis and relay: `costs`, measured {at('cost of a save: save: processor time of the program')}.",
    ]
    loaded = _loaded("form page", "web")
    if loaded in by_name:
        lines.append(f"Web processes and Celery workers: `agents` at one save each {EVERY:g} s, measured {at(loaded)}.")
    else:
        lines.append(
            f"Web processes: requests in process (`costs`; the form page by its ratio to `PATCH` in `requesting`, "
            f"measured {at('one answer of 150: PATCH')}). **Left out** are uvicorn, its threads, connections and the "
            f"frames of sockets, and the whole Celery worker, so more web processes are needed than the table says. "
            f'`make bench ARGS="agents capacity"` puts them in.'
        )
    return lines


def need_of(agents: int, costs: Costs) -> Need:
    """Return what ``agents`` need who use the form page, in as many installations as it takes, all of one size."""
    saves = agents / EVERY
    number = math.ceil(saves / costs.installation)
    each, agents_each = saves / number, agents / number
    cores = math.ceil(each * (costs.database + costs.relay_database) / USED)
    return Need(
        agents=agents,
        saves=saves,
        installations=number,
        web=number * max(2, math.ceil(each * costs.page / USED), math.ceil(agents_each / SOCKETS)),
        relays=number * max(2, math.ceil(each * costs.relay / USED)),
        workers=number * math.ceil(each * costs.worker / USED),
        servers=number * math.ceil(cores / CORES),
        cores=number * cores,
        redis=saves * costs.redis,
    )


def simulate(need: Need, costs: Costs, *, seed: int = 1) -> list[float]:
    """Return the seconds that saves take, sorted: of one cell of the web processes of ``need`` with its share of the
    cores. Each save works in its web process, then in the database, then in its web process again; agents save
    independently, and the costs of single saves vary exponentially.
    """
    random_ = random.Random(seed)
    web = min(CELL, need.web // need.installations)
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
    rows: list[tuple[str, ...]] = [
        ("agents at work", "saves/s", "installations", "web processes", "relays", "Celery, cores",
         "cores of PostgreSQL", f"servers of {CORES} cores", "Redis, cores", "Redis, commands/s", "outbox, rows/s",
         "WAL, MB/s", "growth, GB a day", "save p50 / p95"),
    ]  # fmt: skip
    for agents in AGENTS:
        need = need_of(agents, costs)
        times = simulate(need, costs)
        p50, p95 = (1_000 * times[round(len(times) * part)] for part in (0.5, 0.95))
        growth = need.saves * costs.growth * BUSY_SECONDS / 1e9
        rows.append(
            (
                f"{agents:,}", shown(need.saves), f"{need.installations:,}", f"{need.web:,}", f"{need.relays:,}",
                f"{need.workers:,}" if costs.worker else "not measured", f"{need.cores:,}", f"{need.servers:,}",
                shown(need.redis), shown(need.saves * costs.commands),
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
        "web process (one core), form page": (USED / costs.page, "any number"),
        "web process, PATCH": (USED / costs.web, "any number"),
        "relay (one core)": (USED / costs.relay, "any number"),
        "Redis (one core)": (costs.installation, "**one** for an installation"),
        f"PostgreSQL server of {CORES} cores": (costs.server, "**one** for a tenant, any number for an installation"),
        "installation with one tenant": (min(costs.installation, costs.server), "any number"),
    }
    if costs.worker:
        limits["Celery worker (one core)"] = (USED / costs.worker, "any number")
    rows: list[tuple[str, ...]] = [("one", "saves/s", f"agents with a save each {EVERY:g} s", "how many there can be")]
    for name, (saves, number) in sorted(limits.items(), key=lambda limit: limit[1][0]):
        rows.append((name, shown(saves), f"{round(saves * EVERY):,}", number))
    return rows


def _loaded(way: str, program: str) -> str:
    """Return the name of what a save costs a program in the load test at the model's pace."""
    return f"{load_test(LOAD_AGENTS, EVERY, way)}: processor time of a save, {program}"


def _arrivals(random_: random.Random, rate: float) -> Iterator[float]:
    now = 0.0
    while True:
        now += random_.expovariate(rate)
        yield now
