"""The entry points to work on application forms: the only way to a form or copy that is to be written.

Everything takes ``scope``, the tenant, and finds nothing of another; everything that may write takes ``actor``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from datetime import date, datetime
from functools import partial
from typing import Final, Literal, overload
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone
from msgspec.structs import replace
from structlog.contextvars import get_contextvars

from batch.changes.changeset import Changeset
from batch.chunk import MOST_COPIES, Chunk
from batch.context import BatchContext
from batch.errors import LockNotAcquired, NotFound, UnknownCatalogue, VersionMismatch
from batch.idempotency import IdempotencyKey
from batch.locks.copy_lock import holder_of
from batch.locks.locked_copy import LockedCopies, LockedCopy
from batch.misuse import ChunkTooLarge
from batch.new_copies import fresh_copy, new_form
from batch.storage.load import Loaded, load, load_nothing, load_revision
from batch.storage.records import Setting
from catalogue import releases
from failpoints import failpoint
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

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
@contextmanager  # type: ignore[misc]  # the overloads tell which of the two it yields
def find_and_lock(  # noqa: PLR0913 - the one door to every write; each is named at the call
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
    """Lock and load a copy for writing; the lock is freed on every way out.

    ``form_or_copy_id`` is a copy's id, or a form's for its copy last touched by a user. ``wait`` is in seconds, 0 does
    not wait. ``archived`` finds deleted ones too. ``expected_version`` is the version that the caller read. With
    ``idempotency`` look at ``context.stored_response`` first: it is not None when the request was answered before.
    Raises ``NotFound``, ``LockNotAcquired`` (with ``raise_on_failure=False`` the context is None instead),
    ``VersionMismatch``, ``IdempotencyConflict``.
    """
    opening = LockedCopy(
        _identity(form_or_copy_id),
        scope=scope,
        holder=holder_of(actor),
        wait=wait,
        archived=archived,
        idempotency=idempotency,
    )
    with use_tenant(scope), closing(opening):
        try:
            loaded = opening.open()
        except LockNotAcquired:
            if raise_on_failure:
                raise
            yield None
            return
        failpoint("loaded")
        if expected_version is not None and loaded.stored_response is None and expected_version != loaded.copy.version:
            raise VersionMismatch(expected=expected_version, actual=loaded.copy.version)
        set_up = _SetUp(scope, actor)
        context = BatchContext(loaded, set_up, opening=opening, writable=True, idempotency=idempotency)
        with closing(context):
            yield context


@contextmanager
def find_and_lock_many(
    form_or_copy_ids: Sequence[UUID], *, scope: Tenant, actor: Actor, wait: float = WAIT_SECONDS, archived: bool = False
) -> Iterator[Chunk]:
    """Lock and load a chunk of copies (500 at most) for writing, with one round trip each; all locks are freed on every
    way out.

    Ids are fuzzy as in ``find_and_lock``. What cannot be had (not found, held by another save for ``wait`` seconds) is
    in the chunk's ``errors`` and spoils nothing else. Raises ``ChunkTooLarge``.
    """
    ids = list(dict.fromkeys(form_or_copy_ids))
    if len(ids) > MOST_COPIES:
        raise ChunkTooLarge(len(ids), MOST_COPIES)
    with use_tenant(scope), ExitStack() as held:
        opened = held.enter_context(
            closing(LockedCopies(scope=scope, holder=holder_of(actor), wait=wait, archived=archived))
        )
        chunk = held.enter_context(closing(Chunk(ids, scope=scope, opened=opened)))
        set_up = _SetUp(scope, actor)
        for identity, loaded in opened.open(ids).items():
            try:
                chunk.contexts[identity] = BatchContext(loaded, set_up, writable=True)
            except UnknownCatalogue as error:
                chunk.errors[identity] = error
        chunk.errors.update(opened.errors)
        yield chunk


def find(
    form_or_copy_id: UUID | str,
    *,
    scope: Tenant,
    actor: Actor,
    archived: bool = False,
    version: int | None = None,
    moment: datetime | None = None,
) -> BatchContext:
    """Load a copy without its lock, to read it or to preview changes; ``save()`` on it raises.

    ``version`` or ``moment`` gives it as it stood then, with the release of that time. Raises ``NotFound``.
    """
    with use_tenant(scope):
        loaded = load(_identity(form_or_copy_id), scope=scope, archived=archived)
        if version is not None or moment is not None:
            loaded = load_revision(loaded, scope=scope, version=version, moment=moment)
            return BatchContext(loaded, partial(_setting_of_then, scope=scope, actor=actor), writable=False)
        return BatchContext(loaded, _SetUp(scope, actor), writable=False)


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

    ``as_of`` is the evaluation date for good, None means today at the tenant. ``catalogue`` is a code, by default the
    tenant's.
    Raises ``UnknownCatalogue``, ``IdempotencyConflict``.
    """
    with use_tenant(scope):
        now, stored_response = load_nothing(idempotency, scope=scope)
        loaded = new_form(scope=scope, title=title, as_of=as_of, catalogue=catalogue, now=now)
        loaded = replace(loaded, stored_response=stored_response)
        set_up = _SetUp(scope, actor, created="form")
        context = BatchContext(loaded, set_up, writable=True, idempotency=idempotency)
        with closing(context):
            yield context


