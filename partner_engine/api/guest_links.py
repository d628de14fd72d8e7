"""``/copies/{id}/guest_links``: let somebody without an account answer one copy, and end that."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar
from uuid import UUID

import msgspec
from django.http import Http404, HttpResponse
from django.utils import timezone
from msgspec import Meta
from rest_framework.request import Request

from batch.changes.mutators.guest_links import LONGEST, GuestLinkRow
from batch.context import BatchContext
from batch.errors import NotFound
from forms.models import GuestLink as StoredLink
from guests.service import LinkState, list_links, state_of
from partner_engine.api.bodies import Body, NoQuery, Nothing, ReadQuery
from partner_engine.api.copies import find_copy
from partner_engine.api.http.endpoint import Endpoint, reply
from partner_engine.api.http.schema import documented
from partner_engine.api.http.writes import gone, open_for_writing, save_copy, stored
from partner_engine.guest_access import DEFAULT_DAYS, guest_address
from tenants.access import Right


class NewGuestLink(Body, frozen=True, kw_only=True):
    """A new link: for whom, as agents and people at the copy are told, and for how many days."""

    name: Annotated[str, Meta(max_length=100)] = ""
    valid_days: Annotated[int, Meta(ge=1, le=LONGEST.days)] = DEFAULT_DAYS


class IssuedBy(msgspec.Struct, frozen=True):
    """Who made a link: ``type`` is user or api_client."""

    type: str
    id: str


class GuestLinkShape(msgspec.Struct, frozen=True, kw_only=True):
    """One guest's link. ``followed_at`` is when it was opened: it opens once, for one browser, until ``expires_at``.

    ``seen_at`` is when its guest was here last, to the minute; ``finished_at`` when they said that all is answered.
    """

    id: str
    name: str
    state: LinkState
    issued_by: IssuedBy
    created_at: datetime
    expires_at: datetime
    followed_at: datetime | None
    seen_at: datetime | None
    finished_at: datetime | None
    revoked_at: datetime | None


class NewGuestLinkShape(GuestLinkShape, frozen=True, kw_only=True):
    """A link that was just made. ``url`` is to be sent to the guest: it is told here and never again."""

    url: str


class GuestLinkList(msgspec.Struct, frozen=True):
    """All links to a copy, the latest first."""

    results: list[GuestLinkShape]


class GuestLinks(Endpoint):
    """The links to one copy."""

    rights: ClassVar = {"GET": Right.READ_FORMS, "POST": Right.WRITE_FORMS}

    @documented(
        "List guest links",
        "All links to the copy, the latest first, also those that are over or revoked. Their addresses are never told "
        "again.",
        query=NoQuery,
        answers={200: GuestLinkList},
    )
    def get(self, request: Request, id: UUID) -> HttpResponse:
        """List links."""
        self.query()
        find_copy(self, id, ReadQuery())
        now = timezone.now()
        found = [GuestLinkShape(**_fields(link, state_of(link, now))) for link in list_links(id)]
        return self.answer(GuestLinkList(found))

    @documented(
        "Make a guest link",
        "Lets whoever opens its `url` first answer this one copy, until it expires or is revoked. The `url` is told "
        "here and never again. Because it is kept nowhere in the clear, an `Idempotency-Key` has no use here.",
        body=NewGuestLink,
        query=NoQuery,
        answers={201: NewGuestLinkShape},
        write=True,
        keyed=False,
        tagged=True,
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        """Make a link."""
        self.query()
        body = self.body(NewGuestLink)
        with open_for_writing(self, id)(None) as context:
            if context.copy.id != id:
                raise NotFound
            link, secret = context.changeset.guest_links.issue(
                valid_for=timedelta(days=body.valid_days), name=" ".join(body.name.split())
            )
            row = link.row
            result = context.save()
            shape = NewGuestLinkShape(**_new_fields(row), url=guest_address(request, id, secret))
            location = f"{request.path.rstrip('/')}/{row.id}"
            response = reply(stored(shape, version=result.version, status=201, location=location))
            if context.is_without_lock:
                response["X-Lock"] = "degraded"
            return response


class GuestLink(Endpoint):
    """One link."""

    rights: ClassVar = {"DELETE": Right.WRITE_FORMS}

    @documented(
        "Revoke a guest link",
        "Ends the link and the session that it opened, at once. One that was revoked before stays so.",
        body=Nothing,
        query=NoQuery,
        answers={204: None},
        write=True,
        tagged=True,
    )
    def delete(self, request: Request, id: UUID, link_id: UUID) -> HttpResponse:
        """Revoke a link."""
        self.query()
        self.body(Nothing)
        known = StoredLink.objects.filter(copy_id=id, pk=link_id)

        def change(context: BatchContext) -> None:
            if not known.exists():
                raise Http404
            links = context.changeset.guest_links
            if link_id in {link.id for link in links}:
                links.find(link_id).revoke()

        return save_copy(self, id, change=change, answer=gone)


def _fields(link: StoredLink, state: LinkState) -> Mapping[str, Any]:
    return {
        "id": str(link.id),
        "name": link.name,
        "state": state,
        "issued_by": IssuedBy(link.issued_by_type, link.issued_by_id),
        "created_at": link.created_at,
        "expires_at": link.expires_at,
        "followed_at": link.exchanged_at,
        "seen_at": link.seen_at,
        "finished_at": link.finished_at,
        "revoked_at": link.revoked_at,
    }


def _new_fields(row: GuestLinkRow) -> Mapping[str, Any]:
    given = {field: getattr(row, field) for field in row.__struct_fields__}
    return _fields(StoredLink(**given), "issued")
