"""``assert_batch``: runs a change through the batch and checks the invariants of every use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
import pytest
from django.db import IntegrityError, connections
from django.test.utils import CaptureQueriesContext

from actions.kinds import DeferredAction
from actions.models import OutboxAction
from actions.outbox import outbox_rows
from batch import service as batch
from batch.changes.changeset import Changeset
from batch.changes.decision import decide
from batch.changes.records import SaveResult
from batch.context import BatchContext
from batch.storage.tables import TABLES
from copies.changes import Change
from copies.history import contents
from copies.models import Copy, CopyRevision
from copies.stored_versions import Content
from forms.models import ApplicationForm
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

#: All rows that a save can write, as one row of texts; of revisions and actions the ids.
_TRACE: Final = "SELECT " + ", ".join(  # noqa: S608 - names of tables
    [
        *(
            f"(SELECT string_agg(t::text, '|' ORDER BY id) FROM {model._meta.db_table} t)"  # noqa: S608
            for model in (Copy, ApplicationForm, *(table.model for table in TABLES))
        ),
        *(
            f"(SELECT string_agg(id::text, '|' ORDER BY id) FROM {model._meta.db_table})"  # noqa: S608
            for model in (CopyRevision, OutboxAction)
        ),
    ]
)


class Boom(Exception):
    """A deliberate failure."""


def assert_batch(
    copy_id: UUID, change: Callable[[Changeset], object], *, scope: Tenant, actor: Actor, kinds: list[str] | None = None
) -> SaveResult:
    """Carry out ``change`` and save; return the result.

    Checks that a failing save leaves no trace, that the save is one statement (which is one transaction), that a
    reload equals memory, that firing the rules again changes nothing, that one revision contains the changes, and that
    the outbox contains the actions of the result (``kinds`` in order, if passed).
    """
    _assert_failure_leaves_no_trace(copy_id, change, scope=scope, actor=actor)
    with use_tenant(scope):
        known_actions = set(OutboxAction.objects.values_list("id", flat=True))

    with batch.find_and_lock(copy_id, scope=scope, actor=actor, archived=True) as context:
        change(context.changeset)
        with CaptureQueriesContext(connections[scope.database_alias]) as queries:
            result = context.save()
        _assert_reload_equals_memory(context, scope, actor)

    sent = [query["sql"] for query in queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    assert len(sent) == (1 if result.written else 0), sent
    with use_tenant(scope):
        actions = list(OutboxAction.objects.exclude(id__in=known_actions).order_by("created_at", "id"))
        assert sorted(action.kind for action in actions) == sorted(action.kind for action in result.actions)
        assert all(action.version == result.version for action in actions)
        if kinds is not None:
            assert [action.kind for action in actions] == kinds
        if result.written:
            _assert_revision(context.copy.id, result)
    return result


def _assert_reload_equals_memory(context: BatchContext, scope: Tenant, actor: Actor) -> None:
    stored = batch.find(context.copy.id, scope=scope, actor=actor, archived=True)

    assert stored.copy == context.copy
    assert stored.form == context.form
    assert stored.attached == context.attached
    assert stored.evaluation == context.evaluation
    with use_tenant(scope):
        again = stored.changeset
        before = msgspec.json.encode(again.document)
        evaluation = decide(again)
    assert again.changes() == []
    assert msgspec.json.encode(again.document) == before
    assert msgspec.structs.replace(evaluation, release=0) == msgspec.structs.replace(stored.evaluation, release=0)


def _assert_revision(copy_id: UUID, result: SaveResult) -> None:
    revision = CopyRevision.objects.get(copy_id=copy_id, version=result.version)
    copy = Copy.objects.get(id=copy_id)
    assert copy.version == result.version
    (content,) = [content for _, content in contents(copy_id, first=result.version)]
    assert content == Content.of(bytes(copy.document), bytes(copy.evaluation))
    assert bytes(revision.chain) == bytes(copy.chain)
    told = msgspec.convert(msgspec.to_builtins(result.changes), list[Change])
    assert [change.path for change in told] == [change.path for change in result.changes]


def _assert_failure_leaves_no_trace(
    copy_id: UUID, change: Callable[[Changeset], object], *, scope: Tenant, actor: Actor
) -> None:
    def trace() -> object:
        with use_tenant(scope), connections[scope.database_alias].cursor() as cursor:
            cursor.execute(_TRACE)
            return cursor.fetchone()

    before = trace()
    with (
        pytest.MonkeyPatch.context() as patch,
        pytest.raises(Boom),
        batch.find_and_lock(copy_id, scope=scope, actor=actor, archived=True) as context,
    ):
        # The database refuses one of the written rows: none of the others may be stored.
        patch.setattr("batch.storage.rows.outbox_rows", _with_a_bad_row)
        change(context.changeset)
        try:
            written = context.save().written
        except IntegrityError as error:
            raise Boom from error
        if not written:
            raise Boom
    assert trace() == before


def _with_a_bad_row(actions: Sequence[DeferredAction], **known: Any) -> list[dict[str, Any]]:
    rows = outbox_rows(actions, **known)
    return [*rows, {**rows[0], "id": uuid4(), "kind": None}]
