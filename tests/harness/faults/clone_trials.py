"""The trials of clones: each function is the whole life of one fork. ``report`` sends one line to the test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any
from uuid import UUID

import failpoints
from batch.changes.records import SaveRows
from batch.idempotency import IdempotencyKey, KeyedResponse, StoredResponse
from batch.storage import write as writing
from scenarios.cloning import Clone, CloneOrder, clone_form
from tenants.models import Tenant
from tests.harness.faults.entry_catalogue import ACTOR, TENANT

Report = Callable[..., None]


def clone_at(
    report: Report, *, form: str, label: str, failpoint: str = "", nth: int = 1, in_pieces: bool = False
) -> None:
    """Clone the form under the key ``label``, killed when ``failpoint`` is reached for the ``nth`` time; report the
    clone. ``in_pieces`` is a sabotaged writer, which commits each copy by itself.
    """
    if in_pieces:
        _write_in_pieces()
    key = IdempotencyKey(f"user:{ACTOR.id}", label, label.encode())
    tenant = Tenant.objects.get(code=TENANT)
    with failpoints.armed(failpoint, nth=nth, action="kill") if failpoint else nullcontext():
        made = clone_form(UUID(form), CloneOrder(respond=_form_id, idempotency=key), scope=tenant, actor=ACTOR)
    report(form=made.earlier.body.decode() if made.earlier else str(made.form_id), repeated=made.earlier is not None)


def _form_id(made: Clone) -> StoredResponse:
    return StoredResponse(201, {}, str(made.form_id).encode())


def _write_in_pieces() -> None:
    write = writing.write

    def write_each(saves: Sequence[SaveRows], keyed: KeyedResponse | None, **scope: Any) -> set[UUID]:
        written = set[UUID]()
        for save in saves:
            written |= write([save], keyed if save is saves[-1] else None, **scope)
        return written

    writing.write = write_each  # type: ignore[assignment]
