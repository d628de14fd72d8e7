"""The entry points to work on application forms: the only way to write a form or copy.

Each takes ``scope``, the tenant, and returns no data of other tenants; each that may write takes ``actor``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from datetime import date, datetime
from functools import cache, partial
from typing import Any, Final, Literal, overload
from uuid import UUID

from msgspec.structs import replace

from batch.changes.changeset import Changeset
from batch.changes.shared_work import SharedWork
from batch.chunk import MOST_COPIES, Chunk
from batch.context import BatchContext
from batch.errors import BatchError, LockNotAcquired, NotFound, UnknownCatalogue, VersionMismatch
from batch.idempotency import IdempotencyKey
from batch.locks.copy_lock import holder_of
from batch.locks.locked_copy import LockedCopies, LockedCopy
from batch.misuse import ChunkTooLarge
from batch.new_copies import NewForm, empty_copy, fresh_copy, new_form, require_copies
from batch.storage.heads import load_head
from batch.storage.load import load, load_nothing, load_revision
from batch.storage.load_many import load_many
from catalogue import releases
from failpoints import failpoint
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tenants.postgresql.kept_plans import KeptPlan

#: How long to wait for a copy's lock, in seconds.
WAIT_SECONDS: Final = 30.0


@overload
def find_and_lock(
    form_or_copy_id: UUID | str,
    *,
    scope: Tenant,
    actor: Actor,
    wait: float = ...,
    raise_on_failure: Literal[True] = ...,
    archived: bool = ...,
    expected_version: int | None = ...,
    idempotency: IdempotencyKey | None = ...,
) -> AbstractContextManager[BatchContext]: ...
@overload
def find_and_lock(
    form_or_copy_id: UUID | str,
    *,
    scope: Tenant,
    actor: Actor,
    wait: float = ...,
    raise_on_failure: Literal[False],
    archived: bool = ...,
    expected_version: int | None = ...,
    idempotency: IdempotencyKey | None = ...,
) -> AbstractContextManager[BatchContext | None]: ...
@contextmanager  # type: ignore[misc]  # the overloads declare which of the two it yields
def find_and_lock(  # noqa: PLR0913 - the one entry point for every write; each is named at the call
    form_or_copy_id: UUID | str,
    *,
    scope: Tenant,
    actor: Actor,
    wait: float = WAIT_SECONDS,
    raise_on_failure: bool = True,
    archived: bool = False,
    expected_version: int | None = None,
    idempotency: IdempotencyKey | None = None,
) -> Iterator[BatchContext | None]:
    """Lock and load a copy for writing; the lock is released on every way out.

    ``form_or_copy_id`` is a copy's id, or a form's for its copy last touched by a user. ``wait`` is in seconds, 0 does
    not wait. ``archived`` includes deleted copies. ``expected_version`` is the version that the caller read. With
    ``idempotency`` look at ``context.stored_response`` first: it is set when the request is a repetition.
    Raises ``NotFound``, ``LockNotAcquired`` (with ``raise_on_failure=False`` the context is None instead),
    ``VersionMismatch``, ``IdempotencyConflict``.
    """
    locked = LockedCopy(
        _identity(form_or_copy_id),
        scope=scope,
        holder=holder_of(actor),
        wait=wait,
        archived=archived,
        idempotency=idempotency,
    )
    with use_tenant(scope), closing(locked):
        try:
            loaded = locked.open()
        except LockNotAcquired:
            if raise_on_failure:
                raise
            yield None
            return
        failpoint("loaded")
        if expected_version is not None and loaded.stored_response is None and expected_version != loaded.copy.version:
            raise VersionMismatch(expected=expected_version, actual=loaded.copy.version)
        context = BatchContext(loaded, scope=scope, actor=actor, writable=True, locked=locked, idempotency=idempotency)
        with closing(context):
            yield context


@contextmanager
def find_and_lock_many(
    form_or_copy_ids: Sequence[UUID], *, scope: Tenant, actor: Actor, wait: float = WAIT_SECONDS, archived: bool = False
) -> Iterator[Chunk]:
    """Lock and load a chunk of copies (500 at most) for writing, with one round trip each; all locks are released on
    every way out.

    Ids are resolved as in ``find_and_lock``. Copies that fail (not found, held by another save for ``wait`` seconds)
    are in the chunk's ``errors``; the others go on. Raises ``ChunkTooLarge``.
    """
    ids = list(dict.fromkeys(form_or_copy_ids))
    if len(ids) > MOST_COPIES:
        raise ChunkTooLarge(len(ids), MOST_COPIES)
    with use_tenant(scope), ExitStack() as held:
        locked = held.enter_context(
            closing(LockedCopies(scope=scope, holder=holder_of(actor), wait=wait, archived=archived))
        )
        chunk = held.enter_context(closing(Chunk(ids, locked=locked)))
        current, shared = cache(partial(releases.current, tenant_id=scope.id)), SharedWork()
        for identity, loaded in locked.open(ids).items():
            try:
                chunk.contexts[identity] = BatchContext(
                    loaded, scope=scope, actor=actor, writable=True, current_release=current, shared=shared
                )
            except UnknownCatalogue as error:
                chunk.errors[identity] = error
        chunk.errors.update(locked.errors)
        yield chunk


def find(  # noqa: PLR0913 - the one entry point for every read; each is named at the call
    form_or_copy_id: UUID | str,
    *,
    scope: Tenant,
    actor: Actor,
    archived: bool = False,
    version: int | None = None,
    moment: datetime | None = None,
    under_current_release: bool = False,
) -> BatchContext:
    """Load a copy without its lock, to read it or to preview changes; ``save()`` on it raises.

    ``version`` or ``moment`` loads an earlier version, with the release of that time, or (``under_current_release``)
    with its answers where the current release has them. Raises ``NotFound``.
    """
    with use_tenant(scope):
        loaded = load(_identity(form_or_copy_id), scope=scope, archived=archived)
        if version is not None or moment is not None:
            loaded = load_revision(loaded, scope=scope, version=version, moment=moment)
            loaded = replace(loaded, is_past=not under_current_release)
        return BatchContext(loaded, scope=scope, actor=actor, writable=False)


def find_head(
    plan: KeptPlan, copy_id: UUID, *, scope: Tenant, actor: Actor, parameters: Mapping[str, Any]
) -> tuple[BatchContext, str | None]:  # fmt: skip
    """Load the head of a copy by ``plan`` (``head_plan``): its versions and fields, to compare what a reader has, and
    the text besides. Its answers are left out: decoding them raises. Raises ``NotFound``.
    """
    with use_tenant(scope):
        loaded, text = load_head(plan, copy_id, scope=scope, parameters=parameters)
        return BatchContext(loaded, scope=scope, actor=actor, writable=False), text


def find_many(
    form_or_copy_ids: Sequence[UUID], *, scope: Tenant, actor: Actor, archived: bool = False
) -> dict[UUID, BatchContext | BatchError]:
    """Load copies as ``find`` does, with one round trip; return by requested id the context of each, or its refusal.

    Raises ``ChunkTooLarge``.
    """
    ids = list(dict.fromkeys(form_or_copy_ids))
    if len(ids) > MOST_COPIES:
        raise ChunkTooLarge(len(ids), MOST_COPIES)
    found: dict[UUID, BatchContext | BatchError] = {}
    with use_tenant(scope):
        loaded = load_many(ids, scope=scope, archived=archived)
        for identity in ids:
            one = loaded.get(identity)
            try:
                found[identity] = BatchContext(one, scope=scope, actor=actor, writable=False) if one else NotFound()
            except UnknownCatalogue as error:
                found[identity] = error
    return found


def find_changeset(form_or_copy_id: UUID | str, *, scope: Tenant, actor: Actor, archived: bool = False) -> Changeset:
    """Load a copy's changeset for reading; every write on it raises ``ReadOnlyChangeset``. Raises ``NotFound``."""
    return find(form_or_copy_id, scope=scope, actor=actor, archived=archived).read_only_changeset()


