"""Compares formats of a document: time to load and to save, stored bytes and bytes of WAL, by size and format.

One row of a table for each format, over one bare connection without waiting for the disc (``synchronous_commit`` off):
the flush is the same for all, and the WAL measures its content. A save changes 20 answers at the top of the form. Of
each turn the fastest call counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any, Final

import psycopg

from batch import service as batch
from benchmarks import raw
from benchmarks.figures import Figure, figure, milliseconds
from benchmarks.forms import ACTOR, SavedForm, Size, save_form, value_at
from benchmarks.names import Kept
from benchmarks.rounds import Contender, interleave, say
from benchmarks.storage_formats import Column, Format, formats
from copies.document import AnsweredBy, Document, walk_answers

SIZES: Final = (50, 500, 2_000, 5_000)
QUICK: Final = {"sizes": (50,)}
CHANGES: Final = 20
TABLE: Final = "benchmarks_storage"
#: WAL is that of the lower half of these saves: the others may contain whole pages after a checkpoint.
SAVES: Final = 15


class Stored:
    """A document in one format, in a table of its own."""

    def __init__(self, connection: psycopg.Connection, kept: Format, number: int, document: Document) -> None:
        self.format = kept
        self._cursor = connection.cursor(binary=True)
        self._table = f"{TABLE}_{number}"
        self._document = document
        # Its parts share its answers: a change of the document is one of them too.
        self._parts = [column.part(document) for column in kept.columns]
        self._codes = [code for code in document.answers if code.startswith("q")][-CHANGES:]
        self._version = 0
        columns = ", ".join(f"{column.name} {column.type}" for column in kept.columns)
        self._cursor.execute(f"DROP TABLE IF EXISTS {self._table}")
        self._cursor.execute(f"CREATE TABLE {self._table} (id int PRIMARY KEY, version int NOT NULL, {columns})")
        for column in kept.columns:
            self._cursor.execute(f"ALTER TABLE {self._table} ALTER COLUMN {column.name} {column.alter}")
        places = ", ".join(_place(column) for column in kept.columns)
        values = [column.encode(part) for column, part in zip(kept.columns, self._parts, strict=True)]
        self._cursor.execute(f"INSERT INTO {self._table} VALUES (1, 0, {places})", values)
        written = ", ".join(f"{column.name} = {_place(column)}" for column in kept.columns[: kept.written])
        self._update = f"UPDATE {self._table} SET version = %s, {written} WHERE id = 1 AND version = %s"
        # As text, jsonb comes without a version byte in front of it.
        read = ", ".join(f"{column.name}{'::text' * (column.type == 'jsonb')}" for column in kept.columns)
        self._select = f"SELECT {read} FROM {self._table} WHERE id = 1"

    def read(self, call: int = 0) -> list[Any]:
        """Load the document and decode it into structs."""
        row = self._cursor.execute(self._select).fetchone()
        assert row is not None
        return [column.decode(value) for column, value in zip(self.format.columns, row, strict=True)]

    def save(self, call: int) -> None:
        """Change answers, encode the changed parts and update the row."""
        for code in self._codes:
            self._document.answers[code].value = value_at(code, variant=call % 2)
        columns = self.format.columns[: self.format.written]
        values = [column.encode(part) for column, part in zip(columns, self._parts, strict=False)]
        self._cursor.execute(self._update, [self._version + 1, *values, self._version])
        assert self._cursor.rowcount == 1
        self._version += 1

    def require_same(self) -> None:
        """Raise ``AssertionError`` where the loaded document differs from the stored one."""
        assert self.read() == self._parts, self.format.name

    def bytes_stored(self) -> int:
        """Return the bytes that PostgreSQL stores, after its own compression."""
        sizes = " + ".join(f"pg_column_size({column.name})" for column in self.format.columns)
        row = self._cursor.execute(f"SELECT {sizes} FROM {self._table}").fetchone()
        assert row is not None
        return int(row[0])

    def wal_of_a_save(self, call: int) -> int:
        """Save once; return the bytes of WAL that it wrote."""
        before = self._wal()
        self.save(call)
        return self._wal() - before

    def drop(self) -> None:
        """Remove the table."""
        self._cursor.execute(f"DROP TABLE {self._table}")

    def _wal(self) -> int:
        row = self._cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
        assert row is not None
        return int(row[0])


def measure(rounds: int, *, sizes: Sequence[int] = SIZES) -> list[Figure]:
    """Return for each size and format: milliseconds to load and to save, stored bytes, bytes of WAL for a save."""
    figures: list[Figure] = []
    for answers in sizes:
        say(f"{answers:,} answers")
        form = save_form(Size(answers=answers, rules=20))
        with raw.connect("default", form.tenant) as connection:
            connection.autocommit = True
            connection.execute("SET synchronous_commit = off")
            # One for all formats: a save first gives its answers new values.
            document = _document(form)
            stored = [Stored(connection, kept, number, document) for number, kept in enumerate(formats())]
            figures += _measured(stored, answers, rounds)
            for one in stored:
                one.drop()
    return figures


def _measured(stored: Sequence[Stored], answers: int, rounds: int) -> list[Figure]:
    contenders = []
    for one in stored:
        one.require_same()
        contenders.append(Contender(name=f"load {one.format.name}", run=one.read, repeats=5))
        contenders.append(Contender(name=f"save {one.format.name}", run=one.save, repeats=5))
    times = interleave(contenders, rounds=rounds, pick=min)
    figures = []
    for one in stored:
        wal = sorted(one.wal_of_a_save(call) for call in range(SAVES))[: SAVES // 2]
        figures += [
            figure(Kept(answers, one.format.name, "load").name, "ms", milliseconds(times[f"load {one.format.name}"])),
            figure(Kept(answers, one.format.name, "save").name, "ms", milliseconds(times[f"save {one.format.name}"])),
            figure(Kept(answers, one.format.name, "stored").name, "bytes", [one.bytes_stored()]),
            figure(Kept(answers, one.format.name, "WAL of a save").name, "bytes", wal),
        ]
        one.save(0)
        one.require_same()
    return figures


def _document(form: SavedForm) -> Document:
    """Return a document as after some weeks: answered at many times, by three people."""
    document = batch.find_changeset(form.id, scope=form.tenant, actor=ACTOR).document
    chance = Random(form.size.answers)
    people = [AnsweredBy("user", str(Random(number).getrandbits(64)), "web") for number in range(3)]
    for _, answer in walk_answers(document):
        answer.answered_by = people[chance.randrange(3)]
        if answer.updated_at is not None:
            answer.updated_at += timedelta(microseconds=chance.randrange(20 * 86_400_000_000))
    return document


def _place(column: Column) -> str:
    # JSON is sent as text, which the server converts to jsonb.
    return "convert_from(%s, 'UTF8')::jsonb" if column.type == "jsonb" else "%s"
