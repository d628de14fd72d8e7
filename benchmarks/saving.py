"""Saves 100 changed answers of a 500-answer copy under 200 rules: ours against signals, careful Django and bare SQL.

Each contender does the work of a request behind HTTP: load, change, save; on the database's machine, and with 2 ms of
network added to each round trip.
"""

from __future__ import annotations

from typing import Any, Final

from batch import service as batch
from benchmarks import careful, raw, signal_driven
from benchmarks.databases import through_proxy
from benchmarks.figures import Figure, figure, milliseconds
from benchmarks.forms import ACTOR, SavedForm, Size, save_form
from benchmarks.rounds import Contender, interleave, ratios, say
from benchmarks.tables import tables

SIZE: Final = Size(answers=500, rules=200)
CHANGES: Final = 100
#: Arguments of ``measure`` for a run that only shows that everything works.
QUICK: Final = {"size": Size(answers=60, rules=20), "changes": 5}
OURS: Final = "ours"
#: A second connection, through a proxy that adds ``DELAY_MS`` to each round trip.
FAR: Final = "far"
DELAY_MS: Final = 2
NEAR_GOALS: Final = {"signals": ">= 100", "careful": ">= 3", "bare": "<= 4"}
FAR_GOALS: Final = {"signals": ">= 80", "careful": ">= 3", "bare": "<= 3"}


def measure(rounds: int, *, size: Size = SIZE, changes: int = CHANGES) -> list[Figure]:
    """Return the times of all contenders and the ratios that have goals, near the database and far from it."""
    with tables(*signal_driven.MODELS, *careful.MODELS), through_proxy(FAR, delay=DELAY_MS / 1_000):
        form = save_form(size)
        near = interleave(_contenders(form, changes), rounds=rounds)
        away = save_form(size, database=FAR, published=(form.tenant.catalogue, form.compiled))
        far = interleave(_contenders(away, changes, alias=FAR), rounds=rounds)
        signal_driven.forget_tasks()
    what = f"save {changes} of {size.answers} answers, {size.rules} rules"
    return [*_figures(what, near, NEAR_GOALS), *_figures(f"{what}, {DELAY_MS} ms of network", far, FAR_GOALS)]


def _figures(what: str, times: dict[str, list[float]], goals: dict[str, str]) -> list[Figure]:
    ours = times[OURS]
    return [
        *(figure(f"{what}: {name}", "ms", milliseconds(taken)) for name, taken in times.items()),
        _ratio(f"{what}: signal-driven / ours", times["signal-driven, commit per answer"], ours, goals["signals"]),
        _ratio(f"{what}: signal-driven in one transaction / ours", times["signal-driven, one transaction"], ours),
        _ratio(f"{what}: careful Django / ours", times["careful Django, bulk_update"], ours, goals["careful"]),
        _ratio(f"{what}: careful Django with upsert / ours", times["careful Django, upsert"], ours),
        _ratio(f"{what}: ours / bare psycopg", ours, times["bare psycopg"], goals["bare"]),
    ]


def save_ours(form: SavedForm, changes: dict[str, Any]) -> int:
    """Load, change and save through the public entry point; return the version."""
    with batch.find_and_lock(form.id, scope=form.tenant, actor=ACTOR) as context:
        context.changeset.apply_answers(changes["answers"], changes["answer_pools"])
        return context.save().version


def _contenders(form: SavedForm, changes: int, *, alias: str = "default") -> list[Contender]:
    """Return all contenders, each of whose statements goes through ``alias``, where ``form`` is stored."""
    nested = [form.changes(changes, variant=variant) for variant in (1, 0)]
    flat = [form.flat_changes(changes, variant=variant) for variant in (1, 0)]
    document = batch.find_changeset(form.id, scope=form.tenant, actor=ACTOR).document
    database = "" if alias == "default" else alias
    published = (form.tenant.catalogue, form.compiled)
    others = [save_form(form.size, database=database, published=published) for _ in range(4)]
    signals, signals_in_one, upserted, bare = (other.id for other in others)
    for form_id in (signals, signals_in_one):
        signal_driven.store(form_id, document, form.compiled)
    for form_id in (form.id, upserted):
        careful.store(form_id, document)
    connection = raw.connect(alias, others[3].tenant)
    written = []
    for turn in (0, 1):
        save_ours(others[3], others[3].changes(changes, variant=1 - turn))
        written.append(raw.read_written(connection, bare))
    say(f"a save stores {len(written[0].copy['document'])} bytes of document, {len(written[0].outbox)} outbox rows")
    return [
        Contender(name=OURS, run=lambda call: save_ours(form, nested[call % 2]), repeats=11, warm_up=4),
        Contender(
            name="signal-driven, commit per answer",
            run=lambda call: signal_driven.save(signals, flat[call % 2], using=alias),
        ),
        Contender(
            name="signal-driven, one transaction",
            run=lambda call: signal_driven.save(signals_in_one, flat[call % 2], using=alias, in_one=True),
        ),
        Contender(
            name="careful Django, bulk_update",
            run=lambda call: careful.save(form.id, flat[call % 2], form.compiled, using=alias),
            repeats=5,
        ),
        Contender(
            name="careful Django, upsert",
            run=lambda call: careful.save(upserted, flat[call % 2], form.compiled, using=alias, upsert=True),
            repeats=5,
        ),
        Contender(
            name="bare psycopg",
            run=lambda call: raw.save(connection, bare, written[call % 2]),
            repeats=11,
            warm_up=12,
        ),
    ]


def _ratio(name: str, slower: list[float], faster: list[float], goal: str = "") -> Figure:
    return figure(name, "times", ratios(slower, faster), goal=goal)
