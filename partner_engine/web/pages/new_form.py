"""The page that starts a form: the first questions, and beside them the products that are open so far. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from typing import Final

from copies.document import Answer
from partner_engine.web.pages.field_places import FULL, Place
from partner_engine.web.pages.fields import Field, build_field
from partner_engine.web.pages.links import Link, link_to
from partner_engine.web.pages.reading import Reading
from presentation.formats import counted
from presentation.product_names import carrier_and_line
from rules.definition.model import CompiledCatalogue
from rules.flow.appetite import Appetite
from rules.zip_codes import place_of

#: How many of the questions that decide next are named.
LISTED_NEXT: Final = 3
#: Short answers, which stand two in a line.
_SHORT: Final = frozenset({"zip", "year", "percent", "integer", "number", "decimal", "money", "date", "boolean"})


@dataclass(frozen=True)
class OpenProduct:
    """One product with its appetite: ``text`` says why it is not open."""

    code: str
    carrier: str
    name: str
    badge: str
    style: str
    text: str


@dataclass(frozen=True)
class OpenLine:
    """The products of one line; ``open`` says how many are open."""

    code: str
    title: str
    open: str
    products: tuple[OpenProduct, ...]


@dataclass(frozen=True)
class NextQuestion:
    """A question that decides next, with the number of products that wait for it."""

    link: Link
    products: str


@dataclass(frozen=True)
class OpenPanel:
    """The products beside the first questions. ``known`` says from how many answers, ``count`` is "5 of 7"."""

    known: str
    count: str
    lines: tuple[OpenLine, ...]
    next: tuple[NextQuestion, ...]


@dataclass(frozen=True)
class NewFormPage:
    """The page: the fields of the first questions, and the panel."""

    fields: tuple[Field, ...]
    panel: OpenPanel


def build_new_form(
    reading: Reading,
    wanted: Mapping[str, Appetite],
    *,
    typed: Mapping[str, str | list[str]] | None = None,
    faults: Mapping[str, str] | None = None,
) -> NewFormPage:
    """Return the page of ``reading`` with the appetite of each product.

    ``typed`` are values that were refused together, and ``faults`` the reasons, both by the code of the question.
    """
    fields = tuple(
        _refused(field, (typed or {}).get(field.path), (faults or {}).get(field.path, "")) for field in _fields(reading)
    )
    return NewFormPage(fields, _panel(reading, wanted))


def open_count(wanted: Mapping[str, Appetite]) -> tuple[int, int]:
    """Return how many products do not refuse the business, and how many there are."""
    return sum(item.wanted != "no" for item in wanted.values()), len(wanted)


def _fields(reading: Reading) -> Iterator[Field]:
    codes = [code for code in reading.catalogue.definition.start_questions if code in reading.catalogue.questions]
    for is_short, group in groupby(codes, lambda code: reading.catalogue.questions[code].question.type in _SHORT):
        for number, code in enumerate(group):
            question = reading.catalogue.questions[code].question
            answer = reading.document.answers.get(code) or Answer()
            field = build_field(reading, question, "", answer, Place(f"{1 + number % 2}-of-2" if is_short else FULL))
            yield replace(field, needed="", notes=(*_known(reading, field, answer), *_told(field)), tone=_tone(field))


def _tone(field: Field) -> str:
    """Return the tone of a field on this page, where every answer is needed alike."""
    return "" if field.tone == "needed" else field.tone


def _told(field: Field) -> Iterator[tuple[str, str]]:
    return ((kind, text) for kind, text in field.notes if kind != "needed")


def _known(reading: Reading, field: Field, answer: Answer) -> Iterator[tuple[str, str]]:
    """Yield what is known of an answer: the place of a ZIP code, how far away a day is."""
    if field.masked or not answer.is_answered:
        return
    if field.kind == "zip" and isinstance(answer.value, str) and (place := place_of(answer.value[:5])):
        yield "help", ", ".join(filter(None, (place.city, _state(reading.catalogue, place.states[0]))))
    if field.kind == "date" and isinstance(answer.value, str):
        days = (date.fromisoformat(answer.value) - reading.facts.as_of).days
        if days == 0:
            yield "help", "today"
        elif days > 0:
            yield "help", f"in {counted(days, 'day')}"


def _state(catalogue: CompiledCatalogue, code: str) -> str:
    return next((labels[code] for labels in catalogue.choice_lists.values() if code in labels), code)


def _refused(field: Field, typed: str | list[str] | None, fault: str) -> Field:
    """Return ``field`` with what was typed in it, and why that was refused."""
    if typed is None:
        return field
    if isinstance(typed, list):
        field = replace(field, options=tuple(replace(option, chosen=option.code in typed) for option in field.options))
    else:
        field = replace(field, text=typed)
    return replace(field, notes=(("error", fault), *field.notes), tone="error") if fault else field


def _panel(reading: Reading, wanted: Mapping[str, Appetite]) -> OpenPanel:
    answered = [
        code
        for code in reading.catalogue.definition.start_questions
        if (answer := reading.document.answers.get(code)) and answer.is_answered
    ]
    open_now, total = open_count(wanted)
    return OpenPanel(
        known=f"From {counted(len(answered), 'answer')}. No price before its inputs are known."
        if answered
        else "Answer to see which products stay open. Nothing is stored yet.",
        count=f"{open_now} of {total}",
        lines=tuple(_lines(reading, wanted)),
        next=tuple(_next(reading, wanted)),
    )


def _lines(reading: Reading, wanted: Mapping[str, Appetite]) -> Iterator[OpenLine]:
    for line in reading.catalogue.definition.lines:
        codes = [code for code in wanted if reading.catalogue.products[code].product.line == line.code]
        if codes:
            products = tuple(_product(reading, code, wanted) for code in codes)
            open_now, _ = open_count({code: wanted[code] for code in codes})
            yield OpenLine(line.code, line.label, f"{open_now} open" if open_now else "none open", products)


def _product(reading: Reading, code: str, wanted: Mapping[str, Appetite]) -> OpenProduct:
    carrier, name = carrier_and_line(reading.catalogue, code)
    found = wanted[code]
    badge, style, text = _said(reading, code, wanted)
    return OpenProduct(code, carrier, name, badge, style, text or " ".join(_reasons(found)))


def _said(reading: Reading, code: str, wanted: Mapping[str, Appetite]) -> tuple[str, str, str]:
    """Return the badge, its style, and a text of a product."""
    found = wanted[code]
    if found.outcome == "locked":
        rivals = [rival for rival in reading.catalogue.products[code].rivals if rival in wanted]
        names = [carrier_and_line(reading.catalogue, rival)[0] for rival in rivals]
        text = f"opens if {' and '.join(names)} decline{'s' if len(names) == 1 else ''}" if names else ""
        return "Locked", "locked", text
    if found.wanted == "no":
        return "Declined", "decline", ""
    return ("Refer", "refer", "") if found.outcome == "refer" else ("Open so far", "so-far", "")


def _reasons(found: Appetite) -> Iterator[str]:
    if found.wanted == "no" or found.outcome == "refer":
        yield from dict.fromkeys(reason.text for reason in found.reasons if reason.effect != "adjust")


def _next(reading: Reading, wanted: Mapping[str, Appetite]) -> Iterator[NextQuestion]:
    """Yield the questions outside of this page that decide the most products."""
    first = frozenset(reading.catalogue.definition.start_questions)
    waiting = Counter(
        path for item in wanted.values() if item.wanted == "depends" for path in item.depends_on if path not in first
    )
    for path, number in waiting.most_common(LISTED_NEXT):
        yield NextQuestion(link_to(reading, path), counted(number, "product"))
