"""The stored bytes of documents, evaluations and changes: one version byte, then zstd-compressed msgspec JSON.

A document of an older schema is upgraded when it is read, by the pure functions in ``UPGRADES``, one version at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec
import zstandard

from copies.document import SCHEMA_VERSION, Document
from copies.narrow_document import NarrowDocument

T = TypeVar("T")
RawDocument = dict[str, Any]

#: ``UPGRADES[n]`` takes a document of schema version n, as plain JSON values, to version n + 1.
UPGRADES: Final[dict[int, Callable[[RawDocument], RawDocument]]] = {}

#: Level 1 gives as many bytes as level 3 on documents and takes less time (docs/adr/0006-document-as-bytes.md).
LEVEL: Final = 1
#: Larger contents are a decompression bomb or a bug.
MAX_DECODED_BYTES: Final = 64 * 1024 * 1024

_encoder = msgspec.json.Encoder()
_document_decoder = msgspec.json.Decoder(Document)
_narrow_decoder = msgspec.json.Decoder(NarrowDocument)
_local = threading.local()


class UnreadableDocument(Exception):
    """The stored bytes are no document of a known schema version; a newer release of the software may have written
    them.
    """


def encode_document(document: Document) -> bytes:
    """Return the stored form of ``document``."""
    return store_document(document_content(document))


def document_content(document: Document) -> bytes:
    """Return the content of ``document`` before its compression: the version byte and its JSON."""
    return bytes((SCHEMA_VERSION,)) + _encoder.encode(document)


def store_document(content: bytes) -> bytes:
    """Return the stored form of a document's content."""
    return content[:1] + _compress(content[1:])


def content_of_document(data: bytes) -> bytes:
    """Return the content of a stored document. Raises ``UnreadableDocument``."""
    stored, decoded = getattr(_local, "decoded", (None, b""))
    return data[:1] + (decoded if stored is data else content_of(data[1:]))


def content_of(data: bytes) -> bytes:
    """Return the JSON of any other stored value. Raises ``UnreadableDocument``."""
    try:
        return _decompress(data)
    except zstandard.ZstdError as error:
        raise UnreadableDocument("The stored bytes cannot be decompressed.") from error


def content(value: object) -> bytes:
    """Return the JSON of any other value, as it is before its compression."""
    return _encoder.encode(value)


def store(content: bytes) -> bytes:
    """Return the stored form of the JSON of any other value."""
    return _compress(content)


def decode_document(data: bytes) -> Document:
    """Return the document in ``data``, upgraded to the current schema. Raises ``UnreadableDocument``."""
    if not data:
        raise UnreadableDocument("The stored document is empty.")
    version = data[0]
    try:
        content = _decompress(data[1:])
        # The save that may follow compares its content with this one.
        _local.decoded = data, content
        if version == SCHEMA_VERSION:
            return _document_decoder.decode(content)
        return msgspec.convert(upgrade(msgspec.json.decode(content), version), Document)
    except (msgspec.MsgspecError, zstandard.ZstdError) as error:
        raise UnreadableDocument(f"The stored document of schema version {version} cannot be read.") from error


def decode_narrow_document(data: bytes) -> Document:
    """Return what the rules read of the document in ``data``, in half the time; no more may be done with it than to
    decide it. Raises ``UnreadableDocument``.
    """
    if not data or data[0] != SCHEMA_VERSION:
        return decode_document(data)
    try:
        narrow: Any = _narrow_decoder.decode(_decompress(data[1:]))
    except (msgspec.MsgspecError, zstandard.ZstdError) as error:
        raise UnreadableDocument(f"The stored document of schema version {data[0]} cannot be read.") from error
    document: Document = narrow
    return document


def upgrade(raw: RawDocument, version: int, *, to: int = SCHEMA_VERSION) -> RawDocument:
    """Upgrade plain JSON values from schema ``version`` to ``to``.

    Raises ``UnreadableDocument`` where an upgrade is missing.
    """
    if version > to:
        raise UnreadableDocument(f"The stored document has schema version {version}; this release reads up to {to}.")
    while version < to:
        if version not in UPGRADES:
            raise UnreadableDocument(f"No upgrade leads on from schema version {version}.")
        raw = UPGRADES[version](raw)
        version += 1
        raw["schema_version"] = version
    return raw


def encode(value: object) -> bytes:
    """Return the stored form of any other struct or list of structs (an evaluation, changes)."""
    return _compress(_encoder.encode(value))


def decode(data: bytes, type_: type[T]) -> T:
    """Return the value that ``encode`` stored, as ``type_``."""
    return msgspec.json.decode(_decompress(data), type=type_)


def _compress(content: bytes) -> bytes:
    # A compressor must not be shared between threads, and making one costs more than compressing a small document.
    if not hasattr(_local, "compressor"):
        _local.compressor = zstandard.ZstdCompressor(level=LEVEL)
        _local.decompressor = zstandard.ZstdDecompressor()
    compressed: bytes = _local.compressor.compress(content)
    return compressed


def _decompress(data: bytes) -> bytes:
    if not hasattr(_local, "decompressor"):
        _local.compressor = zstandard.ZstdCompressor(level=LEVEL)
        _local.decompressor = zstandard.ZstdDecompressor()
    if zstandard.frame_content_size(data) > MAX_DECODED_BYTES:
        raise zstandard.ZstdError("larger than a document may be")
    content: bytes = _local.decompressor.decompress(data, max_output_size=MAX_DECODED_BYTES)
    return content
