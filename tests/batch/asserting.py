"""``assert_batch``: runs a change through the batch and checks what must hold on every use of it."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import msgspec
import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from actions.models import OutboxAction
from batch import service as batch
from batch.changeset import Changeset
from batch.context import BatchContext
from batch.deciding import decide
from batch.setting import SaveResult
from copies.changes import Change
from copies.codec import decode_document
from copies.models import Copy, CopyRevision
from tenants.access import Actor
from tenants.models import Tenant
from tenants.scoping import use_tenant


class Boom(Exception):
    """A failure made on purpose."""


def assert_batch(
    copy_id: UUID, change: Callable[[Changeset], object], *, scope: Tenant, actor: Actor, kinds: list[str] | None = None
) -> SaveResult:
    """Carry out ``change`` and save; return the result.

    Checks that a failing save leaves no trace, that the save is one transaction, that a reload equals memory, that
    firing the rules again changes nothing, that one revision tells the changes, and that the outbox holds what the
    result says (``kinds`` in order where given).
    """
    _assert_failure_leaves_no_trace(copy_id, change, scope=scope, actor=actor)
    with use_tenant(scope):
        known_actions = set(OutboxAction.objects.values_list("id", flat=True))

    with batch.find_and_lock(copy_id, scope=scope, actor=actor, archived=True) as context:
        change(context.changeset)
        with CaptureQueriesContext(connections[scope.database_alias]) as queries:
            result = context.save()
        _assert_reload_equals_memory(context, scope, actor)

    began = [query["sql"] for query in queries if query["sql"].startswith(("BEGIN", "SAVEPOINT"))]
    assert len(began) == (1 if result.written else 0), began
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
    assert stored.evaluation == context.evaluation
    with use_tenant(scope):
        again = stored.changeset
        before = msgspec.json.encode(again.document)
        evaluation = decide(again, release=stored.release.id, as_of=stored.setting.as_of)
    assert again.changes() == []
    assert msgspec.json.encode(again.document) == before
    assert msgspec.structs.replace(evaluation, release=0) == msgspec.structs.replace(stored.evaluation, release=0)


def _assert_revision(copy_id: UUID, result: SaveResult) -> None:
    revision = CopyRevision.objects.get(copy_id=copy_id, version=result.version)
    copy = Copy.objects.get(id=copy_id)
    assert copy.version == result.version
    assert bytes(revision.document) == bytes(copy.document)
    assert decode_document(bytes(revision.document)) == decode_document(bytes(copy.document))
    told = msgspec.convert(msgspec.to_builtins(result.changes), list[Change])
    assert [change.path for change in told] == [change.path for change in result.changes]


def _assert_failure_leaves_no_trace(
    copy_id: UUID, change: Callable[[Changeset], object], *, scope: Tenant, actor: Actor
) -> None:
    def trace() -> list[object]:
        with use_tenant(scope):
            return [
                list(Copy.objects.order_by("id").values()),
                list(CopyRevision.objects.order_by("id").values_list("id", flat=True)),
                list(OutboxAction.objects.order_by("id").values_list("id", flat=True)),
            ]

    before = trace()
    with (
        pytest.MonkeyPatch.context() as patch,
        pytest.raises(Boom),
        batch.find_and_lock(copy_id, scope=scope, actor=actor, archived=True) as context,
    ):
        # The last write of the transaction fails: all before it must go with it.
        patch.setattr("forms.models.Declination.objects.using", _raise_boom)
        change(context.changeset)
        if not context.save().written:
            raise Boom
    assert trace() == before


def _raise_boom(alias: str) -> None:
    raise Boom
