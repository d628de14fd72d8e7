"""The kind that imports forms: one form of each item, made together, each at most once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from copies.models import Copy, CopyRevision
from forms.models import ApplicationForm
from operations.kinds.kind import CHANGED, UNCHANGED
from operations.kinds.registry import kind_named
from operations.kinds.traces import CopyTrace, read_traces
from tenants.access import Actor, MissingRight, Right
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.kennel_catalogue import ANSWERS, HOUSES
from tests.harness.kind_runs import KindRun

pytestmark = pytest.mark.django_db
IMPORT = kind_named("import_forms")


def new_forms(amount: int, **values: Any) -> list[dict[str, Any]]:
    return [
        {
            "answers": {**ANSWERS, "kennel_name": f"Kennel {number}"},
            "answer_pools": {"houses": HOUSES},
            "title": f"Form {number}",
            "reference": f"R-{number}",
            **values,
        }
        for number in range(amount)
    ]


def test_each_item_becomes_a_form_under_its_id(operation: KindRun, kennels: Tenant) -> None:
    ends = operation.run(IMPORT, new_forms(3))

    assert operation.recorded == ends
    assert [end.outcome for end in ends] == [CHANGED] * 3
    assert {end.copy_id for end in ends} == {end.item_id for end in ends}
    assert ends[0].result["eligibility"]["PA-CARE"]["after"] == {"outcome": "eligible", "premium": 300}
    assert read_traces(ends[0].undo or {}) == (
        CopyTrace(copy_id=ends[0].item_id, before=0, after=1, presence="made"),
    )  # fmt: skip
    with use_tenant(kennels):
        forms = ApplicationForm.objects.in_bulk([end.item_id for end in ends])
        assert [forms[end.item_id].reference for end in ends] == ["R-0", "R-1", "R-2"]
        copies = Copy.objects.in_bulk([end.item_id for end in ends])
        assert [copies[end.item_id].title for end in ends] == ["Form 0", "Form 1", "Form 2"]
        revision = CopyRevision.objects.get(copy_id=ends[0].item_id)
        assert (revision.version, revision.cause_type, revision.cause_id) == (
            1,
            "operation",
            str(operation.operation_id),
        )


def test_a_repeated_attempt_makes_no_second_form(operation: KindRun, kennels: Tenant) -> None:
    first = operation.run(IMPORT, new_forms(2))
    again = operation.run(IMPORT, new_forms(2), ids=[end.item_id for end in first])

    assert [end.outcome for end in again] == [UNCHANGED] * 2
    assert [end.copy_id for end in again] == [end.copy_id for end in first]
    with use_tenant(kennels):
        assert ApplicationForm.objects.count() == 2


def test_a_bad_item_fails_alone_with_the_places_of_its_faults(operation: KindRun, kennels: Tenant) -> None:
    items = new_forms(4)
    items[1]["answer_pools"] = {"houses": [{"answers": {"house_name": "East", "runs": 900}}]}
    items[2]["answers"]["stat"] = "TX"
    items[3]["title"] = "123-45-6789"

    good, runs, unknown, title = operation.run(IMPORT, items)

    assert good.refusal is None
    assert runs.refusal is not None
    assert [error["pointer"] for error in runs.refusal.errors] == ["/answer_pools/houses/0/answers/runs"]
    assert unknown.refusal is not None
    assert unknown.refusal.errors[0]["code"] == "unknown_question"
    assert title.refusal is not None
    assert title.refusal.code == "sensitive_text_refused"
    with use_tenant(kennels):
        assert ApplicationForm.objects.count() == 1


def test_a_chunk_is_one_statement_whatever_its_size(operation: KindRun, kennels: Tenant) -> None:
    counts = []
    for amount in (2, 20):
        with CaptureQueriesContext(connections["default"]) as queries:
            operation.run(IMPORT, new_forms(amount))
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_a_dry_run_reports_the_same_and_writes_nothing(operation: KindRun, kennels: Tenant) -> None:
    items = new_forms(2)
    items[1]["answers"]["state"] = "ZZ"

    plan = operation.run(IMPORT, items, is_dry_run=True)
    with use_tenant(kennels):
        assert ApplicationForm.objects.count() == 0
    ends = operation.run(IMPORT, items)

    assert [(end.outcome, end.refusal, end.result) for end in plan] == [
        (end.outcome, end.refusal, end.result) for end in ends
    ]


def test_the_evaluation_date_and_the_catalogue_are_checked_before(kennels: Tenant, agent: Actor) -> None:
    items = [IMPORT.item_type(as_of=date(2026, 1, 1)), IMPORT.item_type(catalogue="nowhere"), IMPORT.item_type()]
    limited = replace(agent, rights=agent.rights - {Right.SET_AS_OF})
    arguments = IMPORT.arguments_type()

    assert [one and one.code for one in IMPORT.refusals(items, arguments, tenant=kennels, actor=limited)] == [
        "missing_right",
        "unknown_catalogue",
        None,
    ]
    assert IMPORT.refusals(items, arguments, tenant=kennels, actor=agent)[0] is None
    refused = IMPORT.refuse_arguments(IMPORT.arguments_type(catalogue="nowhere"), tenant=kennels, actor=agent)
    assert refused is not None
    assert refused.code == "unknown_catalogue"


def test_the_rights_of_the_run_count(operation: KindRun, kennels: Tenant, agent: Actor) -> None:
    limited = KindRun(kennels, replace(agent, rights=agent.rights - {Right.SET_AS_OF}))

    ends = limited.run(IMPORT, new_forms(1, as_of="2026-01-01"))

    assert ends[0].refusal is not None
    assert ends[0].refusal.code == "missing_right"
    with pytest.raises(MissingRight):
        KindRun(kennels, replace(agent, rights=frozenset())).run(IMPORT, new_forms(1))


def test_an_external_id_that_exists_fails_its_item_alone(operation: KindRun, kennels: Tenant) -> None:
    items = new_forms(3, metadata={"source": "file"})
    for item, external_id in zip(items, ("A", "B", "A"), strict=True):
        item["external_id"] = external_id

    ends = operation.run(IMPORT, items)

    assert [end.refusal.code if end.refusal else "" for end in ends] == ["", "", "external_id_taken"]
    with use_tenant(kennels):
        forms = ApplicationForm.objects.order_by("external_id").values_list("id", "external_id", "metadata")
        assert list(forms) == [
            (ends[0].item_id, "A", {"source": "file"}),
            (ends[1].item_id, "B", {"source": "file"}),
        ]
