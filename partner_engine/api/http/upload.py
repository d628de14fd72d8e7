"""Endpoints that take a file: as the whole body, or as the part ``file`` of a form with its parameters beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
from django.core.exceptions import RequestDataTooBig
from rest_framework import parsers, renderers

from partner_engine.api.http.endpoint import Endpoint
from partner_engine.api.http.json import UnreadBody
from partner_engine.problems import Refused
from presentation.strict_json import JsonFault, parse

T = TypeVar("T")

#: A little less than ``body_limit`` allows, so that the parts of a form fit beside the file.
MOST_FILE_BYTES: Final = 15 * 1024 * 1024
FILE: Final = "file"
MULTIPART: Final = "multipart/form-data"
FILE_TYPES: Final = (
    "text/csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/json",
    "application/x-ndjson",
    MULTIPART,
)


class Upload(NamedTuple):
    """A file that was sent, and the texts of the parameters in the parts beside it."""

    content: bytes
    parameters: Mapping[str, str]


class Csv(renderers.BaseRenderer):
    """Declares that a response can be CSV. Views write it themselves."""

    media_type = "text/csv"
    format = "csv"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """Return ``data`` as JSON: only refusals are rendered here."""
        return msgspec.json.encode(data)


class Ndjson(Csv):
    """Declares that a response can be NDJSON."""

    media_type = "application/x-ndjson"
    format = "ndjson"


class UploadEndpoint(Endpoint):
    """An endpoint whose body is a file. Its kind is recognized by its content; the media type is not trusted."""

    parser_classes = (parsers.MultiPartParser, UnreadBody)  # type: ignore[assignment]  # only files come in parts

    def upload(self) -> Upload:
        """Return the file of this request; reads it once.

        Raises ``Refused``: 413 too large, 415 encoded, 422 without a file; ``ParseError`` for a malformed form.
        """
        if not hasattr(self, "_upload"):
            self._upload: Upload = self._read_upload()
        return self._upload

    def canonical_body(self) -> bytes:
        """Return a digest of the file and its parameters, by which a repeated request is recognized."""
        upload = self.upload()
        return hashlib.sha256(upload.content).digest() + msgspec.json.encode(upload.parameters, order="sorted")

    def json_parameter(self, name: str, sent: str, type_: type[T]) -> T:
        """Return the parameter ``name`` as ``type_``: the part of the form with this name, else ``sent``, JSON of the
        query. Raises ``Refused`` (422).
        """
        text = self.upload().parameters.get(name, sent)
        try:
            return msgspec.convert(parse(text.encode()), type_)
        except JsonFault as fault:
            raise Refused.field(f"/{name}", f"{name} is not JSON: {fault.text}") from fault
        except msgspec.ValidationError as error:
            raise Refused.field(f"/{name}", f"{name} has a wrong shape: {error}") from error

    def text_parameter(self, name: str, sent: str, *, most: int) -> str:
        """Return the parameter ``name``: the part of the form, else ``sent``. Raises ``Refused`` (422)."""
        text = self.upload().parameters.get(name, sent)
        if "\0" in text:
            raise Refused.field(f"/{name}", f"{name} contains the character NUL.", code="nul_character")
        if len(text) > most:
            raise Refused.field(f"/{name}", f"{name} has at most {most} characters.")
        return text

    def require_parameters(self, *names: str) -> None:
        """Raise ``Refused`` (422) for a part of the form that is missing in ``names``."""
        for name in self.upload().parameters:
            if name not in names:
                raise Refused.field(f"/{name[:80]}", "There is no such parameter.", code="unknown_field")

    def _read_upload(self) -> Upload:
        if self.request.headers.get("Content-Encoding", "").strip().lower() not in ("", "identity"):
            detail = "Send the body without Content-Encoding."
            raise Refused(415, "unsupported_content_encoding", detail, headers={"Accept-Encoding": "identity"})
        length = self.request._request.META.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and int(length) > MOST_FILE_BYTES:
            raise _too_large()
        media_type = self.request._request.META.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
        return self._form() if media_type == MULTIPART else Upload(self._whole_body(), {})

    def _whole_body(self) -> bytes:
        # Read from the stream: what the framework reads into memory for other requests is less.
        content = self.request._request.read(MOST_FILE_BYTES + 1)
        if len(content) > MOST_FILE_BYTES:
            raise _too_large()
        return content

    def _form(self) -> Upload:
        try:
            files, fields = self.request.FILES, self.request.POST
        except RequestDataTooBig as error:
            raise _too_large() from error
        names = list(files)
        if names != [FILE] or len(files.getlist(FILE)) != 1:
            raise Refused.field(f"/{FILE}", "Send one part named file, with the file in it.", code="no_file")
        repeated = [name for name in fields if len(fields.getlist(name)) > 1]
        if repeated:
            raise Refused.field(f"/{repeated[0][:80]}", "Send this part once.", code="duplicate_key")
        sent: Any = files[FILE]
        if (sent.size or 0) > MOST_FILE_BYTES:
            raise _too_large()
        parameters = {name: str(fields[name]) for name in fields if name != "csrfmiddlewaretoken"}
        return Upload(sent.read(), parameters)


def _too_large() -> Refused:
    return Refused(413, "body_too_large", f"The file is larger than {MOST_FILE_BYTES:,} bytes; split it.")
