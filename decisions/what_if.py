"""What a supposition changes for the book: decides every open copy that may be concerned, and saves none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Final

from catalogue import releases
from catalogue.releases import CompiledRelease
from decisions.book import Narrow, count_open, read_book
from decisions.book_report import BookReport, ReportBuilder
from decisions.copy_effect import BookCopy, CopyEffect, effect_of
from decisions.errors import BookTooLarge
from decisions.forked_work import map_in_order
from decisions.supposition import DraftRelease, Supposition, suppose_answers, suppose_release
from presentation.visibility import Reader
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.compiler import compile_catalogue
from tenants.models import Tenant

#: Open copies that are decided while a caller or a page waits.
MOST_AT_ONCE: Final = 500


def draft_supposition(draft: CatalogueDefinition) -> Supposition:
    """Return the supposition that ``draft`` is published now. Raises ``CatalogueErrors`` for a faulty draft, and
    ``NoRelease`` for a catalogue that was never published.
    """
    return suppose_release(releases.current(draft.code), DraftRelease(compiled=compile_catalogue(draft)))


def release_supposition(release: CompiledRelease) -> Supposition:
    """Return the supposition that ``release`` is the current one again. Raises ``NoRelease``."""
    return suppose_release(releases.current(release.catalogue_code), release)


def answers_supposition(
    catalogue: str, answers: Mapping[str, object], *, reader: Reader | None = None
) -> Supposition:  # fmt: skip
    """Return the supposition that ``answers`` are given in every copy that asks the questions, without what depends on
    answers that the ``reader`` of its report may not see. Raises ``AnswerNotSupposed`` and ``NoRelease``.
    """
    return suppose_answers(releases.current(catalogue), answers, reader=reader)


def effects_on_book(
    supposition: Supposition,
    tenants: Iterable[Tenant],
    *,
    narrow: Narrow | None = None,
    workers: int = 0,
    most: int | None = None,
) -> Iterator[CopyEffect]:
    """Yield what ``supposition`` changes for each open copy of ``tenants``, at most ``most``, in flat memory."""
    stream = read_book(
        supposition.present.compiled.definition.code,
        tenants,
        release_id=supposition.present.id,
        narrow=narrow,
        most=most,
    )
    return effects_on(stream, supposition, workers=workers)


def effects_on(stream: Iterable[BookCopy], supposition: Supposition, *, workers: int = 0) -> Iterator[CopyEffect]:
    """Yield what ``supposition`` changes for each copy of ``stream``, in its order."""
    return map_in_order(partial(effect_of, supposition=supposition), stream, workers=workers)


def start_report(supposition: Supposition) -> ReportBuilder:
    """Return an empty report on ``supposition``."""
    definition = supposition.present.compiled.definition
    return ReportBuilder(catalogue=definition.code, currency=definition.currency, supposed=describe(supposition))


def describe(supposition: Supposition) -> str:
    """Return a sentence about ``supposition``."""
    if supposition.answers:
        named = ", ".join(f"{code} = {_shown(value)}" for code, value in supposition.answers.items())
        return f"In every open copy that asks: {named}."
    if supposition.supposed.id:
        return f"Release {supposition.supposed.id} is current."
    return "The draft is published."


def report_on_book(
    supposition: Supposition,
    tenants: Iterable[Tenant],
    *,
    narrow: Narrow | None = None,
    workers: int = 0,
    most: int | None = None,
) -> BookReport:
    """Return the report on all open copies of ``tenants``, or the first ``most``."""
    builder = start_report(supposition)
    for effect in effects_on_book(supposition, tenants, narrow=narrow, workers=workers, most=most):
        builder.add(effect)
    return builder.report()


def report_at_once(
    supposition: Supposition, tenants: Iterable[Tenant], *, narrow: Narrow | None = None, most: int = MOST_AT_ONCE
) -> BookReport:
    """Return the report for a caller who waits. Raises ``BookTooLarge`` for more than ``most`` open copies."""
    named = list(tenants)
    count = count_open(supposition.present.compiled.definition.code, named, narrow=narrow)
    if count > most:
        raise BookTooLarge(count=count, most=most)
    return report_on_book(supposition, named, narrow=narrow, workers=1, most=most)


def _shown(value: object) -> str:
    return "no answer" if value is None else str(value)
