"""The entry points to work on application forms: the only way to a form or copy that is to be written.

Everything takes ``scope``, the tenant, and finds nothing of another; everything that may write takes ``actor``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import date, datetime
from typing import Final, Literal, overload
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone
from structlog.contextvars import get_contextvars
from uuid_utils.compat import uuid7

from batch.changeset import Changeset
from batch.context import BatchContext
from batch.errors import LockNotAcquired, NotFound, UnknownCatalogue, VersionMismatch
from batch.idempotency import IdempotencyKey
from batch.loading import CopyRecord, FormRecord, Loaded, load, load_revision, load_stored_response
from batch.locking import CopyLock
from batch.mutators.copy_fields import CopyFields
from batch.setting import Setting
from copies.codec import decode_document, encode_document
from copies.document import walk_answers
from copies.sealing import Sealer, WrappedKey
from forms.catalogue import releases
from tenants.access import Actor
from tenants.failpoints import reach
from tenants.models import Tenant
from tenants.scoping import use_tenant

#: How long to wait for a copy's lock, in seconds.
WAIT_SECONDS: Final = 30.0
#: How long a copy's title may be.
MAX_TITLE: Final = 200


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
    identity = _identity(form_or_copy_id)
    with use_tenant(scope), ExitStack() as held:
        try:
            lock = held.enter_context(CopyLock(scope.id, identity, wait=wait))
            loaded = load(identity, scope=scope, archived=archived, idempotency=idempotency)
            if loaded.copy.id != identity:
                # A form's id: the lock is on the copy that it means.
                held.close()
                identity = loaded.copy.id
                lock = held.enter_context(CopyLock(scope.id, identity, wait=wait))
                loaded = load(identity, scope=scope, archived=archived, idempotency=idempotency)
        except LockNotAcquired:
            if raise_on_failure:
                raise
            yield None
            return
        reach("loaded")
        if expected_version is not None and loaded.stored_response is None and expected_version != loaded.copy.version:
            raise VersionMismatch(expected=expected_version, actual=loaded.copy.version)
        context = BatchContext(
            loaded, _setting(loaded, scope, actor), lock=lock, writable=True, idempotency=idempotency
        )
        try:
            yield context
        finally:
            context.close()


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
            return BatchContext(loaded, _setting_of_then(loaded, scope, actor), lock=None, writable=False)
        return BatchContext(loaded, _setting(loaded, scope, actor), lock=None, writable=False)


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
    now, identity = timezone.now(), uuid7()
    with use_tenant(scope):
        loaded = Loaded(
            FormRecord(identity, catalogue or scope.catalogue, as_of, now),
            CopyRecord(identity, identity, 0, CopyFields(title, _owner(actor)), now, now),
            load_stored_response(idempotency, scope=scope) if idempotency else None,
        )
        context = BatchContext(
            loaded, _setting(loaded, scope, actor, created="form"), lock=None, writable=True, idempotency=idempotency
        )
        try:
            yield context
        finally:
            context.close()


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
    ``IdempotencyConflict``.
    """
    now, identity = timezone.now(), uuid7()
    with use_tenant(scope):
        source = load(_identity(form_or_copy_id), scope=scope, idempotency=idempotency)
        document, key = _resealed(source, scope, identity)
        fields = CopyFields(title or f"Copy of {source.copy.fields.title or 'base'}"[:MAX_TITLE], _owner(actor))
        record = CopyRecord(identity, source.form.id, 0, fields, now, now, document=document, key=key)
        loaded = Loaded(source.form, record, source.stored_response)
        context = BatchContext(
            loaded, _setting(loaded, scope, actor, created="copy"), lock=None, writable=True, idempotency=idempotency
        )
        try:
            yield context
        finally:
            context.close()


def _setting(loaded: Loaded, scope: Tenant, actor: Actor, *, created: str = "") -> Setting:
    now = timezone.now()
    try:
        release = releases.current(loaded.form.catalogue)
    except releases.NoRelease as error:
        raise UnknownCatalogue(loaded.form.catalogue) from error
    return Setting(
        scope=scope,
        actor=actor,
        now=now,
        as_of=loaded.form.as_of or now.astimezone(ZoneInfo(scope.time_zone)).date(),
        release=release,
        correlation_id=get_contextvars().get("correlation_id", ""),
        created=created,
    )


def _setting_of_then(loaded: Loaded, scope: Tenant, actor: Actor) -> Setting:
    moment = loaded.copy.updated_at
    assert loaded.copy.release_id is not None  # noqa: S101 - every revision has one
    return Setting(
        scope=scope,
        actor=actor,
        now=moment,
        as_of=loaded.form.as_of or moment.astimezone(ZoneInfo(scope.time_zone)).date(),
        release=releases.get(loaded.copy.release_id),
    )


def _resealed(source: Loaded, scope: Tenant, copy_id: UUID) -> tuple[bytes, WrappedKey | None]:
    """Return the source's document for the copy ``copy_id``, with that copy's own key."""
    document = decode_document(source.copy.document)
    old = Sealer(tenant_id=scope.id, copy_id=source.copy.id, key=source.copy.key)
    new = Sealer(tenant_id=scope.id, copy_id=copy_id, key=None)
    for path, answer in walk_answers(document):
        if answer.sealed is not None:
            answer.sealed = new.seal(path, old.reveal(path, answer))
    return encode_document(document), new.key


def _owner(actor: Actor) -> UUID | None:
    return UUID(actor.id) if actor.type == "user" else None


def _identity(form_or_copy_id: UUID | str) -> UUID:
    if isinstance(form_or_copy_id, UUID):
        return form_or_copy_id
    try:
        return UUID(form_or_copy_id)
    except ValueError as error:
        raise NotFound from error
