"""The recipes of CONTRIBUTING.md work as they are written."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar, Final
from uuid import UUID

import msgspec
import pytest
from django.http import HttpResponse
from django.template import engines
from django.test import override_settings
from django.urls import include, path
from rest_framework.request import Request

from actions.kinds import FieldsPayload, PayloadTime
from actions.registry import Budget, Delivered, Registry
from actions.relay import drain
from batch import service as batch
from batch.changes.attached import AttachedRecord, RecordAccumulator, RecordKind
from batch.changes.record_mutator import RecordCollection, RecordMutator
from batch.context import BatchContext
from house.place import CHECKOUT
from operations.kinds.copy_kind import CopyItem, CopyKind, Done
from operations.kinds.kind import Work
from partner_engine import urls
from partner_engine.api.bodies import ReadQuery
from partner_engine.api.copies import find_copy
from partner_engine.api.http import schema_components
from partner_engine.api.http.conditional import version_tag
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.schema import documented
from partner_engine.web.pages.reading import Reading
from rules.language import expressions, functions, kinds, operators
from rules.language.expressions import Language, Scope, Variable
from rules.types.question_type import QuestionType
from rules.types.text_input import InvalidValue, pattern_cleaner
from tenants.access import Actor, Right
from tenants.models import ApiClient, Tenant
from tests.harness.api_client import Api
from tests.harness.kennel_forms import agent, form_id, kennels, make_form  # noqa: F401 - fixtures
from tests.harness.kind_runs import KindRun
from tests.harness.outboxes import put
from webhooks import event_types
from webhooks.event_types import CopyEvent, EventType, event_names, event_schema, is_event_pattern, register_event_types

PAGE: Final = (CHECKOUT / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPES: Final = dict(re.findall(r"^### (.+?)\n(.*?)(?=^##|\Z)", PAGE, flags=re.DOTALL | re.MULTILINE))


def blocks(recipe: str, language: str = "python") -> list[str]:
    """Return the code of a recipe."""
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", RECIPES[recipe], flags=re.DOTALL)
    assert found, recipe
    return found


def run(recipe: str, **names: Any) -> Mapping[str, Any]:
    """Execute the code of a recipe with ``names``; return the names that it defines."""
    known: dict[str, Any] = {"ClassVar": ClassVar, "Final": Final, "__name__": __name__, **names}
    for block in blocks(recipe):
        exec(compile(block, recipe, "exec"), known)  # noqa: S102 - the page is ours
    return known


def test_every_recipe_is_short_and_is_run_here():
    assert list(RECIPES) == [
        "An endpoint", "An attached record", "A question type", "A deferred action", "A rule function", "A page part",
        "A webhook event", "A kind of operation",
    ]  # fmt: skip
    for recipe in RECIPES:
        for block in blocks(recipe):
            assert len([line for line in block.splitlines() if line.strip()]) <= 12, recipe


@pytest.mark.usefixtures("demo")
def test_an_endpoint(harbor: Tenant, harbor_client: ApiClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(schema_components, "_described", dict(schema_components._described))

    class TitleShape(msgspec.Struct):
        title: str

    made = run(
        "An endpoint", Endpoint=Endpoint, Right=Right, documented=documented, TitleShape=TitleShape, Request=Request,
        UUID=UUID, HttpResponse=HttpResponse, find_copy=find_copy, ReadQuery=ReadQuery, version_tag=version_tag,
    )  # fmt: skip
    routes = ModuleType("routes_with_title")
    routes.urlpatterns = [  # type: ignore[attr-defined]
        path("api/v1/titles/<uuid:id>", made["Title"].as_view()),
        path("", include(urls)),
    ]
    sys.modules[routes.__name__] = routes
    caller = Api(harbor_client)
    form = caller.post("/application_forms", {"title": "Base"}).json()

    with override_settings(ROOT_URLCONF=routes.__name__):
        response = caller.get(f"/titles/{form['id']}")

    assert (response.status_code, response.json()) == (200, {"title": "Base"})


def test_an_attached_record(form_id: UUID, kennels: Tenant, agent: Actor):  # noqa: F811 - fixtures
    made = run(
        "An attached record", AttachedRecord=AttachedRecord, RecordMutator=RecordMutator, RecordKind=RecordKind,
        RecordCollection=RecordCollection,
    )  # fmt: skip

    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        tracker = context.changeset.tracker
        tracker.attached["notes"] = RecordAccumulator(made["NoteMutator"].kind, ())
        note = made["Notes"](tracker).add("Call back on Monday")

        [change] = context.changeset.changes()

    assert (change.path, change.before, change.after) == (f"copy.notes/{note.id}", None, "Call back on Monday")


def test_a_question_type():
    color = run("A question type", QuestionType=QuestionType, kinds=kinds, pattern_cleaner=pattern_cleaner)["COLOR"]

    assert color.clean("#00ff00") == "#00FF00"
    with pytest.raises(InvalidValue, match="Enter a color"):
        color.clean("green")


@pytest.mark.django_db
def test_a_deferred_action(harbor: Tenant):
    registry, greeted = Registry(), list[str]()

    def handles(kind: Any, *, budget: Budget) -> Callable[[Any], None]:
        return lambda handler: registry.register(kind, handler, budget=budget)

    made = run(
        "A deferred action", dataclass=dataclass, FieldsPayload=FieldsPayload, PayloadTime=PayloadTime,
        handles=handles, Budget=Budget, Delivered=Delivered, greeted=greeted,
    )  # fmt: skip
    put(harbor, made["GreetOwner"](copy_id="1"), version=3)

    assert drain("default", registry=registry).done == 1
    assert greeted == ["1"]


def test_a_rule_function(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(functions, "FUNCTIONS", dict(functions.FUNCTIONS))
    monkeypatch.setattr(expressions, "FUNCTIONS", functions.FUNCTIONS)
    run(
        "A rule function", FUNCTIONS=functions.FUNCTIONS, Function=functions.Function, over_known=operators.over_known,
        NUMBER=kinds.NUMBER, DATE=kinds.DATE, date=date,
    )  # fmt: skip
    scope = Scope(Language({}), {"started": Variable(kinds.DATE, 0, 1)})

    condition = scope.compile("quarter(started) == 2")

    assert condition.evaluate([date(2026, 1, 1), date(2026, 5, 1)]) is True
    assert condition.evaluate([date(2026, 1, 1), date(2026, 7, 1)]) is False


def test_a_page_part():
    made = run("A page part", dataclass=dataclass, Reading=Reading)
    [markup] = blocks("A page part", "html")

    part = made["build_greeting"](SimpleNamespace(facts=SimpleNamespace(title="<Base>")))

    assert engines["django"].from_string(markup).render({"greeting": part}).strip() == (
        '<p class="greeting">Welcome to &lt;Base&gt;</p>'
    )


def test_a_webhook_event(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(event_types, "_registered", dict(event_types._registered))

    run("A webhook event", CopyEvent=CopyEvent, EventType=EventType, register_event_types=register_event_types)

    assert "print.finished" in event_names()
    assert is_event_pattern("print.*")
    assert event_schema()["$defs"]["FormPrinted"]["properties"]["pages"] == {"type": "integer"}


def test_a_kind_of_operation(form_id: UUID, kennels: Tenant, agent: Actor):  # noqa: F811 - fixtures
    class RenameArguments(msgspec.Struct):
        title: str

    rename = run(
        "A kind of operation", CopyKind=CopyKind, CopyItem=CopyItem, RenameArguments=RenameArguments, Done=Done,
        BatchContext=BatchContext, Work=Work,
    )["Rename"]()  # fmt: skip
    operation, arguments = KindRun(kennels, agent), {"title": "Winter"}

    planned = operation.run(rename, [{"id": form_id}], arguments, is_dry_run=True)
    (end,) = operation.run(rename, [{"id": form_id}], arguments)

    assert ([one.outcome for one in planned], end.outcome, operation.recorded) == (["changed"], "changed", [end])
    assert batch.find(form_id, scope=kennels, actor=agent).copy.fields.title == "Winter"
