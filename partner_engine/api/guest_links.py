"""``/copies/{id}/guest_links``: links by which a guest without an account answers one copy."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Final, TypeAlias
from uuid import UUID

import msgspec
from django.http import Http404, HttpResponse
from django.utils import timezone
from msgspec import Meta
from rest_framework.request import Request

from batch.changes.guest_scope import GuestScope
from batch.changes.mutators.guest_links import LONGEST, MAX_NOTE, MOST_QUESTIONS, GuestLinkRow
from batch.changes.records import SaveResult
from batch.context import BatchContext
from batch.errors import GuestLinkInvalid
from batch.idempotency import StoredResponse
from forms.models import GuestLink as StoredLink
from guests.service import LinkState, changes_of_guest, list_links, state_of
from partner_engine.api.bodies import ReadQuery
from partner_engine.api.copies import find_copy
from partner_engine.api.http.deprecation import lasting_path
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.field_errors import errors_of_fields
from partner_engine.api.http.input import Body, Nothing
from partner_engine.api.http.schema import documented
from partner_engine.api.http.writes import json_response, no_content, save_copy
from partner_engine.audit import note_personal_read
from partner_engine.copy_visibility import past_sensitivities, visibility_of
from partner_engine.guest_access import DEFAULT_DAYS, guest_address
from presentation import shapes
from presentation.listed_values import one_of
from tenants.access import Right

#: The agent's words about one question.
Note: TypeAlias = Annotated[str, Meta(max_length=MAX_NOTE)]
#: The pointers of the fields of a body, by the names that refusals use.
_POINTERS: Final = {
    "name": "/name",
    "valid_for": "/valid_days",
    "question_sets": "/question_sets",
    "questions": "/questions",
    "note": "/questions",
    "phone_digits": "/phone_digits",
}


class NewGuestLink(Body, frozen=True, kw_only=True):
    """A new link: the guest's name, which viewers of the copy see, and the number of days that it is valid.

    It opens the ``question_sets`` (codes) and single ``questions`` (paths, each with a note to the guest, or ""), the
    whole copy without both. A set includes the rows of its pool; the sets of nested pools are named themselves. With
    ``phone_digits``, the last four of the guest's phone number, the guest must enter them to open the link.
    """

    name: Annotated[str, Meta(max_length=100)] = ""
    valid_days: Annotated[int, Meta(ge=1, le=LONGEST.days)] = DEFAULT_DAYS
    question_sets: Annotated[list[str], Meta(max_length=MOST_QUESTIONS)] = []
    questions: Annotated[dict[str, Note], Meta(max_length=MOST_QUESTIONS)] = {}
    phone_digits: Annotated[str, Meta(pattern="^([0-9]{4})?$")] = ""


class SentBack(Body, frozen=True, kw_only=True):
    """The questions that are open to the guest again, by path, each with a note to the guest, or ""."""

    questions: Annotated[dict[str, Note], Meta(min_length=1, max_length=MOST_QUESTIONS)]


class IssuedBy(msgspec.Struct, frozen=True):
    """The creator of a link: ``type`` is user or api_client."""

    type: Annotated[str, one_of("user", "api_client")]
    id: str


class GuestLinkShape(msgspec.Struct, frozen=True, kw_only=True):
    """The link of one guest. ``followed_at`` is when it was opened: it opens once, in one browser, until
    ``expires_at``.

    ``seen_at`` is the guest's last visit, to the minute; ``finished_at`` is when the guest said that they are done.
    ``question_sets`` and ``questions`` (path to note) are what the link opens, both empty for the whole copy;
    ``unknown`` are the paths of the questions whose answers the guest does not know. ``wrong_digits`` counts wrong
    digits of the phone; at 10 the link is ``blocked``.
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
    sent_back_at: datetime | None
    revoked_at: datetime | None
    question_sets: list[str]
    questions: dict[str, str]
    unknown: list[str]
    asks_for_phone_digits: bool
    wrong_digits: int


