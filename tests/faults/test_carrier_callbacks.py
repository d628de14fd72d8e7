"""Callbacks arrive repeated, out of order and too old, while intake and dispatchers are killed: each distinct valid one
has one effect.
"""

from __future__ import annotations

import random
import signal
import time
from typing import Final

import pytest

from tests.harness.callback_plan import CallbackPlan
from tests.harness.faults.trials import Trial
from tests.harness.faults.world import World

FULL: Final = pytest.mark.fault
MESSAGES: Final = "SELECT message_id, outcome FROM quoting_carriermessage"
REQUESTS: Final = "SELECT request_token, sequence, premium FROM forms_quoterequest WHERE state = 'quoted'"
UNDONE: Final = """SELECT (SELECT count(*) FROM quoting_carriermessage WHERE imported_at IS NULL)
    + (SELECT count(*) FROM actions_outboxaction WHERE kind = 'import_carrier_message')"""


def effects(world: World, chance: random.Random, *, total: int, kills: int, worse: str = "") -> list[str]:
    """Post ``total`` callbacks while processes are killed; return how the effects differ from the valid ones."""
    (linked,) = world.do("carrier_trials:link_up", url="http://127.0.0.1:9")
    (submitted,) = world.do("carrier_trials:submit_all", forms=world.forms)
    tokens, seed = submitted["tokens"], chance.randrange(1_000_000)
    plan = CallbackPlan(seed=seed, total=total, requests=len(tokens))
    settings = {"forms": world.forms, "tokens": tokens, "link": linked["link"], "plan": {"seed": seed, "total": total}}

    def hire() -> Trial:
        worker = world.fork("carrier_trials:dispatch_until_killed")
        worker.next_report()
        hired.append(worker)
        return worker

    hired: list[Trial] = []
    workers, acknowledged, dead = [hire(), hire()], 0, sorted(chance.sample(range(1, total), kills))
    while acknowledged < total:
        intake = world.fork("carrier_trials:post_callbacks", **settings, start=acknowledged, worse=worse)
        while (report := intake.next_report()) is not None:
            acknowledged = report["number"] + 1
            if dead and acknowledged > dead[0]:
                dead.pop(0)
                # In turns, the intake and a dispatcher. Another dispatcher follows at once: the last reports are read
                # after the intake has ended, so both could be killed then and nobody be left.
                if len(dead) % 2:
                    intake.send(signal.SIGKILL)
                else:
                    place = chance.randrange(len(workers))
                    workers[place].send(signal.SIGKILL)
                    workers[place].finish()
                    workers[place] = hire()
        intake.finish()
    wrong = settled(world) + differences(world, plan, tokens)
    for worker in workers:
        worker.send(signal.SIGKILL)
        worker.finish()
    return wrong + [f"a dispatcher ended: {report}" for worker in hired for report in worker.reports[1:]]


def settled(world: World) -> list[str]:
    """Wait until all messages are imported; return what is left."""
    deadline, count = time.monotonic() + 300.0, 1
    with world.connect() as connection:
        while count and time.monotonic() < deadline:
            time.sleep(0.2)
            (count,) = connection.execute(UNDONE).fetchone() or (0,)
    return [f"{count} are left"] if count else []


def differences(world: World, plan: CallbackPlan, tokens: list[str]) -> list[str]:
    with world.connect() as connection:
        stored = [message for message, _ in connection.execute(MESSAGES).fetchall()]
        rows = {token: known for token, *known in connection.execute(REQUESTS).fetchall()}
    valid = {post.message_id for post in plan.valid}
    wrong = [f"{message} has no effect" for message in valid - set(stored)]
    wrong += [f"{message} should have none" for message in set(stored) - valid]
    wrong += [f"{len(stored) - len(set(stored))} effects are repeated"] * (len(stored) != len(set(stored)))
    for number, token in enumerate(tokens):
        posts = [post for post in plan.valid if post.request == number]
        if not posts:  # few callbacks by chance reach not every request
            continue
        last = max(posts, key=lambda post: post.sequence)
        if rows.get(token) != [last.sequence, last.premium]:
            wrong.append(f"request {number} is {rows.get(token)}, the carrier's last word is {last}")
    return wrong


@pytest.mark.parametrize(
    ("total", "kills"), [(60, 2), pytest.param(200, 4, marks=pytest.mark.slow), pytest.param(10_000, 10, marks=FULL)]
)
def test_each_distinct_valid_callback_has_one_effect(
    world: World, chance: random.Random, total: int, kills: int
) -> None:
    assert effects(world, chance, total=total, kills=kills) == []


@FULL
def test_effects_find_an_intake_that_takes_every_repetition(world: World, chance: random.Random) -> None:
    wrong = effects(world, chance, total=60, kills=1, worse="takes every repetition")

    assert any("repeated" in fault for fault in wrong)


def import_on_one_form(world: World, chance: random.Random, *, total: int, workers: int, requests: int) -> list[str]:
    """Have ``workers`` dispatchers import callbacks about requests of one form; return what is wrong."""
    forms = world.forms[:1] * requests
    (linked,) = world.do("carrier_trials:link_up", url="http://127.0.0.1:9")
    (submitted,) = world.do("carrier_trials:submit_all", forms=forms)
    plan = {"seed": chance.randrange(1_000_000), "total": total, "repeated": 0.0, "old": 0.0}
    settings = {"forms": forms, "tokens": submitted["tokens"], "link": linked["link"], "plan": plan}
    world.do("carrier_trials:post_callbacks", **settings, start=0)

    hired = [world.fork("carrier_trials:dispatch_until_killed") for _ in range(workers)]
    wrong = settled(world) + differences(world, CallbackPlan(**plan, requests=requests), submitted["tokens"])
    for worker in hired:
        worker.send(signal.SIGKILL)
        worker.finish()
    return wrong


@pytest.mark.parametrize(("total", "workers"), [(50, 4), pytest.param(500, 20, marks=FULL)])
def test_imports_on_one_form_by_many_workers_lose_nothing(
    world: World, chance: random.Random, total: int, workers: int
) -> None:
    assert import_on_one_form(world, chance, total=total, workers=workers, requests=10) == []
