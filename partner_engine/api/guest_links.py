"""``/copies/{id}/guest_links``: links by which a guest without an account answers one copy."""

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
from batch.changes.records import SaveResult
from batch.context import BatchContext
from batch.idempotency import StoredResponse
from forms.models import GuestLink as StoredLink
from guests.service import LinkState, list_links, state_of
from partner_engine.api.bodies import ReadQuery
from partner_engine.api.copies import find_copy
from partner_engine.api.http.deprecation import lasting_path
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.field_errors import errors_of_field
from partner_engine.api.http.input import Body, Nothing
from partner_engine.api.http.schema import documented
from partner_engine.api.http.writes import json_response, no_content, save_copy
from partner_engine.guest_access import DEFAULT_DAYS, guest_address
from tenants.access import Right


class NewGuestLink(Body, frozen=True, kw_only=True):
    """A new link: the guest's name, which viewers of the copy see, and the number of days that it is valid."""

    name: Annotated[str, Meta(max_length=100)] = ""
    valid_days: Annotated[int, Meta(ge=1, le=LONGEST.days)] = DEFAULT_DAYS


class IssuedBy(msgspec.Struct, frozen=True):
    """The creator of a link: ``type`` is user or api_client."""

    type: str
    id: str


class GuestLinkShape(msgspec.Struct, frozen=True, kw_only=True):
    """The link of one guest. ``followed_at`` is when it was opened: it opens once, in one browser, until
    ``expires_at``.

    ``seen_at`` is the guest's last visit, to the minute; ``finished_at`` is when the guest declared the form complete.
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
    """A new link. Send its ``url`` to the guest: no later response contains it."""

    url: str


class GuestLinkList(msgspec.Struct, frozen=True):
    """All links to a copy, latest first."""

    results: list[GuestLinkShape]


class GuestLinks(Endpoint):
    """The links to one copy."""

    rights: ClassVar = {"GET": Right.READ_FORMS, "POST": Right.WRITE_FORMS}

    @documented(
        "List guest links",
        "All links to the copy, latest first, including expired and revoked ones. The list does not contain their "
        "URLs.",
        responses={200: GuestLinkList},
    )
    def get(self, request: Request, id: UUID) -> HttpResponse:
        find_copy(self, id, ReadQuery())
        now = timezone.now()
        links = [GuestLinkShape(**_fields(link, state_of(link, now))) for link in list_links(id)]
        return self.respond(GuestLinkList(links))

    @documented(
        "Make a guest link",
        "Allows the first person who opens its `url` to answer this one copy, until the link expires or is revoked. No "
        "later response contains the `url`, except to a repetition with the same `Idempotency-Key`.",
        body=NewGuestLink,
        responses={201: NewGuestLinkShape},
        write=True,
        tagged=True,
    )
    def post(self, request: Request, id: UUID, *, body: NewGuestLink) -> HttpResponse:
        def change(context: BatchContext) -> tuple[GuestLinkRow, str]:
            with errors_of_field("/name"):
                link, secret = context.changeset.guest_links.issue(
                    valid_for=timedelta(days=body.valid_days), name=body.name
                )
            return link.row, secret

        def respond(context: BatchContext, result: SaveResult, issued: tuple[GuestLinkRow, str]) -> StoredResponse:
            row, secret = issued
            shape = NewGuestLinkShape(**_new_fields(row), url=guest_address(request, id, secret))
            location = f"{lasting_path(request).rstrip('/')}/{row.id}"
            return json_response(shape, version=result.version, status=201, location=location)

        return save_copy(self, id, change=change, respond=respond, contains_secret=True)


class GuestLink(Endpoint):
    """One link."""

    rights: ClassVar = {"DELETE": Right.WRITE_FORMS}

    @documented(
        "Revoke a guest link",
        "Ends the link and the session that it opened, at once. A link that was revoked before remains unchanged.",
        body=Nothing,
        responses={204: None},
        write=True,
        tagged=True,
    )
    def delete(self, request: Request, id: UUID, link_id: UUID) -> HttpResponse:
        stored_link = StoredLink.objects.filter(copy_id=id, pk=link_id)

        def change(context: BatchContext) -> None:
            if not stored_link.exists():
                raise Http404
            links = context.changeset.guest_links
            if link_id in {link.id for link in links}:
                links.find(link_id).revoke()

        return save_copy(self, id, change=change, respond=no_content)


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
    fields = {name: getattr(row, name) for name in row.__struct_fields__}
    return _fields(StoredLink(**fields), "issued")
