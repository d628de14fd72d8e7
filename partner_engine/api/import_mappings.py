"""``/batch_operations/imports/mappings``: mappings of columns that are saved by a name."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

import msgspec
from django.http import HttpResponse
from msgspec import Meta
from rest_framework.request import Request

from batch.idempotency import StoredResponse
from operations.imports.limits import MOST_COLUMNS
from operations.imports.stored_mappings import (
    LONGEST_NAME,
    delete_mapping,
    find_mapping,
    is_owner,
    list_mappings,
    save_mapping,
)
from operations.models import ImportMapping
from partner_engine.api.bodies import Code
from partner_engine.api.http.endpoint import Endpoint, plain_response
from partner_engine.api.http.idempotency import respond_once
from partner_engine.api.http.input import Body, Nothing
from partner_engine.api.http.schema import documented
from tenants.access import Actor, Right

#: The target of a column.
TargetText = Annotated[str, Meta(max_length=200)]


class MappingSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A saved mapping without its columns. ``is_yours`` says whether you saved it, and so can delete it."""

    id: UUID
    name: str
    catalogue: str
    created_by: str
    created_at: datetime
    is_yours: bool


class MappingShape(MappingSummary, frozen=True, kw_only=True):
    """A saved mapping."""

    mapping: dict[str, str | None]


class MappingList(msgspec.Struct, frozen=True, kw_only=True):
    """The saved mappings of the tenant."""

    results: list[MappingSummary]


class NewMapping(Body, frozen=True, kw_only=True):
    """A mapping to save: all columns of the file, null for those that are not imported; the mapping is proposed for
    files with the same columns. Names of columns have at most 200 characters.
    """

    name: Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)]
    mapping: Annotated[dict[str, TargetText | None], Meta(min_length=1, max_length=MOST_COLUMNS)]
    catalogue: Code = ""


class ImportMappings(Endpoint):
    """The saved mappings of the tenant."""

    rights: ClassVar = {"GET": Right.WRITE_FORMS, "POST": Right.WRITE_FORMS}

    @documented(
        "List the saved mappings of imports",
        "All mappings of the tenant by name, without their columns. An import uses one by `mapping_name`.",
        responses={200: MappingList},
    )
    def get(self, request: Request) -> HttpResponse:
        return self.respond(MappingList(results=[_summary(row, self.actor) for row in list_mappings()]))

    @documented(
        "Save a mapping of an import",
        "Everybody of the tenant can use it. A name that exists is 409 `mapping_exists`; a tenant has at most 100 "
        "mappings (409 `too_many_mappings`). Targets are checked as in an import (422 `invalid_mapping`). The name and "
        "the names of columns contain no personal numbers (422 `sensitive_text_refused`).",
        body=NewMapping,
        responses={201: MappingShape},
        write=True,
    )
    def post(self, request: Request, *, body: NewMapping) -> HttpResponse:
        def save() -> StoredResponse:
            row = save_mapping(body.name, body.mapping, catalogue=body.catalogue, tenant=self.tenant, actor=self.actor)
            return plain_response(_shape(row, self.actor), status=201, location=f"{request.path.rstrip('/')}/{row.id}")

        return respond_once(self, save)


class ImportMappingEndpoint(Endpoint):
    """One saved mapping."""

    rights: ClassVar = {"GET": Right.WRITE_FORMS, "DELETE": Right.WRITE_FORMS}

    @documented("Read a saved mapping", "A mapping with its columns.", responses={200: MappingShape})
    def get(self, request: Request, id: UUID) -> HttpResponse:
        return self.respond(_shape(find_mapping(id), self.actor))

    @documented(
        "Delete a saved mapping",
        "Only the user or API client who saved it can delete it (403 `not_your_mapping`), or our staff in the admin.",
        body=Nothing,
        responses={204: None},
        write=True,
    )
    def delete(self, request: Request, id: UUID) -> HttpResponse:
        def delete() -> StoredResponse:
            delete_mapping(id, tenant=self.tenant, actor=self.actor)
            return StoredResponse(204, {}, b"")

        return respond_once(self, delete)


def _summary(row: ImportMapping, actor: Actor) -> MappingSummary:
    return MappingSummary(**_known(row, actor))


def _shape(row: ImportMapping, actor: Actor) -> MappingShape:
    return MappingShape(mapping=row.mapping, **_known(row, actor))


def _known(row: ImportMapping, actor: Actor) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "catalogue": row.catalogue,
        "created_by": row.created_by_label or row.created_by_id,
        "created_at": row.created_at,
        "is_yours": is_owner(row, actor),
    }
