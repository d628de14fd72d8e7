"""The middle of the form page: question sets as cards, pools as rows in them, rows nested in rows. Pure.

A long pool shows one line per row. The questions of a row are built only if the page has the row expanded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from copies.document import Container, Document, PoolRow, find_container, walk_containers
from copies.paths import Path, join_path, split_path
from partner_engine.web.pages.field_places import place_questions
from partner_engine.web.pages.fields import Field, build_field
from partner_engine.web.pages.question_counts import is_long
from partner_engine.web.pages.reading import Reading
from partner_engine.web.pages.same_as import SameAs, same_as_in
from presentation.formats import counted, element_id
from presentation.written import Written
from rules.definition.catalogue import Pool


@dataclass(frozen=True)
class RowView:
    """One row of a pool. ``fields`` and ``pools`` are empty while it is ``closed`` or only its head is wanted."""

    path: str
    id: str
    number: int
    title: str
    noun: str
    needed: int
    faulty: bool
    closed: bool
    foldable: bool
    writable: bool
    duplicable: bool
    same_as: SameAs | None = None
    fields: tuple[Field, ...] = ()
    pools: tuple[PoolView, ...] = ()


@dataclass(frozen=True)
class PoolView:
    """A pool at the top of the document or in a row. ``needed`` is whether a quote needs its first row,
    ``pastable`` whether rows of a spreadsheet can be pasted.
    """

    path: str
    id: str
    title: str
    noun: str
    rows: tuple[RowView, ...]
    full: bool
    most: int
    writable: bool
    notes: tuple[tuple[str, str], ...] = ()
    needed: bool = False
    pastable: bool = False


@dataclass(frozen=True)
class Card:
    """One question set. A set that is not on the document has a hidden card, which marks its place on the page; one of
    a long form that the page does not draw has only its ``size`` in words. ``proposed`` is the number of answers that
    are proposed in it, on the copy ``copy_id``.
    """

    code: str
    title: str
    visible: bool
    size: str = ""
    same_as: SameAs | None = None
    fields: tuple[Field, ...] = ()
    pool: PoolView | None = None
    proposed: int = 0
    copy_id: str = ""


def build_cards(reading: Reading) -> tuple[Card, ...]:
    """Return a card for each question set that is not nested, in the catalogue's order."""
    return tuple(build_card(reading, code) for code in top_sets(reading))


def top_sets(reading: Reading) -> tuple[str, ...]:
    """Return the codes of the question sets with a card of their own."""
    return reading.top_sets


def build_card(reading: Reading, code: str) -> Card:
    """Return the card of the question set ``code``."""
    question_set, title = reading.catalogue.sets[code].question_set, _set_title(reading, code)
    if code not in reading.visible_sets or not reading.reader.scope.touches_set(reading.catalogue, code):
        return Card(code, title, visible=False)
    if code not in reading.drawn_sets:
        return Card(code, title, visible=True, size=_size(reading, code, question_set.pool))
    if question_set.pool is not None:
        pool = build_pool(reading, question_set.pool, reading.document, "")
        return Card(code, title, visible=True, pool=pool, **_proposed(reading, code))
    return Card(
        code,
        title,
        visible=True,
        same_as=same_as_in(reading, code, reading.document, ""),
        fields=_fields(reading, code, reading.document, ""),
        **_proposed(reading, code),
    )


def _proposed(reading: Reading, code: str) -> dict[str, Any]:
    """Return how many answers are proposed, with the copy whose page shows them; nothing for guests."""
    number = 0 if reading.reader.is_guest else reading.proposed_by_set.get(code, 0)
    return {"proposed": number, "copy_id": reading.facts.id} if number else {}


def _size(reading: Reading, code: str, pool: Pool | None) -> str:
    if pool is None:
        return counted(reading.questions_by_set[code], "question")
    return counted(len(reading.document.answer_pools.get(pool.code, ())), "row")


def build_pool(reading: Reading, pool: Pool, container: Container, prefix: str) -> PoolView:
    """Return the view of ``pool`` in ``container``, which is at the path ``prefix``."""
    path = join_path(prefix, pool.code)
    rows = container.answer_pools.get(pool.code, [])
    long = is_long(rows)
    shown = tuple(
        _row(reading, pool, path, row, number, rows=len(rows), long=long)
        for number, row in enumerate(rows, 1)
        if reading.reader.scope.touches_row(reading.catalogue, join_path(path, row.id), pool.code)
    )
    return replace(_without_rows(reading, pool, rows, path), rows=shown)


def build_pool_foot(reading: Reading, path: str) -> PoolView | None:
    """Return the pool at ``path`` without its rows, None if it is missing."""
    pool, container = reading.catalogue.pools.get(Path(path).code), reading.container(path)
    if pool is None or container is None:
        return None
    return _without_rows(reading, pool.pool, container.answer_pools.get(pool.pool.code, ()), path)


def _without_rows(reading: Reading, pool: Pool, rows: Sequence[PoolRow], path: str) -> PoolView:
    return PoolView(
        path=path,
        id=element_id(path),
        title=_title(reading, pool),
        noun=noun_of(pool),
        rows=(),
        full=len(rows) >= pool.max,
        most=pool.max,
        writable=reading.is_writable and reading.reader.scope.has_rows(reading.catalogue, pool.code),
        notes=tuple((message.kind, message.text) for message in reading.messages.get(path, ())),
        needed=path in reading.needed_to_quote and not rows,
        pastable=not reading.reader.is_guest,
    )


