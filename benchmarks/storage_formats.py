"""The compared formats of a document: encoding, compression, column type and PostgreSQL's storage option."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import zstandard

from benchmarks import storage_protobuf
from copies.document import Answer, Document, DocumentQuestionSet, PoolRow, walk_answers, walk_containers

Encode = Callable[[Any], bytes]
Decode = Callable[[bytes], Any]


class FlatDocument(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A document with all answers in one map from path to answer; ``rows`` holds the order of the rows by pool path."""

    answers: dict[str, Answer] = msgspec.field(default_factory=dict)
    rows: dict[str, list[str]] = msgspec.field(default_factory=dict)
    question_sets: list[DocumentQuestionSet] = msgspec.field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column: its type with options of ``ALTER COLUMN``, and the conversion of a document's part to and from it."""

    name: str
    type: str
    alter: str
    encode: Encode
    decode: Decode
    part: Callable[[Document], Any]


@dataclass(frozen=True, kw_only=True)
class Format:
    """A way to store a document. ``columns`` are read together; a save writes those of the first ``written``."""

    name: str
    columns: tuple[Column, ...]
    written: int = 1


def flat(document: Document) -> FlatDocument:
    """Return ``document`` with its answers by path."""
    return FlatDocument(
        answers=dict(walk_answers(document)),
        rows={
            f"{prefix}/{pool}".lstrip("/"): [row.id for row in rows]
            for prefix, container in walk_containers(document)
            for pool, rows in container.answer_pools.items()
        },
        question_sets=document.question_sets,
    )


def formats() -> Iterator[Format]:
    """Yield all formats; others are compared with ``JSON zstd-3, external``."""
    text = ENCODINGS["JSON"]
    for name, alter in (
        ("jsonb, pglz", "SET COMPRESSION pglz"),
        ("jsonb, lz4", "SET COMPRESSION lz4"),
        ("jsonb, external", "SET STORAGE EXTERNAL"),
    ):
        yield _whole(name, "jsonb", alter, *text)
    for encoding, (encode, decode) in ENCODINGS.items():
        for level in (0, 1, 3):
            packed = _compressed(encode, decode, level) if level else (encode, decode)
            suffix = f" zstd-{level}" if level else ""
            yield _whole(f"{encoding}{suffix}, external", "bytea", "SET STORAGE EXTERNAL", *packed)
            yield _whole(f"{encoding}{suffix}, default", "bytea", "SET STORAGE EXTENDED", *packed)
    yield _split()
    encode, decode = _compressed(_encoder.encode, msgspec.json.Decoder(FlatDocument).decode, 3)
    yield Format(
        name="JSON zstd-3, external, flat answers",
        columns=(_column("document", "bytea", "SET STORAGE EXTERNAL", encode, decode, flat),),
    )


def _whole(name: str, type_: str, alter: str, encode: Encode, decode: Decode) -> Format:
    return Format(name=name, columns=(_column("document", type_, alter, encode, decode, _itself),))


def _split() -> Format:
    """Return three columns of which a save of answers writes the first alone."""
    parts: tuple[tuple[str, Any, Callable[[Document], Any]], ...] = (
        ("answers", dict[str, Answer], lambda document: document.answers),
        ("pools", dict[str, list[PoolRow]], lambda document: document.answer_pools),
        ("sets", list[DocumentQuestionSet], lambda document: document.question_sets),
    )
    return Format(
        name="JSON zstd-3, external, split, answers written",
        columns=tuple(
            _column(
                name,
                "bytea",
                "SET STORAGE EXTERNAL",
                *_compressed(_encoder.encode, msgspec.json.Decoder(type_).decode, 3),
                part,
            )
            for name, type_, part in parts
        ),
    )


def _column(
    name: str, type_: str, alter: str, encode: Encode, decode: Decode, part: Callable[[Document], Any]
) -> Column:
    return Column(name=name, type=type_, alter=alter, encode=encode, decode=decode, part=part)


def _itself(document: Document) -> Document:
    return document


def _compressed(encode: Encode, decode: Decode, level: int) -> tuple[Encode, Decode]:
    compressor, decompressor = zstandard.ZstdCompressor(level=level), zstandard.ZstdDecompressor()
    return lambda value: compressor.compress(encode(value)), lambda data: decode(decompressor.decompress(data))


_encoder: Final = msgspec.json.Encoder()
ENCODINGS: Final[dict[str, tuple[Encode, Decode]]] = {
    "JSON": (_encoder.encode, msgspec.json.Decoder(Document).decode),
    "msgpack": (msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(Document).decode),
    "protobuf": (storage_protobuf.encode, storage_protobuf.decode),
}
