"""Reads the book: the open copies of tenants with one catalogue, in chunks, with the quotes that carriers have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from typing import Final, TypeAlias
from uuid import UUID

from django.db.models import Q, QuerySet

from batch.changes.mutators.quote_requests import ANSWERED
from copies.models import Copy
from decisions.copy_effect import BookCopy, SentQuote
from decisions.stored_copies import Waiting, read_waiting
from decisions.waiting import today_at
from forms.models import ApplicationForm, QuoteRequest
from rules.flow.evaluation import EDITION
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

#: Copies that are read at once.
CHUNK: Final = 200
#: Narrows the open copies of the tenant in scope.
Narrow: TypeAlias = Callable[[QuerySet[Copy]], QuerySet[Copy]]


def open_copies(catalogue: str, *, narrow: Narrow | None = None) -> QuerySet[Copy]:
    """Return the open copies of the tenant in scope whose forms are of ``catalogue``; those of bound forms are among
    them, those of test forms are not.
    """
    forms = ApplicationForm.objects.filter(catalogue=catalogue, deleted_at=None, is_test=False).order_by().values("pk")
    copies = Copy.objects.filter(locked_at=None, deleted_at=None, application_form_id__in=forms)
    return copies if narrow is None else narrow(copies)


def count_open(catalogue: str, tenants: Iterable[Tenant], *, narrow: Narrow | None = None) -> int:
    """Return the number of open copies of ``tenants``."""
    found = 0
    for tenant in tenants:
        with use_tenant(tenant):
            found += open_copies(catalogue, narrow=narrow).count()
    return found


def read_book(
    catalogue: str, tenants: Iterable[Tenant], *, release_id: int, narrow: Narrow | None = None, most: int | None = None
) -> Iterator[BookCopy]:  # fmt: skip
    """Yield the open copies of ``tenants`` in the order of their ids, at most ``most``; those of bound forms, which
    keep their decision, are left out. ``release_id`` is the present release.

    A tenant is in scope only while a chunk is read.
    """
    left = most
    for tenant in tenants:
        today, after = today_at(tenant), None
        while left is None or left > 0:
            with use_tenant(tenant):
                limit = CHUNK if left is None else min(CHUNK, left)
                chunk, after = _read_chunk(
                    catalogue, tenant, today=today, after=after, limit=limit, narrow=narrow, release_id=release_id
                )
            yield from chunk
            left = None if left is None else left - len(chunk)
            if after is None:
                break


def _read_chunk(  # noqa: PLR0913 - the place in the book, and what is read there
    catalogue: str,
    tenant: Tenant,
    *,
    today: date,
    after: UUID | None,
    limit: int,
    narrow: Narrow | None,
    release_id: int,
) -> tuple[list[BookCopy], UUID | None]:
    """Return copies behind the id ``after``, and the id of the last one that was read; None at the end."""
    copies = open_copies(catalogue, narrow=narrow).order_by()
    if after is not None:
        copies = copies.filter(pk__gt=after)
    ids = list(copies.order_by("pk").values_list("pk", flat=True)[:limit])
    if not ids:
        return [], None
    found = read_waiting(Q(pk__in=ids), tenant=tenant, today=today, limit=limit, order=("id",))
    quotes = _sent_quotes(ids)
    chunk = [
        BookCopy(
            copy=one.copy,
            form_id=one.form_id,
            is_present=_is_present(one, release_id),
            version=one.version,
            lines=one.lines,
            quotes=quotes.get(one.copy.id, ()),
        )
        for one in found
        if not one.is_ended
    ]
    return chunk, ids[-1] if len(ids) == limit else None


def _is_present(one: Waiting, release_id: int) -> bool:
    return one.decided_with == (release_id, EDITION) and one.decided_on in (None, one.copy.as_of)


def _sent_quotes(copy_ids: Sequence[UUID]) -> dict[UUID, tuple[SentQuote, ...]]:
    sent = QuoteRequest.objects.filter(copy_id__in=list(copy_ids), state__in=ANSWERED).exclude(payload_hash="")
    found: dict[UUID, tuple[SentQuote, ...]] = {}
    for copy_id, *quote in sent.order_by("id").values_list("copy_id", "product", "payload_hash", "request_token"):
        found[copy_id] = (*found.get(copy_id, ()), SentQuote(*quote))
    return found
