"""``/batch_operations/imports`` and ``failed.csv``: files of forms that are imported, and failed items to correct."""

from __future__ import annotations

from typing import Annotated, ClassVar
from uuid import UUID

import msgspec
from django.http import HttpResponse, HttpResponseBase
from msgspec import Meta
from rest_framework.request import Request

from operations.imports.failed_file import FailedItems, Returned, return_failed
from operations.imports.files import read_file
from operations.imports.order import ImportRequest, import_order
from operations.imports.preview import Preview, preview
from operations.imports.stored_mappings import LONGEST_NAME, chosen_mapping
from operations.submission.order import Options
from operations.submission.selectors import access_operation
from operations.submission.submit import submit
from operations.wakeup import wake_workers
from partner_engine.api.batch_operations import submitted_response
from partner_engine.api.bodies import Code
from partner_engine.api.http.input import Query
from partner_engine.api.http.json import Json
from partner_engine.api.http.schema import Download, documented
from partner_engine.api.http.upload import FILE_TYPES, Csv, UploadEndpoint
from partner_engine.api.operation_shapes import SubmittedShape
from partner_engine.download_access import DownloadAccess
from partner_engine.operation_files import streamed
from partner_engine.problems import Refused
from tenants.access import Right
from tenants.limits.scopes import BATCH, EXPORT, UPLOAD

#: The mapping, and the JSON parameters of a query: a longer one is sent as a part of a form.
JsonText = Annotated[str, Meta(max_length=20_000)]
#: The name of a saved mapping.
MappingName = Annotated[str, Meta(max_length=LONGEST_NAME)]
_FILE = (
    "The body is the file (CSV, XLSX, JSON or NDJSON, recognized by its content; at most 15 MB, 100,000 rows, 1,000 "
    "columns), or a form with the part `file` and the parameters as further parts. `mapping` is a JSON object from "
    "columns to targets (a question's code, `locations[1].mqs_loc_zip`, `title`, `reference`, or null); `mapping_name` "
    "names a saved mapping instead; without both the names of the columns decide. "
)


class ImportQuery(Query, frozen=True, kw_only=True):
    """The parameters of an import: ``mapping`` and ``options`` (as in ``POST /batch_operations``) are JSON."""

    mapping: JsonText = "null"
    mapping_name: MappingName = ""
    options: JsonText = "{}"
    catalogue: Code = ""
    title: Annotated[str, Meta(max_length=200)] = ""
    depends_on: UUID | None = None


class PreviewQuery(Query, frozen=True, kw_only=True):
    """The parameters of a preview: ``mapping`` is JSON."""

    mapping: JsonText = "null"
    mapping_name: MappingName = ""
    catalogue: Code = ""


class ImportPreview(UploadEndpoint):
    """The preview of an import."""

    rights: ClassVar = {"POST": Right.WRITE_FORMS}
    limits: ClassVar = {"POST": UPLOAD}

    @documented(
        "Preview an import",
        _FILE + "Returns the columns with their suggested targets, and the first 20 rows as they would be judged. "
        "Nothing is stored. Columns that are not imported are not shown.",
        query=PreviewQuery,
        files=FILE_TYPES,
        responses={200: Preview},
        write=True,
        keyed=False,
    )
    def post(self, request: Request, *, query: PreviewQuery) -> HttpResponse:
        self.require_parameters("mapping", "mapping_name", "catalogue")
        mapping = _mapping(self, query)
        catalogue = self.text_parameter("catalogue", query.catalogue, most=64)
        file = read_file(self.upload().content)
        return self.respond(preview(file, mapping, catalogue=catalogue, tenant=self.tenant, actor=self.actor))


