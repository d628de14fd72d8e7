"""Clones a form with one copy of 500 answers under 200 rules, against one save."""

from __future__ import annotations

from typing import Any, Final

from batch.idempotency import StoredResponse
from benchmarks.figures import Figure, figure, milliseconds
from benchmarks.forms import ACTOR, SavedForm, Size, save_form
from benchmarks.rounds import Contender, interleave, ratios
from benchmarks.saving import save_ours
from scenarios.cloning import Clone, CloneOrder, clone_form

SIZE: Final = Size(answers=500, rules=200)
CHANGES: Final = 100
#: Arguments of ``measure`` for a run that only shows that everything works.
QUICK: Final = {"size": Size(answers=60, rules=20), "changes": 5}
SAVE: Final = "a save"
CLONE: Final = "a clone"


def measure(rounds: int, *, size: Size = SIZE, changes: int = CHANGES) -> list[Figure]:
    """Return the times of a save and of a clone, and the ratio that has a goal."""
    form = save_form(size)
    nested = [form.changes(changes, variant=variant) for variant in (1, 0)]
    times = interleave(_contenders(form, nested), rounds=rounds)
    what = f"clone a copy of {size.answers} answers, {size.rules} rules"
    return [
        figure(f"{what}: save of {changes} answers", "ms", milliseconds(times[SAVE])),
        figure(f"{what}: clone", "ms", milliseconds(times[CLONE])),
        figure(f"{what}: clone / save", "times", ratios(times[CLONE], times[SAVE]), goal="<= 1.3"),
    ]


def _contenders(form: SavedForm, nested: list[dict[str, Any]]) -> list[Contender]:
    return [
        Contender(name=SAVE, run=lambda call: save_ours(form, nested[call % 2]), repeats=11, warm_up=4),
        Contender(name=CLONE, run=lambda call: _clone(form), repeats=11, warm_up=4),
    ]


def _clone(form: SavedForm) -> None:
    clone_form(form.id, CloneOrder(respond=_respond), scope=form.tenant, actor=ACTOR)


def _respond(clone: Clone) -> StoredResponse:
    return StoredResponse(201, {}, str(clone.form_id).encode())
