"""Starts processes and resumes those that were left: one kind of work per kind of process, in a closed registry.

Work gets the batch context of its copy, locked, and the process's id. It saves as it goes along and ends the process
itself; what it raises leaves the process to be resumed at its step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeAlias
from uuid import UUID

from actions.registry import Delivered, PermanentFailure, RetryAfter
from batch import service as batch
from batch.context import BatchContext
from batch.errors import NotFound
from forms.models import Process
from tenants.access import Actor, system_actor

Work: TypeAlias = Callable[[BatchContext, UUID], None]
#: Under this name a process keeps the id of the action that started it: delivered twice, it is started once.
STARTED_BY: Final = "started_by"
_ACTOR: Final[Actor] = system_actor("processes")
_WAIT_SECONDS: Final = 5.0


class UnknownProcessKind(Exception):
    """No work is registered for this kind of process."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"No work is registered for processes of the kind {kind!r}.")


class ProcessKindRegisteredTwice(Exception):
    """There is work for this kind of process already."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"Processes of the kind {kind!r} have their work already.")


class Works:
    """What is done for each kind of process."""

    def __init__(self) -> None:
        """Begin without any."""
        self._works: dict[str, Work] = {}

    def register(self, kind: str, work: Work) -> None:
        """Let ``work`` be what processes of ``kind`` do. Raises ``ProcessKindRegisteredTwice``."""
        if kind in self._works:
            raise ProcessKindRegisteredTwice(kind)
        self._works[kind] = work

    def find(self, kind: str) -> Work:
        """Return the work of ``kind``. Raises ``UnknownProcessKind``."""
        if kind not in self._works:
            raise UnknownProcessKind(kind)
        return self._works[kind]


#: The product's own.
WORKS: Final = Works()


def start_process(delivered: Delivered, *, works: Works = WORKS) -> None:
    """Start the process that the action asks for and do its work; delivered again, go on where it was left.

    Raises ``PermanentFailure`` for a copy that is gone and a kind without work.
    """
    kind, started_by = str(delivered.payload["process_kind"]), str(delivered.id)
    work = _work(works, kind)
    with _locked(delivered) as context:
        # Asked for under the lock alone: a worker that was thought dead may have started it while this one waited.
        known = Process.objects.filter(copy_id=delivered.payload["copy_id"], details__started_by=started_by).first()
        if known is not None:
            _go_on(context, known, work)
            return
        details = {**delivered.payload["details"], STARTED_BY: started_by}
        process_id = context.changeset.processes.start(kind, details=details).id
        context.save()
        work(context, process_id)


def resume_process(delivered: Delivered, *, works: Works = WORKS) -> None:
    """Go on with a process at its step; nothing is left to do for one that has ended."""
    known = Process.objects.filter(id=delivered.payload["process_id"], copy_id=delivered.payload["copy_id"]).first()
    if known is None:
        raise PermanentFailure("There is no such process.")
    work = _work(works, known.kind)
    with _locked(delivered) as context:
        # Only now nobody else moves it.
        known.refresh_from_db()
        _go_on(context, known, work)


def _go_on(context: BatchContext, process: Process, work: Work) -> None:
    """Do the work of ``process``, as it was read under the lock of its copy."""
    if process.state != "running":
        return
    if process.held_until is not None and process.held_until > context.save_context.now:
        raise RetryAfter(10.0, "Somebody works on this process.")
    work(context, process.pk)


@contextmanager
def _locked(delivered: Delivered) -> Iterator[BatchContext]:
    """Lock the action's copy. Raises ``PermanentFailure`` where it is gone."""
    try:
        with batch.find_and_lock(
            delivered.payload["copy_id"], scope=delivered.tenant, actor=_ACTOR, wait=_WAIT_SECONDS
        ) as context:
            yield context
    except NotFound as error:
        raise PermanentFailure("The copy no longer exists.") from error


def _work(works: Works, kind: str) -> Work:
    try:
        return works.find(kind)
    except UnknownProcessKind as error:
        raise PermanentFailure("No work is registered for this kind of process.") from error
