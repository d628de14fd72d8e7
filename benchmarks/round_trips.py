"""Counts on the wire how many round trips to PostgreSQL a load and save take, whatever is changed and how much of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from batch import service as batch
from batch.changeset import Changeset
from benchmarks.databases import through_proxy
from benchmarks.figures import Figure, figure
from benchmarks.forms import ACTOR, POOL, ROW_WIDTH, SavedForm, Size, save_form, value_at
from benchmarks.proxy import Proxy

SIZE: Final = Size(answers=2_000, rules=200)
QUICK: Final = {"size": Size(answers=60, rules=20), "numbers": (1, 5)}
ALIAS: Final = "counted"

Change = Callable[[Changeset], object]


def measure(rounds: int, *, size: Size = SIZE, numbers: tuple[int, ...] = (1, 10, 100, 1_000)) -> list[Figure]:
    """Return the round trips for each number of changed answers and added rows, their most and their difference."""
    with through_proxy(ALIAS) as proxy:
        form = save_form(size, database=ALIAS)
        cases = _cases(form, numbers)
        _count(proxy, form, cases[0][1])
        counted = {name: [_count(proxy, form, change) for _ in range(rounds)] for name, change in cases}
    every = [found for repeated in counted.values() for found in repeated]
    return [
        *(figure(f"round trips, load + save: {name}", "trips", found) for name, found in counted.items()),
        figure("round trips, load + save: the most of all these", "trips", [max(every)], goal="<= 3"),
        figure("round trips, load + save: the most less the fewest", "trips", [max(every) - min(every)], goal="<= 0"),
    ]


def _cases(form: SavedForm, numbers: tuple[int, ...]) -> list[tuple[str, Change]]:
    turns = {number: 0 for number in numbers}

    def answers(number: int) -> Change:
        def change(changeset: Changeset) -> None:
            turns[number] += 1
            given = form.changes(number, variant=number + turns[number])
            changeset.apply_answers(given["answers"], given["answer_pools"])

        return change

    def rows(number: int) -> Change:
        row = {"answers": {f"u_{place}": value_at(f"u_{place}", variant=0) for place in range(ROW_WIDTH)}}
        return lambda changeset: changeset.apply_answers({}, {POOL: [row] * number})

    def everything(changeset: Changeset) -> None:
        """Cause every action that a save of an answered copy can have."""
        changeset.apply_answers({"state": "OH" if changeset.find_answer("state").value == "TX" else "TX", "lines": _other_lines(changeset)})
        changeset.copy.rename(f"Title {changeset.now.isoformat()}")

    few = [number for number in numbers if number <= 100]
    return [
        *((f"{number:,} answers", answers(number)) for number in numbers),
        *((f"{number:,} new rows", rows(number)) for number in few),
        ("answers, title and products at once", everything),
    ]


def _other_lines(changeset: Changeset) -> list[str]:
    return ["care"] if changeset.find_answer("lines").value == ["care", "fire"] else ["care", "fire"]


def _count(proxy: Proxy, form: SavedForm, change: Change) -> int:
    """Return the round trips of one load and save. Raises ``AssertionError`` where both ways of counting differ."""
    answers, turns = proxy.counts.read()
    with batch.find_and_lock(form.id, scope=form.tenant, actor=ACTOR) as context:
        change(context.changeset)
        result: Any = context.save()
    assert result.written
    answers_now, turns_now = proxy.counts.read()
    assert answers_now - answers == turns_now - turns, (answers_now - answers, turns_now - turns)
    return answers_now - answers
