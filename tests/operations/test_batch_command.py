"""``manage.py batch``: each order works on one tenant's operation, and a refusal is one sentence."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from operations.engine.pace import Pace
from operations.engine.worker import drain
from tenants.models import Tenant, User
from tests.harness.api_client import NOBODY
from tests.harness.operation_orders import renamed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the work to the test: threads do not see its transaction."""
    monkeypatch.setattr("operations.management.commands.batch.start", lambda operation, *, tenant: None)


@pytest.fixture
def forms(make_form: Callable[..., UUID]) -> list[UUID]:
    return [make_form(), make_form()]


@pytest.fixture
def file(forms: list[UUID], tmp_path: Path) -> Path:
    path = tmp_path / "items.ndjson"
    lines = [json.dumps(item) for item in [*renamed(forms), {"id": NOBODY, "answers": {"kennel_name": "x"}}]]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def batch(*words: object, **options: Any) -> str:
    """Run the command; return what it prints."""
    printed = io.StringIO()
    call_command("batch", *map(str, words), stdout=printed, **options)
    return printed.getvalue()


def as_json(*words: object) -> dict[str, Any]:
    return json.loads(batch(*words, "--json"))


def work() -> None:
    drain("default", pace=Pace(seconds=1e9))


def test_an_operation_is_submitted_watched_and_undone(kennels: Tenant, file: Path) -> None:
    made = as_json("submit", "kennels", "set_answers", "--items", file, "--title", "Names", "--priority", -3)
    assert (made["total"], made["accepted"], made["rejected"]) == (3, 2, 1)
    assert [one["index"] for one in made["rejections"]] == [2]
    work()

    watched = batch("watch", "kennels", made["id"])
    status = as_json("status", "kennels", made["id"])
    undone = as_json("undo", "kennels", made["id"], "--dry-run")

    assert "[##############################] 100.0% of 2: 2 completed, 0 failed" in watched
    assert (status["state"], status["completed"], status["kind"]) == ("completed", 2, "set_answers")
    work()
    assert as_json("status", "kennels", undone["id"])["is_dry_run"]


def test_a_plan_is_made_and_carried_out(kennels: Tenant, file: Path) -> None:
    planned = as_json("submit", "kennels", "set_answers", "--items", file, "--dry-run")
    work()
    plan = as_json("status", "kennels", planned["id"])
    shown = batch("status", "kennels", planned["id"])

    text = batch("submit", "kennels", "--plan", planned["id"], "--plan-hash", plan["plan_hash"])
    assert f"submit kennels --plan {planned['id']} --plan-hash {plan['plan_hash']}" in shown

    assert text.endswith("2 items accepted, 0 rejected.\n")
    with pytest.raises(CommandError, match="A dry run changed nothing, so there is nothing to undo"):
        batch("undo", "kennels", planned["id"])


def test_it_is_paused_resumed_cancelled_and_retried(kennels: Tenant, file: Path) -> None:
    query = ["--query", '{"q": "kennel", "every_copy": true}', "--arguments", '{"answers": {"kennel_name": "Paw"}}']
    identity = as_json("submit", "kennels", "set_answers", "--items", file)["id"]

    assert as_json("pause", "kennels", identity)["state"] == "paused"
    assert "Paused" in batch("watch", "kennels", identity)
    assert as_json("resume", "kennels", identity)["state"] == "pending"
    assert as_json("cancel", "kennels", identity)["cancelled"] == 2
    with pytest.raises(CommandError, match="No failed item can be retried"):
        batch("retry", "kennels", identity, "--numbers", "0,1")
    with pytest.raises(CommandError, match="There are no items"):
        batch("submit", "kennels", "set_answers", *query[:1], '{"q": "xylophone"}', *query[2:])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("status", "nowhere", NOBODY), "There is no tenant 'nowhere'"),
        (("status", "kennels", NOBODY), "There is no such operation."),
        (("status", "kennels", "x"), "invalid UUID value"),
        (("submit", "kennels", "set_answers", "--items", "missing.json"), "cannot be read"),
        (("submit", "kennels", "set_answers"), "Send either items or a query."),
        (("submit", "kennels", "set_answer", "--query", '{"q": "x"}'), "/kind: There is no kind"),
        (("submit", "kennels", "set_answers", "--query", '{"x": 1}'), "cannot be read"),
        (("submit", "kennels", "set_answers", "--query", '{"q": "x"}', "--stop-after", "0"), "cannot be read"),
        (("retry", "kennels", NOBODY, "--numbers", "a"), "are no numbers of items, such as 3,17,20"),
        (("submit", "kennels", "set_answers", "--as", "x@example.com"), "There is no active user"),
    ],
)
def test_a_refusal_is_a_sentence(kennels: Tenant, words: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        batch(*words)


def test_no_similar_address_names_an_account(kennels: Tenant) -> None:
    User.objects.create_user("kim@kennels.example", role="agent", tenant=kennels)

    # A dotless i, whose capital is that of an i.
    with pytest.raises(CommandError, match="There is no active user"):
        batch("submit", "kennels", "set_answers", "--as", "k\u0131m@kennels.example")


def test_another_tenants_operation_is_unknown(kennels: Tenant, summit: Tenant, file: Path) -> None:
    identity = as_json("submit", "kennels", "set_answers", "--items", file)["id"]

    for order in ("status", "watch", "pause", "resume", "cancel", "retry", "undo"):
        with pytest.raises(CommandError, match="no such operation"):
            batch(order, "summit", identity)
