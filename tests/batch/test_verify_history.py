"""``verify_history`` and ``export_history_heads`` on stored copies."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from batch import service as batch
from batch.key_erasure import erase_keys
from copies.models import Copy, CopyRevision
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.kennel_catalogue import KENNELS
from tests.harness.later_releases import publish_release, with_sensitivity

pytestmark = pytest.mark.django_db
MakeForm = Callable[..., UUID]


def save(copy_id: UUID, tenant: Tenant, agent: Actor, times: int) -> None:
    for number in range(times):
        with batch.find_and_lock(copy_id, scope=tenant, actor=agent) as context:
            context.changeset.apply_answers({"kennel_name": f"Tails {number}"})
            context.save()


def run(*arguments: str) -> str:
    """Return what the command prints; it must find nothing."""
    out = StringIO()
    call_command("verify_history", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def faults(*arguments: str) -> list[dict[str, object]]:
    """Return the faults that the command finds."""
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("verify_history", "--json", *arguments, stdout=out, stderr=StringIO())
    return [json.loads(line) for line in out.getvalue().splitlines()]


def noted(path: Path) -> str:
    out = StringIO()
    call_command("export_history_heads", stdout=out)
    path.write_text(out.getvalue())
    return str(path)


def test_what_was_saved_is_in_order_and_what_was_altered_is_named(
    make_form: MakeForm, kennels: Tenant, agent: Actor, tmp_path: Path
) -> None:
    form_id, other = make_form(), make_form()
    save(form_id, kennels, agent, 10)
    with batch.build_copy(form_id, scope=kennels, actor=agent, version=4) as context:
        context.save()
    anchors = noted(tmp_path / "heads")
    save(other, kennels, agent, 2)
    assert run("--anchors", anchors) == "3 copies with 15 versions: nothing was altered.\n"

    with use_tenant(kennels), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE copies_copyrevision SET actor_label = 'Eve' WHERE copy_id = %s AND version = 5", [form_id]
        )
        cursor.execute("DELETE FROM copies_copyrevision WHERE copy_id = %s AND version = 3", [other])

    found = {(fault["copy"], fault["version"], fault["kind"]) for fault in faults("--anchors", anchors)}
    assert found == {(str(form_id), 5, "altered"), (str(other), 3, "cut")}
    assert {fault["copy"] for fault in faults("--form", str(other), "--tenant", "kennels")} == {str(other)}


def test_the_anchor_tells_what_was_cut_or_removed(
    make_form: MakeForm, kennels: Tenant, agent: Actor, tmp_path: Path
) -> None:
    form_id, other = make_form(), make_form()
    save(form_id, kennels, agent, 3)
    anchors = noted(tmp_path / "heads")
    with use_tenant(kennels):
        before = CopyRevision.objects.get(copy_id=form_id, version=1)
        CopyRevision.objects.filter(copy_id=form_id, version__gt=1).delete()
        columns = {name: getattr(before, name) for name in ("version", "document", "evaluation", "chain")}
        Copy.objects.filter(pk=form_id).update(**columns)
        CopyRevision.objects.filter(copy_id=other).delete()
        Copy.objects.filter(pk=other).delete()
    assert run() == "1 copies with 1 versions: nothing was altered.\n"

    found = {(fault["copy"], fault["version"], fault["kind"]) for fault in faults("--anchors", anchors)}

    assert found == {(str(form_id), 2, "cut"), (str(other), 1, "missing")}


def test_sealing_and_erasing_keep_the_chain(make_form: MakeForm, kennels: Tenant, agent: Actor, tmp_path: Path) -> None:
    form_id = make_form({"owner_phone": "614-555-0101"})
    save(form_id, kennels, agent, 9)
    anchors = noted(tmp_path / "heads")
    publish_release(with_sensitivity(KENNELS, owner_phone="spi", kennel_name="spi"))

    call_command("seal_answers", stdout=StringIO(), stderr=StringIO())

    assert run("--anchors", anchors).endswith("with 11 versions: nothing was altered.\n")
    with use_tenant(kennels):
        before = {row.version: bytes(row.document) for row in CopyRevision.objects.filter(copy_id=form_id)}
    erase_keys(form_id, scope=kennels, actor=agent, reason="for the test of the chain")
    assert run("--anchors", anchors).endswith("with 12 versions: nothing was altered.\n")
    with use_tenant(kennels):
        CopyRevision.objects.filter(copy_id=form_id, version=11).update(amends=b"")
    assert before and {fault["version"] for fault in faults()} >= set(range(1, 11))


def test_an_unknown_tenant_and_wrong_anchors_are_refused(kennels: Tenant, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no tenant"):
        run("--tenant", "nobody")
    (tmp_path / "wrong").write_text('{"tenant": "kennels"}')
    with pytest.raises(CommandError, match="cannot be read"):
        run("--anchors", str(tmp_path / "wrong"))
