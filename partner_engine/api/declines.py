"""``/copies/{id}/declines``: what declines and why, the stored declinations, and their signed export."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

import msgspec
from django.http import HttpResponse
from rest_framework.request import Request

from encryption.signatures import public_keys
from partner_engine.api.bodies import ReadQuery
from partner_engine.api.copies import find_copy
from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.input import Nothing
from partner_engine.api.http.schema import documented
from partner_engine.audit import note_personal_read
from partner_engine.copy_visibility import visibility_of
from partner_engine.decline_files import FILE_HEADERS, exported_declines
from quoting.decline_exports import SignedExport
from quoting.decline_shapes import DeclinesShape
from quoting.declines import declines_of
from tenants.access import MissingRight, Right
from tenants.limits.scopes import EXPORT


class SigningKey(msgspec.Struct, frozen=True):
    """A public key: ``public_key`` is base64 of the 32 bytes of an Ed25519 key."""

    id: str
    public_key: str


class SigningKeysShape(msgspec.Struct, frozen=True):
    """The public keys of this installation, the oldest first; the last one signs now."""

    keys: list[SigningKey]


class Declines(Endpoint):
    """The declines of one copy."""

    rights: ClassVar = {"GET": Right.READ_FORMS}

    @documented(
        "Show the declines of a copy",
        "What declines now, by requested line: the reasons with their values (at most four per product, the most "
        "specific first) or the carrier's own words, and whether the surplus lines condition is met, by which rules, "
        "with the texts that must be shown. `records` are the declinations that acts have left (a surplus product "
        "requested, queued, selected or bound, or an export), the latest first, with the values of that version. "
        "Personal values are masked without the right `answers:pii`.",
        responses={200: DeclinesShape, 304: None},
        tagged=True,
    )
    def get(self, request: Request, id: UUID) -> HttpResponse:
        context = find_copy(self, id, ReadQuery())
        visibility = visibility_of(context, actor=self.actor)
        shape = declines_of(context, visibility)
        note_personal_read(actor=self.actor, copy_id=id, count=visibility.personal_shown)
        return self.respond_with_content_tag(shape, version=context.version)


class DeclinesExport(Endpoint):
    """The signed export of the declines of one copy."""

    rights: ClassVar = {"POST": Right.WRITE_FORMS}
    limits: ClassVar = {"POST": EXPORT}

    @documented(
        "Export the declines of a copy",
        "The declines as a signed file. An export is an act: it leaves a declination of every line with a decline, "
        "once per version, and then the copy has a new version. A locked copy keeps the records that it has. "
        "The signature (Ed25519) is of the canonical JSON of `content`: `verify_export.py` checks it with the keys of "
        "`GET /signing_keys`. A repeated request records nothing more, so an `Idempotency-Key` is refused. Needs the "
        "right `forms:read` too.",
        body=Nothing,
        responses={200: SignedExport},
        write=True,
        keyed=False,
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        if not self.actor.may(Right.READ_FORMS):
            raise MissingRight(Right.READ_FORMS)
        find_copy(self, id, ReadQuery())
        content = exported_declines(id, tenant=self.tenant, actor=self.actor)
        return HttpResponse(content, content_type="application/json", headers=FILE_HEADERS)


class SigningKeys(Endpoint):
    """The public keys that signed exports are verified with, for everybody."""

    authentication_classes = ()
    permission_classes = ()  # type: ignore[assignment]  # nobody needs a right
    rights: ClassVar = {"GET": None}

    @documented(
        "List the signing keys",
        "The public keys of this installation, by which signed exports and packages are verified. An older key remains "
        "listed as long as its master key is in the keyring.",
        responses={200: SigningKeysShape, 304: None},
    )
    def get(self, request: Request) -> HttpResponse:
        return self.respond_with_digest(SigningKeysShape([SigningKey(*pair) for pair in public_keys().items()]))
