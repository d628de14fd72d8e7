"""One question as the form page shows it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from copies.document import Answer
from copies.paths import Path, join_path
from partner_engine.web.pages.autofill import OFF, autofill_token
from partner_engine.web.pages.base_answers import base_text
from partner_engine.web.pages.dependants import opens_questions
from partner_engine.web.pages.field_places import FULL, Place
from partner_engine.web.pages.reading import Reading
from partner_engine.web.pages.same_as import is_from_zip
from presentation.formats import counted, day, element_id, field_text, listed
from presentation.visibility import PERSONAL
from rules.definition.catalogue import Question
from rules.types.long_text import LONG_TEXT
from rules.types.question_type import QuestionType
from rules.types.registry import type_of
from rules.types.text import TEXT

#: Choices that fit in this many pixels are shown as buttons in one line.
SEGMENTS_WIDTH: Final = 300
#: More choices than this are searched by typing.
LISTED_CHOICES: Final = 7
#: The most texts that a response reports in its header.
MOST_TEXTS: Final = 50
#: The widgets with one line of text.
_LINES: Final = frozenset({"text", "search", "date", "combobox"})


@dataclass(frozen=True)
class Option:
    """One choice. A chosen one that is ``gone`` is no longer offered."""

    code: str
    label: str
    chosen: bool
    gone: bool = False


@dataclass(frozen=True)
class Field:
    """One question with its answer. ``notes`` are the lines below it and ``tone`` is how serious they are;
    ``doubts`` are the codes and texts of the warnings that a person can confirm, ``proposed`` is the value that is
    proposed, ``proposal`` its id and ``proposed_from`` the document or model, "" for those of a renewal.

    ``max_length`` limits what can be typed, in characters. ``opens`` marks an answer that makes other questions appear,
    ``is_free`` a text in any language. ``base`` is the different answer of the form's base. ``unknown`` is "offer"
    where a guest can leave the answer to the agent, "said" where they did. ``place`` and ``after`` are as in ``Place``;
    ``opened`` are the names of the products that need the answer. ``autofill`` is the token for browsers. ``from_zip``
    marks an answer that a ZIP code filled.
    """

    path: str
    id: str
    label: str
    kind: str
    widget: str
    text: str = ""
    options: tuple[Option, ...] = ()
    mask: str = ""
    placeholder: str = ""
    input_mode: str = ""
    max_length: int = 0
    prefix: str = ""
    suffix: str = ""
    needed: str = ""
    tone: str = ""
    notes: tuple[tuple[str, str], ...] = ()
    doubts: tuple[tuple[str, str], ...] = ()
    proposed: str = ""
    proposal: str = ""
    proposed_from: str = ""
    readonly: bool = False
    masked: bool = False
    answered: bool = False
    opens: bool = False
    is_free: bool = False
    base: str = ""
    unknown: str = ""
    place: str = ""
    after: str = ""
    opened: str = ""
    autofill: str = OFF
    from_zip: bool = False


def build_field(
    reading: Reading,
    question: Question,
    prefix: str,
    answer: Answer,
    place: Place = Place(),  # noqa: B008 - frozen
) -> Field:
    """Return the field of ``question`` with its ``answer`` in the container at ``prefix``, as the reader sees it."""
    path = join_path(prefix, question.code)
    masked = reading.visibility.hides(path, answer)
    shown = None if masked else answer
    mask = str(reading.visibility.answer(path, answer)) if masked and answer.is_answered else ""
    question_type = type_of(question.type)
    widget = _widget(reading, question, question_type, masked=masked)
    options = _options(reading, question, shown)
    notes, tone = _notes(reading, question, path, answer, masked=masked)
    return Field(
        path=path,
        id=element_id(path),
        label=question.label,
        kind=question.type,
        widget=widget,
        text=_text(question, widget, shown, options),
        options=options,
        mask=mask,
        placeholder=_placeholder(question, mask, masked=masked),
        input_mode=question_type.input_mode,
        max_length=question_type.max_length,
        prefix="$" if question_type.unit == "currency" and reading.catalogue.definition.currency == "USD" else "",
        suffix="%" if question_type.unit == "%" else "",
        needed=_needed(reading, path),
        tone=tone,
        notes=notes,
        doubts=_doubts(reading, question, path),
        proposed=_proposed(reading, path, answer),
        proposal=answer.proposed.id if answer.proposed else "",
        proposed_from=answer.proposed.origin if answer.proposed and answer.proposed.source else "",
        readonly=answer.readonly or not reading.is_writable,
        masked=masked,
        answered=answer.is_answered,
        opens=opens_questions(reading.catalogue, question.code),
        is_free=question.type in (TEXT.code, LONG_TEXT.code) and not masked,
        base=base_text(reading, path, answer),
        unknown=_unknown(reading, path, answer),
        place=FULL if widget in ("area", "checks") else place.part,
        after=place.after,
        opened=listed(reading.opened_by.get(path, ())),
        autofill=autofill_token(reading, question, prefix, masked=masked),
        from_zip=is_from_zip(answer),
    )


def _unknown(reading: Reading, path: str, answer: Answer) -> str:
    if not reading.reader.is_guest or answer.is_answered or answer.readonly or not reading.is_writable:
        return ""
    return "said" if path in reading.reader.unknown else "offer"


def stored_texts(reading: Reading, typed: Mapping[str, object]) -> dict[str, str]:
    """Return the texts of the answers at the paths of ``typed`` that differ from what was typed there.

    Answers that the reader may not see and long texts are left out, and all after the first ``MOST_TEXTS``.
    """
    texts: dict[str, str] = {}
    for path, entered in typed.items():
        answer, known = reading.answer(path), reading.catalogue.questions.get(Path(path).code)
        if answer is None or known is None or not isinstance(entered, str) or len(texts) >= MOST_TEXTS:
            continue
        is_masked = reading.visibility.hides(path, answer)
        widget = _widget(reading, known.question, type_of(known.question.type), masked=is_masked)
        text = _text(known.question, widget, answer, _options(reading, known.question, answer))
        if widget in _LINES and not is_masked and text != entered:
            texts[path] = text
    return texts


def _widget(reading: Reading, question: Question, question_type: QuestionType, *, masked: bool) -> str:
    if masked:
        return "text"
    if question_type.widget == "select":
        labels = reading.catalogue.choices(question).values()
        if sum(max(72, 32 + 8 * len(label)) for label in labels) <= SEGMENTS_WIDTH:
            return "segments"
        return "combobox" if len(labels) > LISTED_CHOICES else "select"
    return question_type.widget


def _text(question: Question, widget: str, answer: Answer | None, options: tuple[Option, ...]) -> str:
    """Return the text of the input; in a combobox it is the label of the chosen option."""
    if widget == "combobox":
        texts = (
            f"{option.label} (no longer offered)" if option.gone else option.label
            for option in options
            if option.chosen
        )
        return next(texts, "")
    return field_text(question.type, answer.value if answer else None)


def _options(reading: Reading, question: Question, answer: Answer | None) -> tuple[Option, ...]:
    value = answer.value if answer else None
    question_type = type_of(question.type)
    if question_type.labels:
        fixed = question_type.labels.items()
        return tuple(Option(code, label, question_type.read_input(code) is value) for code, label in fixed)
    chosen = value if isinstance(value, list) else [value]
    labels = reading.catalogue.choices(question) if question_type.has_choices else {}
    offered = tuple(Option(code, label, code in chosen) for code, label in labels.items())
    return (*offered, *_gone(reading, question, [code for code in chosen if code not in labels])) if labels else ()


def _gone(reading: Reading, question: Question, codes: list[Any]) -> Iterator[Option]:
    """Yield the chosen ``codes`` that ``question`` no longer offers, with their earlier labels."""
    for code in map(str, filter(None, codes)):
        yield Option(code, reading.past_labels().of_choice(question.code, code), chosen=True, gone=True)


def _placeholder(question: Question, mask: str, *, masked: bool) -> str:
    question_type = type_of(question.type)
    if masked:
        return mask or question_type.format_hint
    return "" if question.help else question_type.placeholder


def _needed(reading: Reading, path: str) -> str:
    if path in reading.needed_to_quote:
        return "quote"
    return "bind" if path in reading.needed_to_bind else ""


def _doubts(reading: Reading, question: Question, path: str) -> tuple[tuple[str, str], ...]:
    """Return the code and the text of each warning that a person can confirm."""
    can_confirm = reading.catalogue.questions[question.code].validators
    return tuple(
        (message.code, message.text)
        for message in reading.messages.get(path, ())
        if message.kind == "warn" and message.code in can_confirm
    )


def _proposed(reading: Reading, path: str, answer: Answer) -> str:
    """Return the proposed value as text, "" without one that the reader can see."""
    proposed = answer.proposed
    if proposed is None or reading.visibility.hides(path, tag=proposed.tag):
        return ""
    return reading.visibility.text(path, proposed.value, tag=proposed.tag)


def _notes(
    reading: Reading, question: Question, path: str, answer: Answer, *, masked: bool
) -> tuple[tuple[tuple[str, str], ...], str]:
    """Return the lines below the field, most serious first, and the tone of the field."""
    messages = reading.messages.get(path, ())
    notes = [("error", message.text) for message in messages if message.kind == "error"]
    tone = "error" if notes else ""
    if note := reading.reader.notes.get(path):
        notes.append(("task", note))
    if path in reading.unknown_to and not answer.is_answered:
        notes.append(("task", f"{reading.unknown_to[path]} does not know this."))
    if answer.is_erased and answer.erased_at:
        erased_on = day(answer.erased_at.astimezone(reading.reader.zone).date())
        notes.append(("info", f"This answer was erased on {erased_on}."))
    opened = reading.opened_by.get(path)
    if opened and not answer.is_answered:
        names = opened[0] if len(opened) == 1 else counted(len(opened), "product")
        notes.append(("needed", f"Needed to quote: opens {names}"))
        tone = tone or "needed"
    can_confirm = reading.catalogue.questions[question.code].validators
    notes += [
        (message.kind, message.text)
        for message in messages
        if message.kind != "error" and not (message.kind == "warn" and message.code in can_confirm)
    ]
    if masked and answer.is_answered and reading.is_writable:
        notes.append(
            (
                "help",
                "Hidden. What you type replaces it."
                if reading.visibility.of(path, answer) is PERSONAL
                else "Stored encrypted. What you type replaces it.",
            )
        )
    elif question.help or (masked and reading.visibility.of(path, answer) is not PERSONAL):
        # A secret answer has a line before it is given too: its note must not push what is below.
        notes.append(("help", question.help or "Stored encrypted."))
    return tuple(notes), tone
