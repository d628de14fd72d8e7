"""A form as a page for the customer: summary, products, and the answers as text. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from copies.document import Answer, Container
from copies.paths import join_path
from partner_engine.web.pages.cards import noun_of, row_title
from partner_engine.web.pages.form_page import build_head
from partner_engine.web.pages.products import LineView, build_panel
from partner_engine.web.pages.reading import Reading
from presentation.formats import day

NOT_ANSWERED = "Not answered"


@dataclass(frozen=True)
class PrintedAnswer:
    """A question and its answer as text. ``is_free`` marks a text in any language, ``is_open`` a missing answer."""

    label: str
    text: str
    is_free: bool = False
    is_open: bool = False


@dataclass(frozen=True)
class PrintedPart:
    """A question set or one row: its title, its answers, and the parts in it."""

    title: str
    answers: tuple[PrintedAnswer, ...]
    parts: tuple[PrintedPart, ...] = ()


@dataclass(frozen=True)
class PrintedForm:
    """The whole form. ``summary`` are its main facts, ``needed`` says how much is still needed for quotes."""

    insured: str
    copy_title: str
    summary: tuple[str, ...]
    needed: str
    as_of: str
    version: int
    lines: tuple[LineView, ...]
    parts: tuple[PrintedPart, ...]


def build_printed_form(reading: Reading) -> PrintedForm:
    """Return the page for the customer, with what the reader may see."""
    head = build_head(reading)
    return PrintedForm(
        insured=head.insured or head.title,
        copy_title=reading.facts.title,
        summary=head.chips,
        needed=head.needed,
        as_of=day(reading.evaluation.as_of),
        version=reading.facts.version,
        lines=build_panel(reading).lines,
        parts=tuple(_sets(reading)),
    )


def _sets(reading: Reading) -> Iterator[PrintedPart]:
    for code, found in reading.catalogue.sets.items():
        if found.parent or code not in reading.visible_sets:
            continue
        title = found.question_set.title
        if found.pool:
            rows = tuple(_rows(reading, found.pool, reading.document, ""))
            part = PrintedPart(title, (), rows)
        else:
            part = PrintedPart(title, tuple(_answers(reading, code, reading.document, "")))
        if part.answers or part.parts:
            yield part


def _rows(reading: Reading, code: str, container: Container, prefix: str) -> Iterator[PrintedPart]:
    """Yield the rows of the pool ``code`` in ``container`` with the rows in them."""
    pool = reading.catalogue.pools[code]
    noun = noun_of(pool.pool)
    for number, row in enumerate(container.answer_pools.get(code, ()), 1):
        path = join_path(prefix, code, row.id)
        name = row_title(reading, pool.pool, row)
        yield PrintedPart(
            title=f"{noun[:1].upper()}{noun[1:]} {number}{f': {name}' if name else ''}",
            answers=tuple(_answers(reading, pool.set_code, row, path)),
            parts=tuple(
                part
                for child in pool.children
                if reading.catalogue.pools[child].set_code in reading.visible_sets
                for part in _rows(reading, child, row, path)
            ),
        )


def _answers(reading: Reading, set_code: str, container: Container, prefix: str) -> Iterator[PrintedAnswer]:
    for question in reading.catalogue.sets[set_code].question_set.questions:
        answer = container.answers.get(question.code)
        if answer is None or not answer.active:
            continue
        if not answer.is_answered:
            yield PrintedAnswer(question.label, _missing_text(reading, answer), is_open=True)
            continue
        path = join_path(prefix, question.code)
        is_free = question.type in ("text", "long_text")
        yield PrintedAnswer(question.label, reading.visibility.answer_text(path, answer), is_free)


def _missing_text(reading: Reading, answer: Answer) -> str:
    if answer.is_erased and answer.erased_at:
        return f"Erased on {day(answer.erased_at.astimezone(reading.reader.zone).date())}"
    return NOT_ANSWERED