class GuestLinkReport(GuestLinkShape, frozen=True, kw_only=True):
    """A link with what its guest changed since it was made or sent back, and with the paths that a quote still needs of
    what it opens.
    """

    changes: list[shapes.ChangeShape]
    missing: list[str]


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
        "Allows the first person who opens its `url` to answer this one copy, or only what `question_sets` and "
        "`questions` name, until the link expires or is revoked. No later response contains the `url`, except to a "
        "repetition with the same `Idempotency-Key`.",
        body=NewGuestLink,
        responses={201: NewGuestLinkShape},
        write=True,
        tagged=True,
    )
    def post(self, request: Request, id: UUID, *, body: NewGuestLink) -> HttpResponse:
        def change(context: BatchContext) -> tuple[GuestLinkRow, str]:
            with errors_of_fields(_POINTERS):
                link, secret = context.changeset.guest_links.issue(
                    valid_for=timedelta(days=body.valid_days),
                    name=body.name,
                    question_sets=body.question_sets,
                    questions=body.questions,
                    digits=body.phone_digits,
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

    rights: ClassVar = {"GET": Right.READ_FORMS, "DELETE": Right.WRITE_FORMS}

    @documented(
        "Read a guest link",
        "The link with what its guest changed since it was made or sent back (`changes`), what the guest does not know "
        "(`unknown`), and what a quote still needs of what the link opens (`missing`).",
        responses={200: GuestLinkReport},
    )
    def get(self, request: Request, id: UUID, link_id: UUID) -> HttpResponse:
        context = find_copy(self, id, ReadQuery())
        link = StoredLink.objects.filter(copy_id=id, pk=link_id).first()
        if link is None:
            raise Http404
        changed = changes_of_guest(link)
        changeset, evaluation = context.current_view()
        visibility = visibility_of(context, actor=self.actor).at(past_sensitivities(changed.release_ids))
        scope = GuestScope.of(link.question_sets, link.questions)
        report = GuestLinkReport(
            **_fields(link, state_of(link, timezone.now())),
            changes=shapes.changes(changed.changes, visibility),
            missing=scope.only(changeset.catalogue, evaluation.needed.quote),
        )
        note_personal_read(actor=self.actor, copy_id=id, count=visibility.personal_shown)
        return self.respond(report)

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


class GuestLinkSentBack(Endpoint):
    """One link that goes back to its guest."""

    rights: ClassVar = {"POST": Right.WRITE_FORMS}

    @documented(
        "Send a form back to its guest",
        "Opens exactly these questions to the guest again, each with a note; everything else refuses with "
        "`outside_guest_link`. The link and its session stay as they are, and the guest has not finished any more. 403 "
        "`guest_link_spent` for a link that has expired or was revoked.",
        body=SentBack,
        responses={200: GuestLinkShape},
        write=True,
        tagged=True,
    )
    def post(self, request: Request, id: UUID, link_id: UUID, *, body: SentBack) -> HttpResponse:
        def change(context: BatchContext) -> GuestLinkRow:
            if not StoredLink.objects.filter(copy_id=id, pk=link_id).exists():
                raise Http404
            links = context.changeset.guest_links
            if link_id not in {link.id for link in links}:
                raise GuestLinkInvalid
            with errors_of_fields(_POINTERS):
                links.find(link_id).send_back(body.questions)
            return links.find(link_id).row

        def respond(context: BatchContext, result: SaveResult, row: GuestLinkRow) -> StoredResponse:
            return json_response(GuestLinkShape(**_new_fields(row, "sent_back")), version=result.version)

        return save_copy(self, id, change=change, respond=respond)


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
        "sent_back_at": link.sent_back_at,
        "revoked_at": link.revoked_at,
        "question_sets": link.question_sets,
        "questions": link.questions,
        "unknown": link.unknown,
        "asks_for_phone_digits": bool(link.digits_hash),
        "wrong_digits": link.wrong_digits,
    }


def _new_fields(row: GuestLinkRow, state: LinkState = "issued") -> Mapping[str, Any]:
    fields = {name: getattr(row, name) for name in row.__struct_fields__}
    return _fields(StoredLink(**fields), state)
