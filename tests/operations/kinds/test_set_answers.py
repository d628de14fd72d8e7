"""The kind that sets answers: the same checks as for one copy, and a bad copy does not affect the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from actions.models import OutboxAction
from batch import service as batch
from copies.models import Copy, CopyRevision
from operations.kinds.kind import CHANGED, UNCHANGED
from operations.kinds.registry import kind_named
from operations.kinds.traces import CopyTrace, read_traces
from tenants.access import Actor, MissingRight, Right
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.kind_runs import KindRun, without_ids

pytestmark = pytest.mark.django_db
SET_ANSWERS = kind_named("set_answers")


@pytest.fixture
def forms(make_form: Callable[..., UUID]) -> list[UUID]:
    return [make_form({"kennel_name": f"Kennel {number}"}) for number in range(4)]


def items(forms: list[UUID], **values: Any) -> list[dict[str, Any]]:
    return [{"id": form_id, **values} for form_id in forms]


def test_every_copy_gets_the_answers_and_its_own(
    forms: list[UUID], operation: KindRun, value_of: Callable[..., Any], kennels: Tenant
) -> None:
    ends = operation.run(
        SET_ANSWERS,
        [{"id": forms[0]}, {"id": forms[1], "answers": {"kennel_name": "Apart"}}],
        {"answers": {"state": "OH"}, "answer_pools": {"houses": [{"answers": {"house_name": "West", "runs": 60}}]}},
    )

    assert [end.outcome for end in ends] == [CHANGED, CHANGED]
    assert operation.recorded == ends
    assert [value_of(form_id, "state") for form_id in forms] == ["OH", "OH", "TX", "TX"]
    assert value_of(forms[1], "kennel_name") == "Apart"
    assert ends[0].result["eligibility"]["PA-CARE"] == {
        "before": {"outcome": "eligible", "premium": 300},
        "after": {"outcome": "refer", "premium": 1000},
    }
    assert (ends[0].version_before, ends[0].version_after, ends[0].copy_id) == (1, 2, forms[0])
    assert read_traces(ends[0].undo or {}) == (CopyTrace(copy_id=forms[0], before=1, after=2),)
    with use_tenant(kennels):
        revision = CopyRevision.objects.get(copy_id=forms[0], version=2)
        assert (revision.cause_type, revision.cause_id) == ("operation", str(operation.operation_id))


def test_an_item_that_changes_nothing_makes_no_version(forms: list[UUID], operation: KindRun) -> None:
    ends = operation.run(SET_ANSWERS, items(forms), {"answers": {"state": "TX"}})

    assert {(end.outcome, end.version_after, end.undo) for end in ends} == {(UNCHANGED, 1, None)}
    assert operation.recorded == []


def test_invalid_locked_bound_deleted_and_unknown_copies_are_refused_with_their_reason(
    make_form: Callable[..., UUID], forms: list[UUID], operation: KindRun, kennels: Tenant, agent: Actor
) -> None:
    locked, bound, moved, deleted = forms
    with batch.find_and_lock(locked, scope=kennels, actor=agent) as context:
        context.changeset.copy.lock(reason="With the underwriter")
        context.save()
    with batch.find_and_lock(bound, scope=kennels, actor=agent) as context:
        context.changeset.dispositions.give("bound")
        context.save()
    with use_tenant(kennels):
        Copy.objects.filter(id=deleted).update(deleted_at="2026-01-01T00:00:00Z")
    good, bad, unknown = make_form(), make_form(), uuid4()

    ends = operation.run(
        SET_ANSWERS,
        [
            {"id": locked},
            {"id": bound},
            {"id": moved, "expected_version": 7},
            {"id": deleted},
            {"id": unknown},
            {"id": bad, "answers": {"state": "XX"}},
            {"id": good},
        ],
        {"answers": {"state": "OH"}},
    )

    found = [end.refusal.code if end.refusal else end.outcome for end in ends]
    assert found == [
        "copy_locked",
        "form_bound",
        "version_mismatch",
        "copy_deleted",
        "not_found",
        "invalid_answers",
        "changed",
    ]
    assert ends[5].refusal is not None
    assert ends[5].refusal.errors[0]["path"] == "state"
    assert [end.copy_id for end in operation.recorded] == [good]


def test_items_of_one_copy_come_one_after_the_other(
    forms: list[UUID], operation: KindRun, value_of: Callable[..., Any]
) -> None:
    ends = operation.run(
        SET_ANSWERS,
        [{"id": forms[0], "answers": {"kennel_name": name}} for name in ("First", "Second", "Third")],
    )

    assert [(end.version_before, end.version_after) for end in ends] == [(1, 2), (2, 3), (3, 4)]
    assert value_of(forms[0], "kennel_name") == "Third"


def test_a_copy_in_use_is_tried_again_later(
    forms: list[UUID], operation: KindRun, kennels: Tenant, agent: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("operations.kinds.copy_kind.LOCK_SECONDS", 0)
    with batch.find_and_lock(forms[0], scope=kennels, actor=agent):
        (held, free) = operation.run(SET_ANSWERS, items(forms[:2]), {"answers": {"state": "OH"}})

    assert held.refusal is not None
    assert (held.refusal.code, held.refusal.transient, free.refusal) == ("locked_by_another_save", True, None)


def test_a_dry_run_ends_as_the_run_and_writes_nothing(
    forms: list[UUID], operation: KindRun, kennels: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = [*items(forms[:3]), {"id": uuid4()}, {"id": forms[3], "answers": {"state": "XX"}}]
    arguments = {"answers": {"state": "OH", "has_cats": True, "cat_count": 120}}
    with use_tenant(kennels):
        actions = OutboxAction.objects.count()

    with CaptureQueriesContext(connections["default"]) as queries, monkeypatch.context() as patch:
        patch.setattr("batch.locks.copy_lock.CopyLocks.acquire", lambda lock: pytest.fail("a dry run takes no lock"))
        planned = operation.run(SET_ANSWERS, given, arguments, is_dry_run=True)

    assert all(query["sql"].lstrip().startswith(("SELECT", "WITH", "SAVEPOINT", "RELEASE")) for query in queries)
    assert operation.recorded == []
    with use_tenant(kennels):
        assert (CopyRevision.objects.count(), OutboxAction.objects.count()) == (4, actions)
    assert without_ids(planned) == without_ids(operation.run(SET_ANSWERS, given, arguments))


def test_warnings_are_confirmed(forms: list[UUID], operation: KindRun) -> None:
    ends = operation.run(SET_ANSWERS, items(forms[:1], confirm=[{"path": "state", "code": "nothing_of_the_kind"}]))

    assert ends[0].refusal is not None
    assert ends[0].refusal.code == "nothing_to_confirm"


def test_items_are_refused_before_anything_is_stored(
    forms: list[UUID], kennels: Tenant, agent: Actor, summit: Tenant
) -> None:
    given = [SET_ANSWERS.item_type(id=forms[0]), SET_ANSWERS.item_type(id=uuid4())]
    arguments = SET_ANSWERS.arguments_type(answers={"state": "OH"})

    found = SET_ANSWERS.refusals(given, arguments, tenant=kennels, actor=agent)
    elsewhere = SET_ANSWERS.refusals(given, arguments, tenant=summit, actor=agent)
    empty = SET_ANSWERS.refusals(given[:1], SET_ANSWERS.arguments_type(), tenant=kennels, actor=agent)

    assert [refusal and refusal.code for refusal in found + elsewhere + empty] == [
        None,
        "not_found",
        "not_found",
        "not_found",
        "nothing_to_set",
    ]


def test_without_the_right_nothing_is_done(forms: list[UUID], kennels: Tenant, agent: Actor) -> None:
    reader = replace(agent, rights=frozenset({Right.READ_FORMS}))

    with pytest.raises(MissingRight):
        KindRun(kennels, reader).run(SET_ANSWERS, items(forms), {"answers": {"state": "OH"}})


def test_a_value_that_the_author_may_not_read_is_set_and_never_compared(
    make_form: Callable[..., UUID], kennels: Tenant, agent: Actor
) -> None:
    forms = [make_form({"owner_phone": phone}) for phone in ("512-555-0100", "512-555-0199")]
    blind = replace(agent, rights=agent.rights - {Right.READ_PERSONAL})

    ends = KindRun(kennels, blind).run(SET_ANSWERS, items(forms), {"answers": {"owner_phone": "512-555-0100"}})

    assert [(end.outcome, end.result) for end in ends] == [(CHANGED, {"changes": 1, "eligibility": {}})] * 2
