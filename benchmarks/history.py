"""Measures the history of a copy: the bytes that it keeps for a save of one answer, and the read of a past version.

A read is what ``GET /copies/{id}`` does between authentication and sending: load, shape, encode. The version that is
farthest from a whole one takes the longest to restore.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from django.db import connection

from batch import service as batch
from benchmarks.figures import Figure, figure, milliseconds
from benchmarks.forms import ACTOR, SavedForm, Size, save_form
from benchmarks.rounds import Contender, interleave, ratios
from copies.models import CopyRevision
from copies.stored_versions import WHOLE_EVERY
from partner_engine.api.copy_response import copy_shape
from tenants.current_tenant import use_tenant

SIZES: Final = (Size(answers=50, rules=20), Size(answers=500, rules=200))
#: Arguments of ``measure`` for a run that only shows that everything works.
QUICK: Final = {"sizes": (Size(answers=60, rules=20),)}
NOW: Final = "now"
WHOLE: Final = "a version that is kept whole"
FARTHEST: Final = "the version farthest from a whole one"
_VERSIONS: Final = {NOW: None, WHOLE: 2 * WHOLE_EVERY + 1, FARTHEST: 3 * WHOLE_EVERY}
_BYTES: Final = f"""
    SELECT avg(pg_column_size(r.*) + CASE WHEN length(document) > 1900 THEN length(document) ELSE 0 END)
      FROM {CopyRevision._meta.db_table} r
     WHERE copy_id = %s AND version > {WHOLE_EVERY}"""


def measure(rounds: int, *, sizes: tuple[Size, ...] = SIZES) -> list[Figure]:
    """Return bytes and times for forms of ``sizes``."""
    return [entry for size in sizes for entry in _measure(rounds, size)]


def _measure(rounds: int, size: Size) -> list[Figure]:
    form = save_form(size)
    for number in range(5 * WHOLE_EVERY):
        _save_one(form, number)
    times = interleave(
        [
            Contender(name=name, run=lambda call, version=version: _read(form, version), repeats=5)
            for name, version in _VERSIONS.items()
        ],
        rounds=rounds,
    )
    what = f"history of {size.answers} answers"
    farthest = ratios(times[FARTHEST], times[NOW])
    return [
        figure(f"{what}: bytes kept for a save of one answer", "bytes", [_bytes(form)]),
        *(figure(f"{what}: read {name}", "ms", milliseconds(taken)) for name, taken in times.items()),
        figure(f"{what}: {FARTHEST} / {NOW}", "times", farthest, goal="<= 1.5"),
    ]


def _save_one(form: SavedForm, number: int) -> None:
    changes = form.changes(1, variant=number % 2)
    with batch.find_and_lock(form.id, scope=form.tenant, actor=ACTOR) as context:
        context.changeset.apply_answers(changes["answers"], changes["answer_pools"])
        context.save()


def _read(form: SavedForm, version: int | None) -> bytes:
    context = batch.find(form.id, scope=form.tenant, actor=ACTOR, version=version)
    return msgspec.json.encode(copy_shape(context, actor=ACTOR))


def _bytes(form: SavedForm) -> float:
    with use_tenant(form.tenant), connection.cursor() as cursor:
        cursor.execute(_BYTES, [form.id])
        row: tuple[Any, ...] = cursor.fetchone()
        return float(row[0])
