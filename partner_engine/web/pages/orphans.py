"""What a later release no longer asks: stored answers and rows without a place on the form page. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from copies.document import Container
from copies.paths import join_path
from partner_engine.web.pages.links import link_to
from partner_engine.web.pages.reading import Reading
from presentation.formats import counted


@dataclass(frozen=True)
class OrphanView:
    """An answer or the rows of a pool that are no longer asked. ``writable`` allows to delete them."""

    path: str
    id: str
    label: str
    text: str
    writable: bool


def build_orphans(reading: Reading) -> tuple[OrphanView, ...]:
    """Return what is no longer asked, at the top of the document first; guests see nothing of it."""
    return () if reading.reader.is_guest else tuple(_orphans_in(reading, reading.document, "", ""))


def _orphans_in(reading: Reading, container: Container, pool: str, prefix: str) -> Iterator[OrphanView]:
    codes, pools = reading.catalogue.codes[pool], reading.catalogue.nested[pool]
    for code, answer in container.answers.items():
        if code not in codes and answer.is_answered:
            path = join_path(prefix, code)
            yield _orphan(reading, path, reading.visibility.answer_text(path, answer))
    for code, rows in container.answer_pools.items():
        if code not in pools:
            if rows:
                yield _orphan(reading, join_path(prefix, code), counted(len(rows), "row"))
            continue
        for row in rows:
            yield from _orphans_in(reading, row, code, join_path(prefix, code, row.id))


def _orphan(reading: Reading, path: str, text: str) -> OrphanView:
    link = link_to(reading, path)
    return OrphanView(path, link.id, link.text, text, reading.is_writable)
