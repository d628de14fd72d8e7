"""The whole form page: the head, the list of question sets, the cards, and the panel. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from partner_engine.web.pages.cards import Card, build_cards, top_sets
from partner_engine.web.pages.derived_lines import DerivedLine, build_derived
from partner_engine.web.pages.faults import Fault, build_faults, faults_by_set
from partner_engine.web.pages.links import Link, link_to
from partner_engine.web.pages.orphans import OrphanView, build_orphans
from partner_engine.web.pages.posted_messages import PostedView, build_posted
from partner_engine.web.pages.products import Panel, build_panel
from partner_engine.web.pages.quote_facts import state_word
from partner_engine.web.pages.reading import Reading
from presentation.formats import counted, day, moment
from presentation.written import Written


@dataclass(frozen=True)
class NavItem:
    """One question set in the list on the left. ``tone`` is needed, done, later, or empty; ``wrong`` is the number of
    stored answers that need fixing.
    """

    code: str
    title: str
    progress: str
    tone: str
    wrong: int = 0


@dataclass(frozen=True)
class Head:
    """The head above the form."""

    copy_id: str
    form_id: str
    insured: str
    title: str
    needed: str
    next_needed: Link | None
    chips: tuple[str, ...]
    version: int
    saved: str
    saved_at: str
    as_of: str
    decided: str
    locked: bool
    writable: bool
    tone: str = "ready"
    is_test: bool = False


@dataclass(frozen=True)
class FormPage:
    """All parts of the form page."""

    head: Head
    nav: tuple[NavItem, ...]
    cards: tuple[Card, ...]
    panel: Panel
    posted: tuple[PostedView, ...]
    faults: tuple[Fault, ...]
    derived: tuple[DerivedLine, ...] = ()
    orphans: tuple[OrphanView, ...] = ()


def build_form_page(reading: Reading) -> FormPage:
    """Return the page of ``reading``."""
    return FormPage(
        build_head(reading),
        build_nav(reading),
        build_cards(reading),
        build_panel(reading),
        build_posted(reading),
        build_faults(reading),
        build_derived(reading),
        build_orphans(reading),
    )


def build_head(reading: Reading) -> Head:
    """Return the head with the insured, the number of needed answers, and the version."""
    facts, reader, needed = reading.facts, reading.reader, reading.left_to_quote
    kept = facts.kept_release
    quoted, tone = state_word(reading.quotes)
    return Head(
        copy_id=facts.id,
        form_id=facts.form_id,
        insured=Written(insured_name(reading) or facts.title) or "New application",
        title=facts.title,
        needed=quoted or _left(len(needed), is_guest=reader.is_guest, sells=bool(reading.catalogue.products)),
        next_needed=link_to(reading, needed[0]) if needed and not quoted else None,
        chips=tuple(_chips(reading)) if reading.asks(reading.catalogue.definition.lines_question) else (),
        version=facts.version,
        saved=moment(facts.saved_at, reader.zone, now=reader.now),
        saved_at=facts.saved_at.isoformat(),
        as_of=day(facts.as_of) if facts.as_of_is_fixed else "",
        decided="" if kept is None or reader.is_guest else f"Decided on {day(facts.as_of)} with release {kept}",
        locked=facts.locked,
        writable=reading.is_writable,
        tone=tone if quoted else "ready",
        is_test=facts.is_test,
    )


def build_nav(reading: Reading) -> tuple[NavItem, ...]:
    """Return the question sets on the document with their progress."""
    waiting = reading.needed_in_sets
    wrong = faults_by_set(build_faults(reading))
    return tuple(
        replace(_nav_item(reading, code, waiting[code]), wrong=wrong[code])
        for code in top_sets(reading)
        if code in reading.visible_sets and reading.reader.scope.touches_set(reading.catalogue, code)
    )


def _nav_item(reading: Reading, code: str, waiting: int) -> NavItem:
    question_set = reading.catalogue.sets[code].question_set
    # The part of a title in parentheses is shown on the card only.
    title = question_set.title.partition(" (")[0]
    if waiting:
        return NavItem(code, title, f"{waiting} needed", "needed")
    if question_set.pool is not None:
        rows = len(reading.document.answer_pools.get(question_set.pool.code, ()))
        return NavItem(code, title, counted(rows, "row"), "done")
    answers = [
        answer
        for found in question_set.questions
        if (answer := reading.document.answers.get(found.code)) and answer.active and reading.asks(found.code)
    ]
    answered = sum(answer.is_answered for answer in answers)
    if answers and not answered and all(answer.required != "quote" for answer in answers):
        return NavItem(code, title, "later", "later")
    return NavItem(code, title, f"{answered} of {len(answers)}", "done")


def _chips(reading: Reading) -> Iterable[str]:
    definition, answers = reading.catalogue.definition, reading.document.answers
    lines = answers.get(definition.lines_question)
    question = reading.catalogue.questions.get(definition.lines_question)
    is_hidden = reading.visibility.hides(definition.lines_question, lines)
    if lines and lines.active and isinstance(lines.value, list) and question and not is_hidden:
        labels = reading.catalogue.choices(question.question)
        yield from (labels.get(code, code) for code in lines.value)


def _left(needed: int, *, is_guest: bool, sells: bool) -> str:
    if is_guest:
        return f"{counted(needed, 'answer')} left" if needed else "All answered"
    if not sells:
        return f"{counted(needed, 'answer')} left" if needed else "Complete"
    return f"{counted(needed, 'answer')} to quote" if needed else "Ready to quote"


def insured_name(reading: Reading) -> str:
    """Return the name of the insured, "" without one that the reader may see."""
    code = reading.catalogue.definition.title_question
    answer = reading.document.answers.get(code)
    if answer is None or not isinstance(answer.value, str) or reading.visibility.hides(code, answer):
        return ""
    return answer.value
