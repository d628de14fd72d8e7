"""Answers and rows in the shapes of the API: every fault is reported with its place, and one fault refuses all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
import pytest

from batch import service as batch
from batch.errors import InvalidAnswers
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

pytestmark = pytest.mark.django_db

ROW = "<row>"
FAULTS: list[tuple[str, Any, Any, str, str]] = [
    ("unknown question", {"nope": 1}, {}, "/answers/nope", "unknown_question"),
    ("pointer escaping", {"a/b~c": 1}, {}, "/answers/a~1b~0c", "unknown_question"),
    ("question of a pool", {"runs": 1}, {}, "/answers/runs", "wrong_place"),
    (
        "question of the top",
        {},
        {"houses": [{"answers": {"state": "TX"}}]},
        "/answer_pools/houses/0/answers/state",
        "wrong_place",
    ),
    ("answers are no object", [], {}, "/answers", "wrong_type"),
    ("pools are no object", {}, [], "/answer_pools", "wrong_type"),
    ("unknown pool", {}, {"nope": []}, "/answer_pools/nope", "unknown_pool"),
    ("pool of a row at the top", {}, {"fences": []}, "/answer_pools/fences", "unknown_pool"),
    ("rows are no list", {}, {"houses": {}}, "/answer_pools/houses", "wrong_type"),
    ("a row is no object", {}, {"houses": [3]}, "/answer_pools/houses/0", "wrong_type"),
    ("unknown key of a row", {}, {"houses": [{"runs": 3}]}, "/answer_pools/houses/0/runs", "unknown_key"),
    ("unknown row", {}, {"houses": [{"id": "nope"}]}, "/answer_pools/houses/0/id", "unknown_row"),
    ("id is no text", {}, {"houses": [{"id": 3}]}, "/answer_pools/houses/0/id", "wrong_type"),
    ("row given twice", {}, {"houses": [{"id": ROW}, {"id": ROW}]}, "/answer_pools/houses/1/id", "duplicate_row"),
    ("delete without id", {}, {"houses": [{"delete": True}]}, "/answer_pools/houses/0/delete", "missing_id"),
    ("delete is not true", {}, {"houses": [{"id": ROW, "delete": 1}]}, "/answer_pools/houses/0/delete", "wrong_type"),
    (
        "delete with answers",
        {},
        {"houses": [{"id": ROW, "delete": True, "answers": {}}]},
        "/answer_pools/houses/0/delete",
        "wrong_type",
    ),
    ("too many rows", {}, {"houses": [{}, {}, {}]}, "/answer_pools/houses", "pool_full"),
    (
        "nested fault in a new row",
        {},
        {"houses": [{"answer_pools": {"fences": [{"answers": {"fence_feet": "high"}}]}}]},
        "/answer_pools/houses/0/answer_pools/fences/0/answers/fence_feet",
        "",
    ),
]


@pytest.mark.parametrize(
    ("answers", "pools", "pointer", "code"), [case[1:] for case in FAULTS], ids=[case[0] for case in FAULTS]
)
def test_a_fault_is_reported_with_its_place_and_nothing_is_applied(
    answers: Any, pools: Any, pointer: str, code: str, make_form: Callable[..., UUID], kennels: Tenant, agent: Actor
) -> None:
    context = batch.find(make_form(), scope=kennels, actor=agent)
    with use_tenant(kennels):
        changeset = context.changeset
        row_id = changeset.find_pool("houses").rows[0].id
        before = msgspec.json.encode(changeset.document)
        given = {"kennel_name": "Changed", **answers} if isinstance(answers, dict) else answers
        pools = msgspec.json.decode(msgspec.json.encode(pools).replace(ROW.encode(), row_id.encode()))

        with pytest.raises(InvalidAnswers) as refusal:
            changeset.apply_answers(given, pools)

    assert [fault.pointer for fault in refusal.value.faults] == [pointer]
    assert not code or refusal.value.faults[0].code == code
    assert refusal.value.faults[0].text
    assert msgspec.json.encode(changeset.document) == before
    assert changeset.changes() == []


def test_all_faults_are_reported_at_once(make_form: Callable[..., UUID], kennels: Tenant, agent: Actor) -> None:
    context = batch.find(make_form(), scope=kennels, actor=agent)

    with use_tenant(kennels), pytest.raises(InvalidAnswers) as refusal:
        context.changeset.apply_answers({"nope": 1, "has_cats": "perhaps"}, {"houses": [3], "nope": []})

    assert [fault.pointer for fault in refusal.value.faults] == [
        "/answers/nope",
        "/answers/has_cats",
        "/answer_pools/houses/0",
        "/answer_pools/nope",
    ]


def test_a_row_that_is_replaced_makes_room(make_form: Callable[..., UUID], kennels: Tenant, agent: Actor) -> None:
    form_id = make_form(answer_pools={"houses": [{}, {}, {}]})

    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        row_id = context.changeset.find_pool("houses").rows[0].id
        context.changeset.apply_answers({}, {"houses": [{"id": row_id, "delete": True}, {"answers": {"runs": 3}}]})
        assert len(context.changeset.find_pool("houses").rows) == 3
        context.save()


def test_adding_a_faulty_row_adds_none(make_form: Callable[..., UUID], kennels: Tenant, agent: Actor) -> None:
    context = batch.find(make_form(), scope=kennels, actor=agent)

    with use_tenant(kennels):
        pool = context.changeset.find_pool("houses")
        with pytest.raises(InvalidAnswers):
            pool.add(answers={"runs": "many"})

        assert len(pool.rows) == 1
        assert context.changeset.changes() == []