def build_row(reading: Reading, path: str, *, is_head: bool = False) -> RowView | None:
    """Return the row at ``path`` (``pool/<row id>[/pool/<row id>]``) with its questions, unless only its head is wanted
    (``is_head``); None if it is missing.
    """
    pool_path, row_id = split_path(path)
    code = Path(pool_path).code
    pool, container = reading.catalogue.pools.get(code), reading.container(pool_path)
    rows = container.answer_pools.get(code, []) if container else []
    for number, row in enumerate(rows, 1):
        if pool is not None and row.id == row_id:
            if not reading.reader.scope.touches_row(reading.catalogue, path, code):
                return None
            build = _head if is_head else _row
            return build(reading, pool.pool, pool_path, row, number, rows=len(rows), long=is_long(rows))
    return None


def is_open(reading: Reading, path: str) -> bool:
    """Return whether the page shows the questions of the row at ``path``, if it shows the row."""
    pool_path, row_id = split_path(path)
    is_foldable = is_long(_rows_at(reading.document, pool_path)) and not reading.draws_all
    return not is_foldable or row_id in reading.open_rows


def long_pools(document: Document, path: str | None = None) -> frozenset[str]:
    """Return the paths of the long pools of ``document``, or only of those around the row or pool at ``path``."""
    if path is None:
        return frozenset(
            join_path(prefix, code)
            for prefix, container in walk_containers(document)
            for code, rows in container.answer_pools.items()
            if is_long(rows)
        )
    return frozenset(place for place in pools_around(path) if is_long(_rows_at(document, place)))


def pools_around(path: str) -> list[str]:
    """Return the paths of the pools around the row or pool at ``path``, its own one included."""
    steps = Path(path).steps
    return ["/".join(steps[:length]) for length in range(1, len(steps) + 1, 2)]


def _rows_at(document: Document, path: str) -> Sequence[PoolRow]:
    container = find_container(document, Path(path).parent)
    return container.answer_pools.get(Path(path).code, ()) if container else ()


def _row(  # noqa: PLR0913 - the place of a row needs four
    reading: Reading, pool: Pool, pool_path: str, row: PoolRow, number: int, *, rows: int, long: bool
) -> RowView:
    head = _head(reading, pool, pool_path, row, number, rows=rows, long=long)
    if head.closed:
        return head
    set_code = reading.catalogue.pools[pool.code].set_code
    return replace(
        head,
        same_as=same_as_in(reading, set_code, row, head.path) if number == 1 else None,
        fields=_fields(reading, set_code, row, head.path),
        pools=tuple(_nested_pools(reading, pool, row, head.path)),
    )


def _head(  # noqa: PLR0913 - the place of a row needs four
    reading: Reading, pool: Pool, pool_path: str, row: PoolRow, number: int, *, rows: int, long: bool
) -> RowView:
    path = join_path(pool_path, row.id)
    scope, foldable = reading.reader.scope, long and not reading.draws_all
    return RowView(
        path=path,
        id=element_id(path),
        number=number,
        title=row_title(reading, pool, row),
        noun=noun_of(pool),
        needed=reading.needed_in_rows[path],
        faulty=path in reading.faulty_rows,
        closed=foldable and row.id not in reading.open_rows,
        foldable=foldable,
        writable=reading.is_writable and scope.has_row(reading.catalogue, pool.code, row),
        duplicable=rows < pool.max,
    )


def _nested_pools(reading: Reading, pool: Pool, row: PoolRow, path: str) -> Iterator[PoolView]:
    for code in reading.catalogue.pools[pool.code].children:
        child = reading.catalogue.pools[code]
        if child.set_code in reading.visible_sets and reading.reader.scope.touches_row(
            reading.catalogue, join_path(path, code), code
        ):
            yield build_pool(reading, child.pool, row, path)


def _fields(reading: Reading, set_code: str, container: Container, prefix: str) -> tuple[Field, ...]:
    placed = place_questions(reading.catalogue, set_code, lambda code: reading.asks(join_path(prefix, code)))
    return tuple(
        build_field(reading, question, prefix, answer, place)
        for question, place in placed
        if (answer := container.answers.get(question.code)) is not None and answer.active
    )


def row_title(reading: Reading, pool: Pool, row: PoolRow) -> str:
    """Return the title of a row: the answers to the pool's key questions or else its first ones, "" without any."""
    codes = pool.key or tuple(
        question.code
        for question in reading.catalogue.sets[reading.catalogue.pools[pool.code].set_code].question_set.questions[:2]
    )
    words, are_labels = [], True
    for code in codes:
        answer = row.answers.get(code)
        is_asked = reading.reader.scope.has_answer(reading.catalogue, code)
        if (
            answer is None
            or not is_asked
            or not answer.active
            or not answer.is_answered
            or reading.visibility.hides(code, answer)
        ):
            continue
        words.append(reading.visibility.answer_text(code, answer))
        are_labels = are_labels and bool(reading.catalogue.questions[code].question.choices)
    return ", ".join(words) if are_labels else Written(", ".join(words))


def _title(reading: Reading, pool: Pool) -> str:
    return _set_title(reading, reading.catalogue.pools[pool.code].set_code)


def _set_title(reading: Reading, code: str) -> str:
    """Return the title of a question set; what it has in parentheses is for agents."""
    title = reading.catalogue.sets[code].question_set.title
    return title.partition(" (")[0] if reading.reader.is_guest else title


def noun_of(pool: Pool) -> str:
    """Return the noun for one row, by default from the pool's code: ``prior_losses`` gives ``prior loss``."""
    if pool.noun:
        return pool.noun
    words = " ".join(word.upper() if len(word) < 3 else word for word in pool.code.split("_"))
    for ending, single in (("sses", "ss"), ("ies", "y"), ("s", "")):
        if words.endswith(ending):
            return words.removesuffix(ending) + single
    return words