class Imports(UploadEndpoint):
    """The imports of files."""

    rights: ClassVar = {"POST": Right.WRITE_FORMS}
    limits: ClassVar = {"POST": (UPLOAD, BATCH)}

    @documented(
        "Import forms from a file",
        _FILE + "Each row becomes a new form, as by `POST /application_forms`; see `POST /batch_operations` for what "
        "is stored, for `options`, and for the response. Rows that cannot be read are refused with their index, and "
        "the others go on.",
        query=ImportQuery,
        files=FILE_TYPES,
        responses={202: SubmittedShape},
        write=True,
    )
    def post(self, request: Request, *, query: ImportQuery) -> HttpResponse:
        asked = self._asked(query)
        content = self.upload().content
        collection = request.path.rstrip("/").removesuffix("/imports")
        return submitted_response(
            self,
            collection,
            lambda: submit(
                import_order(content, asked, catalogue=self.tenant.catalogue), tenant=self.tenant, actor=self.actor
            ),
        )

    def _asked(self, query: ImportQuery) -> ImportRequest:
        self.require_parameters("mapping", "mapping_name", "options", "catalogue", "title", "depends_on")
        return ImportRequest(
            mapping=_mapping(self, query),
            options=self.json_parameter("options", query.options, Options),
            catalogue=self.text_parameter("catalogue", query.catalogue, most=64),
            title=self.text_parameter("title", query.title, most=200),
            depends_on=self._depends_on(query),
        )

    def _depends_on(self, query: ImportQuery) -> UUID | None:
        sent = self.text_parameter("depends_on", str(query.depends_on or ""), most=64)
        try:
            return UUID(sent) if sent else None
        except ValueError as error:
            raise Refused.field("/depends_on", "depends_on is the id of an operation.") from error


def _mapping(endpoint: UploadEndpoint, query: ImportQuery | PreviewQuery) -> dict[str, str | None] | None:
    """Return the mapping that was sent, or that is saved under the name that was sent."""
    sent = endpoint.json_parameter("mapping", query.mapping, dict[str, str | None] | None)  # type: ignore[arg-type]
    name = endpoint.text_parameter("mapping_name", query.mapping_name, most=LONGEST_NAME)
    chosen = chosen_mapping(sent, name, tenant=endpoint.tenant)
    return None if chosen is None else dict(chosen)


class FailedItemsFile(UploadEndpoint):
    """The failed items of one operation as a file."""

    rights: ClassVar = {"GET": Right.READ_FORMS, "POST": Right.READ_FORMS}
    limits: ClassVar = {"GET": EXPORT, "POST": (UPLOAD, BATCH)}
    renderer_classes = (Json, Csv)  # type: ignore[assignment]  # refusals are JSON all the same

    @documented(
        "Download the failed items of a batch operation",
        "One row for each failed item, with its `number` and the `reason` first, then the submitted values. Sensitive "
        "answers, and answers to questions that no catalogue knows, are masked. Correct the rows and send them back.",
        responses={200: Download(("text/csv",))},
    )
    def get(self, request: Request, id: UUID) -> HttpResponseBase:
        operation = access_operation(id)
        file = FailedItems(operation, tenant=self.tenant, actor=self.actor)
        access = DownloadAccess.of_request(request._request, actor=self.actor, tenant=self.tenant)
        return streamed(request._request, file.next, access=access, name=f"failed-{operation.id}.csv", format="csv")

    @documented(
        "Send corrected items of a batch operation back",
        "Takes rows of `failed.csv` back into the same operation, corrected: only failed items, each once, at most as "
        "many as the operation has. A cell as it was sent, masked or not, means the value behind it; a blank cell "
        "removes the value; a column that is missing changes nothing. The items are checked like new ones and queued "
        "again; rows that are refused are listed with their index from 0. Needs the right that the operation's kind "
        "needs.",
        files=FILE_TYPES,
        responses={202: Returned},
        write=True,
        keyed=False,
    )
    def post(self, request: Request, id: UUID) -> HttpResponse:
        self.require_parameters()
        returned = return_failed(id, self.upload().content, tenant=self.tenant, actor=self.actor)
        if returned.accepted:
            wake_workers(self.tenant.database_alias)
        return HttpResponse(msgspec.json.encode(returned), status=202, content_type=Json.media_type)
