"""Counts on the wire the round trips to PostgreSQL of a load and save, for different kinds and numbers of changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol

from batch import service as batch
from batch.changes.changeset import Changeset
from benchmarks import careful, raw
from benchmarks.databases import through_proxy
from benchmarks.figures import Figure, figure
from benchmarks.forms import ACTOR, POOL, ROW_WIDTH, SavedForm, Size, save_form, value_at
from benchmarks.proxy import Proxy
from benchmarks.tables import tables

SIZE: Final = Size(answers=2_000, rules=200)
QUICK: Final = {"size": Size(answers=60, rules=20), "numbers": (1, 5)}
ALIAS: Final = "counted"
#: More rows would not fit into the pool after some rounds.
MOST_ROWS: Final = 10


class Change(Protocol):
    """Changes a changeset, differently in each ``turn``."""

    def __call__(self, changeset: Changeset, turn: int) -> object:
        """Apply the change."""


def measure(rounds: int, *, size: Size = SIZE, numbers: tuple[int, ...] = (1, 10, 100, 1_000)) -> list[Figure]:
    """Return the round trips for each number of changed answers and added rows, their maximum and their difference,
    and those of the opponents.
    """
    counted: dict[str, list[int]] = {}
    with tables(*careful.MODELS), through_proxy(ALIAS) as proxy:
        form = save_form(size, database=ALIAS)
        for name, change in _cases(form, numbers):
            # Each case starts with the original answers, so that it changes the stated number of them.
            _save(form, lambda changeset: _set_answers(changeset, form, max(numbers), variant=0))
            counted[name] = [
                _count(proxy, partial(_save, form, partial(change, turn=turn))) for turn in range(1, rounds + 1)
            ]
        others = _count_others(proxy, form, numbers[-1], rounds)
    every = [found for repeated in counted.values() for found in repeated]
    return [
        *(figure(f"round trips, load + save: {name}", "trips", found) for name, found in (counted | others).items()),
        figure("round trips, load + save: the most of all of ours", "trips", [max(every)], goal="<= 3"),
        figure("round trips, load + save: our most less our fewest", "trips", [max(every) - min(every)], goal="<= 0"),
    ]


def _cases(form: SavedForm, numbers: Sequence[int]) -> list[tuple[str, Change]]:
    def answers(number: int) -> Change:
        return lambda changeset, turn: _set_answers(changeset, form, number, variant=turn % 2)

    def rows(number: int) -> Change:
        row = {"answers": {f"u_{place}": value_at(f"u_{place}", variant=0) for place in range(ROW_WIDTH)}}
        return lambda changeset, turn: changeset.apply_answers({}, {POOL: [row] * number})

    return [
        *((f"{number:,} changed answers", answers(number)) for number in numbers),
        *((f"{number:,} new rows", rows(number)) for number in numbers if number <= MOST_ROWS),
        ("answers, title, products: every action", _cause_every_action),
    ]


def _set_answers(changeset: Changeset, form: SavedForm, number: int, *, variant: int) -> None:
    given = form.changes(number, variant=variant)
    changeset.apply_answers(given["answers"], given["answer_pools"])


def _cause_every_action(changeset: Changeset, turn: int) -> None:
    """Change answers, the copy itself and the requested products: each emits its own action."""
    changeset.apply_answers({"state": ("TX", "OH")[turn % 2], "lines": (["care", "fire"], ["care"])[turn % 2]})
    changeset.copy.rename(f"Title {turn}")


def _save(form: SavedForm, change: Callable[[Changeset], object]) -> None:
    with batch.find_and_lock(form.id, scope=form.tenant, actor=ACTOR) as context:
        change(context.changeset)
        context.save()


def _count_others(proxy: Proxy, form: SavedForm, number: int, rounds: int) -> dict[str, list[int]]:
    """Return the round trips of the opponents for ``number`` changed answers."""
    careful.store(form.id, batch.find_changeset(form.id, scope=form.tenant, actor=ACTOR).document)
    changes = [form.flat_changes(number, variant=variant) for variant in (0, 1)]
    counted: dict[str, list[int]] = {"careful Django": [], "bare psycopg": []}
    with raw.connect(ALIAS, form.tenant) as connection:
        written = raw.read_written(connection, form.id)
        for turn in range(1, rounds + 1):
            careful_save = partial(careful.save, form.id, changes[turn % 2], form.compiled, using=ALIAS)
            counted["careful Django"].append(_count(proxy, careful_save))
            counted["bare psycopg"].append(_count(proxy, partial(raw.save, connection, form.id, written)))
    return counted


def _count(proxy: Proxy, work: Callable[[], object]) -> int:
    """Return the round trips of ``work``. Raises ``AssertionError`` where the two counts differ."""
    answers, turns = proxy.counts.read()
    work()
    answers_now, turns_now = proxy.counts.read()
    assert answers_now - answers == turns_now - turns, (answers_now - answers, turns_now - turns)
    return answers_now - answers
