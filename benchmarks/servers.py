"""The run with several servers: four tenants with databases of their own on two PostgreSQL servers, two web processes
and two relays. Programs of all tenants save; in the middle the second server is killed and, later, started again.

What must hold: the tenants of the living server notice nothing, those of the dead one are refused with 503 and a time
to retry, and after the restart everything goes on by itself: no save is lost or done twice, no action is lost.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from typing import Final
from uuid import UUID

from django.db import connections

from actions.models import OutboxAction
from benchmarks.agents import begin_forms, token_of
from benchmarks.figures import Figure, figure, milliseconds
from benchmarks.rounds import say
from benchmarks.running_product import Product, running
from benchmarks.tenant_load import Call, Program, TenantLoad
from benchmarks.two_servers import SecondServer, first_server, own_databases, second_server
from catalogue.demo import load_demo_catalogue
from copies.models import Copy, CopyRevision
from search.models import SearchEntry
from tenants.current_tenant import across_tenants
from tenants.models import Tenant
from webhooks.models import WebhookPayload

#: Aliases of the databases on the server that lives, and on the one that is killed.
LIVING: Final = ("living1", "living2")
KILLED: Final = ("killed1", "killed2")
#: Seconds before the second server is killed, while it is away, and after its restart.
COURSE: Final = (20.0, 75.0, 30.0)
#: Programs of each tenant, the copies of each, and the seconds between two saves of one.
PROGRAMS: Final = 2
COPIES: Final = 2
EVERY: Final = 1.0
QUICK: Final = {"course": (2.0, 5.0, 6.0), "programs": 1}
_PATIENCE: Final = 90.0
_DUE: Final = (
    "SELECT coalesce(extract(epoch FROM now() - min(next_attempt_at)), 0), count(*)"
    f" FROM {OutboxAction._meta.db_table} WHERE state = 'waiting' AND next_attempt_at <= now()"
)
_numbers = count(1)


@dataclass(kw_only=True)
class Course:
    """The moments of a run, by ``time.monotonic``, and what was observed in it."""

    began: float
    killed: float = math.inf
    restarted: float = math.inf
    ended: float = math.inf
    #: Seconds for which the oldest due action of a living database waited, while the other server was away.
    delays: list[float] = field(default_factory=list)

    def phase(self, call: Call) -> str:
        """Return the phase in which a call began; one that the kill or the restart fell into is of the time away."""
        if call.began + call.seconds < self.killed:
            return "before"
        return "away" if call.began < self.restarted else "after"


def measure(
    rounds: int, *, course: Sequence[float] = COURSE, programs: int = PROGRAMS, every: float = EVERY
) -> list[Figure]:
    """Return latencies, errors and the recovery of one run; ``rounds`` do not matter."""
    with second_server() as second:
        urls = {alias: first_server() for alias in LIVING} | {alias: second.url for alias in KILLED}
        with own_databases(urls) as environment, _tenants() as tenants:
            environment["RATE_LIMIT_FACTOR"] = "100000"
            forms = {alias: begin_forms(tenant, programs * COPIES) for alias, tenant in tenants.items()}
            with running(web=2, relays=2, more=environment) as product:
                _wait_for_relays(_PATIENCE)
                load = TenantLoad(_programs(tenants, forms, product.ports, number=programs), every=every)
                ran = _run(load, second, seconds=course)
                drained = _wait_for_relays(_PATIENCE)
                _say_statuses(load, ran)
                found = _figures(load, ran, product)
            wrong = {alias: what_is_wrong(alias, forms[alias], load) for alias in tenants}
    for sentence in [text for texts in wrong.values() for text in texts][:10] + load.unfinished[:10]:
        say(sentence)
    return [
        *found,
        figure("two servers: from the last save until all actions have run", "s", [drained], goal="<= 60"),
        figure(
            "two servers: saves lost, doubled or half done, and actions lost",
            "faults",
            [len(load.unfinished) + sum(map(len, wrong.values()))],
            goal="<= 0",
        ),
    ]


@contextmanager
def _tenants() -> Iterator[dict[str, Tenant]]:
    """Yield a tenant for each own database, by its alias."""
    catalogue = load_demo_catalogue(actor_id="bench").catalogue.code
    number = next(_numbers)
    yield {
        alias: Tenant.objects.create(
            code=f"{alias}-{number}", name=f"Agency {alias}", catalogue=catalogue, database=alias
        )
        for alias in (*LIVING, *KILLED)
    }
    # Later measurements do not know the databases.
    Tenant.objects.filter(database__in=(*LIVING, *KILLED)).update(database="")


def _programs(
    tenants: Mapping[str, Tenant], forms: Mapping[str, Sequence[UUID]], ports: Sequence[int], *, number: int
) -> list[Program]:
    return [
        Program(
            tenant=alias,
            token=token_of(tenant)[0],
            port=ports[place % len(ports)],
            copies=forms[alias][place * COPIES : (place + 1) * COPIES],
        )
        for alias, tenant in tenants.items()
        for place in range(number)
    ]


def _run(load: TenantLoad, second: SecondServer, *, seconds: Sequence[float]) -> Course:
    """Let the programs save, kill the second server and start it again."""
    course = Course(began=time.monotonic())
    before, away, after = seconds
    with load.running():
        time.sleep(before)
        for alias in KILLED:
            connections[alias].close()
        course.killed = time.monotonic()
        second.kill()
        say("the second server was killed")
        _watch(course, until=course.killed + away)
        second.start()
        course.restarted = time.monotonic()
        say("the second server runs again")
        time.sleep(after)
        course.ended = time.monotonic()
    return course


def _watch(course: Course, *, until: float) -> None:
    while time.monotonic() < until:
        course.delays.append(max(_due(alias)[0] for alias in LIVING))
        time.sleep(0.25)


def _due(alias: str) -> tuple[float, int]:
    """Return for how long the oldest due action of a database waits, in seconds, and how many are due."""
    with across_tenants(using=alias), connections[alias].cursor() as cursor:
        cursor.execute(_DUE)
        seconds, number = cursor.fetchone()
    return float(seconds), int(number)


def _wait_for_relays(seconds: float) -> float:
    """Wait until nothing is due in any of the databases; return the seconds that it took."""
    began = time.monotonic()
    while any(_due(alias)[1] for alias in (*LIVING, *KILLED)):
        if time.monotonic() - began > seconds:
            raise TimeoutError("The relays did not run all actions.")
        time.sleep(0.2)
    return time.monotonic() - began


def _figures(load: TenantLoad, course: Course, product: Product) -> list[Figure]:
    figures = []
    for phase in ("before", "away", "after"):
        calls = [call for call in load.calls if call.tenant in LIVING and course.phase(call) == phase]
        figures += [
            figure(
                f"two servers, {phase}: save of a tenant of the living server, p{percent}",
                "ms",
                milliseconds([_percentile([call.seconds for call in calls], percent)]),
            )
            for percent in (50, 95)
        ]
    living = [call for call in load.calls if call.tenant in LIVING]
    refused = [call for call in load.calls if call.tenant in KILLED and course.phase(call) == "away"]
    unclear = [call for call in refused if call.status != HTTPStatus.OK and not _is_clear(call)]
    return [
        *figures,
        figure("two servers: failed saves of the living server's tenants", "errors", _failed(living), goal="<= 0"),
        figure("two servers, away: refusals of the dead server's tenants", "calls", _failed(refused)),
        figure("two servers, away: those without 503 and Retry-After", "calls", [len(unclear)], goal="<= 0"),
        figure(
            "two servers, away: seconds until a refusal, p95",
            "s",
            [_percentile([call.seconds for call in refused if call.status != HTTPStatus.OK], 95)],
            goal="<= 4",
        ),
        figure(
            "two servers, away: the longest wait of a due action of the living server",
            "s",
            [max(course.delays)],
            goal="<= 5",
        ),
        figure(
            "two servers: from the restart until a save by each web process for each tenant",
            "s",
            [max(first_saves(load.calls, course))],
            goal="<= 5",
        ),
        figure(
            "two servers: programs that ended by themselves",
            "programs",
            [sum(program.process.poll() is not None for program in product.programs)],
            goal="<= 0",
        ),
    ]


def _is_clear(call: Call) -> bool:
    return call.status == HTTPStatus.SERVICE_UNAVAILABLE and call.says_when


def _failed(calls: Sequence[Call]) -> list[float]:
    return [sum(call.status != HTTPStatus.OK for call in calls)]


def first_saves(calls: Sequence[Call], course: Course) -> list[float]:
    """Return the seconds from the restart to the first save of each tenant and port of the dead server."""
    firsts: dict[tuple[str, int], float] = {}
    for call in calls:
        if call.tenant in KILLED:
            place, at = (call.tenant, call.port), call.began + call.seconds
            worked = call.status == HTTPStatus.OK and at >= course.restarted
            firsts[place] = min(firsts.get(place, math.inf), at if worked else math.inf)
    return [min(at, course.ended + _PATIENCE) - course.restarted for at in firsts.values()]


def _percentile(values: Sequence[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[math.ceil(percent / 100 * len(ordered)) - 1] if ordered else 0.0


def _say_statuses(load: TenantLoad, course: Course) -> None:
    for aliases in (LIVING, KILLED):
        for phase in ("before", "away", "after"):
            statuses: dict[int, int] = {}
            for call in load.calls:
                if call.tenant in aliases and course.phase(call) == phase:
                    statuses[call.status] = statuses.get(call.status, 0) + 1
            say(f"{' and '.join(aliases)}, {phase}: {statuses}")


def what_is_wrong(alias: str, copies: Sequence[UUID], load: TenantLoad) -> list[str]:
    """Return a sentence for each copy of a database that is not as its acknowledged saves say, or whose actions were
    lost: without the event of a version, or with an older search entry.
    """
    with across_tenants(using=alias):
        stored = {copy.pk: copy.version for copy in Copy.objects.using(alias).filter(pk__in=copies)}
        checks: dict[str, Callable[[UUID, int], bool]] = {
            "other versions than those acknowledged": lambda copy, version: (
                sorted(load.acknowledged[copy]) == list(range(2, version + 1))
            ),
            "a gap in its revisions": lambda copy, version: (
                _versions(CopyRevision, alias, copy) == list(range(1, version + 1))
            ),
            "a version without its event": lambda copy, version: (
                sorted(set(_versions(WebhookPayload, alias, copy))) == list(range(1, version + 1))
            ),
            "an older search entry": lambda copy, version: (
                SearchEntry.objects.using(alias).filter(pk=copy, version=version).exists()
            ),
        }
        wrong = [
            f"{alias}: {copy} at {version} has {what}"
            for copy, version in stored.items()
            for what, holds in checks.items()
            if not holds(copy, version)
        ]
        left = OutboxAction.objects.using(alias).filter(state="dead").count()
    return [*wrong, *([f"{alias}: {left} dead letters"] if left else ())]


def _versions(
    model: type[CopyRevision] | type[WebhookPayload], alias: str, copy: UUID
) -> list[int]:  # fmt: skip
    return list(model.objects.using(alias).filter(copy_id=copy).order_by("version").values_list("version", flat=True))