@contextmanager
def build_copy(
    form_or_copy_id: UUID | str,
    *,
    scope: Tenant,
    actor: Actor,
    title: str = "",
    idempotency: IdempotencyKey | None = None,
) -> Iterator[BatchContext]:
    """Start a new copy of a form from the copy that ``form_or_copy_id`` means; nothing exists until ``save()``.

    Row ids stay the same; sensitive answers are sealed anew under a key of the new copy's own. Raises ``NotFound``,
    ``CopyIsHeld``, ``IdempotencyConflict``.
    """
    with use_tenant(scope):
        source = load(_identity(form_or_copy_id), scope=scope, idempotency=idempotency)
        loaded = source
        if source.stored_response is None:
            loaded = fresh_copy(source, scope=scope, title=title)
        set_up = _SetUp(scope, actor, created="copy")
        context = BatchContext(loaded, set_up, writable=True, idempotency=idempotency)
        with closing(context):
            yield context


class _SetUp:
    """Makes the setting of each load: its moment, its day, the release that is current then."""

    def __init__(self, scope: Tenant, actor: Actor, *, created: str = "") -> None:
        self._scope = scope
        self._actor = actor
        self._created = created

    def __call__(self, loaded: Loaded) -> Setting:
        """Return the setting of ``loaded``. Raises ``UnknownCatalogue``."""
        now = loaded.now or timezone.now()
        try:
            release = releases.current(loaded.form.catalogue)
        except releases.NoRelease as error:
            raise UnknownCatalogue(loaded.form.catalogue) from error
        return Setting(
            scope=self._scope,
            actor=self._actor,
            now=now,
            as_of=loaded.form.as_of or now.astimezone(ZoneInfo(self._scope.time_zone)).date(),
            release=release,
            correlation_id=get_contextvars().get("correlation_id", ""),
            created=self._created,
        )


def _setting_of_then(loaded: Loaded, *, scope: Tenant, actor: Actor) -> Setting:
    moment = loaded.copy.updated_at
    assert loaded.copy.release_id is not None  # noqa: S101 - every revision has one
    return Setting(
        scope=scope,
        actor=actor,
        now=moment,
        as_of=loaded.form.as_of or moment.astimezone(ZoneInfo(scope.time_zone)).date(),
        release=releases.get(loaded.copy.release_id),
    )


def _identity(form_or_copy_id: UUID | str) -> UUID:
    if isinstance(form_or_copy_id, UUID):
        return form_or_copy_id
    try:
        return UUID(form_or_copy_id)
    except ValueError as error:
        raise NotFound from error
