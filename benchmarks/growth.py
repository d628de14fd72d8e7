"""Measures the growth of saves over 50 to 5,000 answers and 1 to 1,000 changes: ours against careful Django and bare
SQL.

Each is measured on the database's machine, and with 2 ms of network added to each round trip.

The names of the figures contain their places on the curves.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import psycopg
from django.db import connections

from batch import service as batch
from benchmarks import careful, raw
from benchmarks.databases import through_proxy
from benchmarks.figures import Figure, figure, milliseconds
from benchmarks.forms import ACTOR, SavedForm, Size, publish, save_form
from benchmarks.names import Save
from benchmarks.rounds import Contender, interleave, say
from benchmarks.saving import DELAY_MS, FAR, OURS, save_ours
from benchmarks.tables import tables

RULES: Final = 200
#: Document sizes at a fixed number of changes, and numbers of changes at a fixed document size.
ANSWERS: Final = (50, 150, 500, 1_500, 5_000)
CHANGES: Final = (1, 10, 100, 300, 1_000)
FIXED_ANSWERS: Final = 2_000
FIXED_CHANGES: Final = 20
QUICK: Final = {"answers": (50, 60), "changes": (2, 5), "fixed_answers": 60, "fixed_changes": 2}
#: Below these sizes the fixed cost of a save hides its growth.
LARGE: Final = 500
MANY: Final = 100


@dataclass(frozen=True, kw_only=True)
class Way:
    """One of the two connections to the database, with the forms of one size that are saved through it."""

    alias: str
    delay_ms: int
    ours: SavedForm
    careful: UUID
    upserted: UUID
    bare: SavedForm
    connection: psycopg.Connection


Times = dict[str, list[float]]


def measure(
    rounds: int,
    *,
    answers: Sequence[int] = ANSWERS,
    changes: Sequence[int] = CHANGES,
    fixed_answers: int = FIXED_ANSWERS,
    fixed_changes: int = FIXED_CHANGES,
) -> list[Figure]:
    """Return the time of every contender at every place of both curves, near and far, and the growth of ours."""
    places = {size: [fixed_changes] for size in answers}
    places[fixed_answers] = sorted({*changes, *places.get(fixed_answers, ())})
    taken: dict[tuple[int, int], Times] = {}
    with tables(*careful.MODELS), through_proxy(FAR, delay=DELAY_MS / 1_000):
        added = _added_delay(rounds)
        for size in sorted(places):
            with ExitStack() as stack:
                ways = [_way(stack, alias, delay, size) for alias, delay in (("default", 0), (FAR, DELAY_MS))]
                for number in places[size]:
                    say(f"{number:,} of {size:,} answers")
                    taken[size, number] = interleave(list(_contenders(ways, number)), rounds=rounds)
    return [
        figure("time that the proxy adds to a round trip", "ms", milliseconds(added)),
        *_place_figures(taken),
        *_growth_figures(taken, answers, changes, fixed_answers, fixed_changes),
    ]


def _place_figures(taken: dict[tuple[int, int], Times]) -> list[Figure]:
    return [
        figure(Save(size, number, int(delay), contender).name, "ms", milliseconds(values))
        for (size, number), times in taken.items()
        for (delay, _, contender), values in ((name.partition(" "), values) for name, values in times.items())
    ]


def _growth_figures(
    taken: dict[tuple[int, int], Times],
    answers: Sequence[int],
    changes: Sequence[int],
    fixed_answers: int,
    fixed_changes: int,
) -> list[Figure]:
    large = [size for size in answers if size >= LARGE] or list(answers)
    many = [number for number in changes if number >= MANY] or list(changes)
    ours = f"0 {OURS}"
    return [
        figure(
            f"save time grows with answers to the power of ({large[0]:,} to {large[-1]:,})",
            "power",
            _powers(large, [taken[size, fixed_changes][ours] for size in large]),
            goal="<= 1",
        ),
        figure(
            f"save time grows with changes to the power of ({many[0]:,} to {many[-1]:,})",
            "power",
            _powers(many, [taken[fixed_answers, number][ours] for number in many]),
            goal="<= 1",
        ),
    ]


def _powers(sizes: Sequence[int], times: Sequence[Sequence[float]]) -> list[float]:
    """Return for each round the slope of time over size, both as logarithms, by least squares."""
    return [
        _slope([math.log(size) for size in sizes], [math.log(time) for time in row]) for row in zip(*times, strict=True)
    ]


def _slope(xs: Sequence[float], ys: Sequence[float]) -> float:
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    above = sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True))
    return above / sum((x - x_mean) ** 2 for x in xs)


def _way(stack: ExitStack, alias: str, delay_ms: int, answers: int) -> Way:
    size = Size(answers=answers, rules=RULES)
    database = "" if alias == "default" else alias
    ours = save_form(size, database=database, published=publish(size))
    published = (ours.tenant.catalogue, ours.compiled)
    bare = save_form(size, database=database, published=published)
    upserted = save_form(size, published=published).id
    document = batch.find_changeset(ours.id, scope=ours.tenant, actor=ACTOR).document
    for form_id in (ours.id, upserted):
        careful.store(form_id, document)
    return Way(
        alias=alias,
        delay_ms=delay_ms,
        ours=ours,
        careful=ours.id,
        upserted=upserted,
        bare=bare,
        connection=stack.enter_context(raw.connect(alias, bare.tenant)),
    )


def _contenders(ways: Sequence[Way], number: int) -> Iterator[Contender]:
    for way in ways:
        yield from _contenders_of(way, number)


def _contenders_of(way: Way, number: int) -> list[Contender]:
    form, alias = way.ours, way.alias
    nested = [form.changes(number, variant=variant) for variant in (1, 0)]
    flat = [form.flat_changes(number, variant=variant) for variant in (1, 0)]
    written = []
    for variant in (1, 0):
        save_ours(way.bare, way.bare.changes(number, variant=variant))
        written.append(raw.read_written(way.connection, way.bare.id))

    def careful_save(form_id: UUID, call: int, *, upsert: bool) -> None:
        careful.save(form_id, flat[call % 2], form.compiled, using=alias, upsert=upsert)

    delay = way.delay_ms
    return [
        Contender(name=f"{delay} {OURS}", run=lambda call: save_ours(form, nested[call % 2]), repeats=5),
        Contender(
            name=f"{delay} careful Django, bulk_update",
            run=lambda call: careful_save(way.careful, call, upsert=False),
            repeats=3 if number < MANY else 1,
        ),
        Contender(
            name=f"{delay} careful Django, upsert",
            run=lambda call: careful_save(way.upserted, call, upsert=True),
            repeats=3,
        ),
        Contender(
            name=f"{delay} bare psycopg",
            run=lambda call: raw.save(way.connection, way.bare.id, written[call % 2]),
            repeats=5,
            warm_up=12,
        ),
    ]


def _added_delay(rounds: int) -> list[float]:
    """Return the seconds that the proxy adds to a round trip, one value for each round."""

    def ask(alias: str) -> None:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT 1")

    asked = [Contender(name=alias, run=lambda call, alias=alias: ask(alias), repeats=20) for alias in ("default", FAR)]
    times = interleave(asked, rounds=rounds)
    return [far - near for far, near in zip(times[FAR], times["default"], strict=True)]