@contextmanager
def build_context(
    *,
    scope: Tenant,
    actor: Actor,
    title: str = "",
    as_of: date | None = None,
    catalogue: str = "",
    idempotency: IdempotencyKey | None = None,
) -> Iterator[BatchContext]:
    """Start a new form with its default copy, whose id is the form's; nothing exists until ``save()``.

    ``as_of`` fixes the evaluation date; None means today at the tenant. ``catalogue`` is a code, by default the
    tenant's.
    Raises ``UnknownCatalogue``, ``IdempotencyConflict``.
    """
    with use_tenant(scope):
        now, stored_response = load_nothing(idempotency, scope=scope)
        loaded = new_form(NewForm(title=title, as_of=as_of, catalogue=catalogue), scope=scope, actor=actor, now=now)
        loaded = replace(loaded, stored_response=stored_response)
        context = BatchContext(loaded, scope=scope, actor=actor, writable=True, idempotency=idempotency)
        with closing(context):
            yield context


@contextmanager
def build_many(starts: Mapping[UUID, NewForm], *, scope: Tenant, actor: Actor) -> Iterator[Chunk]:
    """Start a chunk of new forms (500 at most), each under the id that ``starts`` names, which becomes the form's and
    its copy's; nothing exists until ``save()``, which writes all in one transaction.

    Forms that cannot be started (a title that cannot be stored, an unknown catalogue) are in the chunk's ``errors``.
    An id that exists is refused by the database then, so a repeated attempt makes no second form. Raises
    ``ChunkTooLarge``.
    """
    if len(starts) > MOST_COPIES:
        raise ChunkTooLarge(len(starts), MOST_COPIES)
    with use_tenant(scope):
        now, _ = load_nothing(None, scope=scope)
        current, shared = cache(partial(releases.current, tenant_id=scope.id)), SharedWork()
        with closing(Chunk(list(starts), locked=None)) as chunk:
            for identity, start in starts.items():
                try:
                    loaded = new_form(start, scope=scope, actor=actor, now=now, identity=identity)
                    chunk.contexts[identity] = BatchContext(
                        loaded, scope=scope, actor=actor, writable=True, current_release=current, shared=shared
                    )
                except BatchError as error:
                    chunk.errors[identity] = error
            yield chunk


