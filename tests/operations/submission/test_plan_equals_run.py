"""A dry run says what a run does, item by item, and leaves nothing behind: random operations."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from actions.models import OutboxAction
from batch import service as batch
from operations.engine.plans import digest_of_end
from operations.kinds.kind import Kind
from operations.kinds.registry import kind_named
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.kind_runs import KindRun

pytestmark = pytest.mark.django_db

WRITES = re.compile(r"\b(INSERT|UPDATE|DELETE|pg_(try_)?advisory\w*)\b", re.IGNORECASE)
#: Values of answers, some of them invalid.
VALUES: dict[str, list[Any]] = {
    "kennel_name": ["Copper Paw", "", None, "x" * 41, 7],
    "lines": [["care"], ["premises"], ["care", "premises"], [], ["fish"]],
    "state": ["TX", "OH", "ZZ", None],
    "has_cats": [True, False, None, "perhaps"],
    "cat_count": [0, 1, 60, None, "many"],
    "owner_phone": ["512-555-0134", "5", None],
    "nothing_asks": ["x"],
}
HOUSES: list[Any] = [
    {"answers": {"house_name": "West", "runs": 60}},
    {"answers": {"runs": 0}},
    {"answers": {"house_name": "East"}, "answer_pools": {"fences": [{"answers": {"fence_feet": 6}}]}},
    {"id": "no id"},
]


def random_order(dice: random.Random, forms: list[UUID]) -> tuple[Kind[Any, Any], list[dict[str, Any]], dict[str, Any]]:
    """Return a kind with items about different forms, one of them sometimes unknown, and arguments."""
    chosen = [str(form_id) for form_id in dice.sample(forms, dice.randint(1, len(forms)))]
    if dice.random() < 0.2:
        chosen.insert(dice.randint(0, len(chosen)), str(uuid4()))
    items: list[dict[str, Any]] = [{"id": form_id} for form_id in chosen]
    if dice.random() < 0.1:
        items[0]["expected_version"] = dice.randint(1, 3)
    if dice.random() < 0.1:
        return kind_named("re_evaluate"), items, {}
    for item in items:
        item["answers"] = answers(dice, most=2)
    arguments: dict[str, Any] = {"answers": answers(dice, most=2)}
    if dice.random() < 0.3:
        arguments["answer_pools"] = {"houses": [dice.choice(HOUSES)]}
    return kind_named("set_answers"), items, arguments


def answers(dice: random.Random, *, most: int) -> dict[str, Any]:
    return {code: dice.choice(VALUES[code]) for code in dice.sample(list(VALUES), dice.randint(0, most))}


def compare(seed: int, forms: list[UUID], *, tenant: Tenant, actor: Actor) -> list[str]:
    """Plan a random operation and run it item by item; return the outcomes or codes after checking that both agree."""
    dice = random.Random(seed)
    kind, items, arguments = random_order(dice, forms)
    planned, done = KindRun(tenant, actor), KindRun(tenant, actor)

    plan = planned.run(kind, items, arguments, is_dry_run=True)

    assert planned.recorded == []
    ends = [done.run(kind, [item], arguments)[0] for item in items]
    assert [digest_of_end(end) for end in plan] == [digest_of_end(end) for end in ends], (seed, kind.code, plan, ends)
    return [end.refusal.code if end.refusal else end.outcome for end in ends]


@pytest.fixture
def many(make_form: Callable[..., UUID]) -> list[UUID]:
    return [make_form({"kennel_name": f"Kennel {number}"}) for number in range(4)]


def test_a_plan_is_what_a_run_does(many: list[UUID], kennels: Tenant, agent: Actor) -> None:
    outcomes = [one for seed in range(25) for one in compare(seed, many, tenant=kennels, actor=agent)]

    # The operations are varied enough to mean something.
    assert {"changed", "unchanged", "not_found", "invalid_answers"} <= set(outcomes)


@pytest.mark.slow
def test_a_thousand_plans_are_what_runs_do(make_form: Callable[..., UUID], kennels: Tenant, agent: Actor) -> None:
    for seed in range(1_000):
        # New forms now and then: those that were changed often have few valid changes left.
        if seed % 50 == 0:
            forms = [make_form({"kennel_name": f"Kennel {number}"}) for number in range(4)]
        compare(10_000 + seed, forms, tenant=kennels, actor=agent)


# The log of the server also has what other tests write.
@pytest.mark.alone
def test_a_dry_run_writes_nothing_takes_no_lock_and_sends_no_event(
    many: list[UUID], kennels: Tenant, agent: Actor
) -> None:
    items = [{"id": str(form_id), "answers": {"kennel_name": "Copper Paw"}} for form_id in many]
    kind, operation = kind_named("set_answers"), KindRun(kennels, agent)
    operation.run(kind, items, is_dry_run=True)  # loads what is loaded once
    with use_tenant(kennels):
        events = OutboxAction.objects.count()

    written = []
    for _ in range(3):
        before = position()
        # Somebody else holds the lock of a copy: a dry run that took one would wait and fail.
        with batch.find_and_lock(many[0], scope=kennels, actor=agent), CaptureQueriesContext(connection) as queries:
            ends = operation.run(kind, items, is_dry_run=True)
        written.append(position() - before)

    assert [end.outcome for end in ends] == ["changed"] * 4
    statements = [query["sql"] for query in queries]
    assert statements
    assert not [sql for sql in statements if WRITES.search(sql)]
    # Other work of the server may write meanwhile, so the least counts.
    assert min(written) == 0
    with use_tenant(kennels):
        assert OutboxAction.objects.count() == events


def position() -> int:
    """Return how many bytes the server has written to its write-ahead log."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
        return int(cursor.fetchone()[0])