@contextmanager
def build_copy(  # noqa: PLR0913 - an entry point for writing; each is named at the call
    form_or_copy_id: UUID | str,
    *,
    scope: Tenant,
    actor: Actor,
    title: str = "",
    version: int | None = None,
    is_empty: bool = False,
    idempotency: IdempotencyKey | None = None,
) -> Iterator[BatchContext]:
    """Start a new copy of a form from the copy that ``form_or_copy_id`` means; nothing exists until ``save()``.

    ``version`` copies that earlier version; an ``is_empty`` copy starts without answers. Row ids stay the same;
    sensitive answers are sealed again under the new copy's own key. Raises ``NotFound``, ``UnknownVersion``,
    ``CopyIsHeld``, ``CopiesAreOff``, ``IdempotencyConflict``, ``WrongValue`` or ``LooksSensitive`` for the title.
    """
    with use_tenant(scope):
        loaded = load(_identity(form_or_copy_id), scope=scope, idempotency=idempotency)
        if loaded.stored_response is None:
            require_copies(actor, scope=scope)
            if is_empty:
                loaded = empty_copy(loaded, title=title)
            else:
                if version is not None and version != loaded.copy.version:
                    loaded = load_revision(loaded, scope=scope, version=version)
                loaded = fresh_copy(loaded, scope=scope, title=title)
        context = BatchContext(loaded, scope=scope, actor=actor, writable=True, idempotency=idempotency)
        with closing(context):
            yield context


def _identity(form_or_copy_id: UUID | str) -> UUID:
    if isinstance(form_or_copy_id, UUID):
        return form_or_copy_id
    try:
        return UUID(form_or_copy_id)
    except ValueError as error:
        raise NotFound from error
