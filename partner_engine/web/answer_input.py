"""Saves the values typed into a page: the valid ones in one save, with a fault for each of the others.

An answer that changed after the version on which the typed one is based is not overwritten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from batch.changes.changeset import Changeset
from batch.changes.records import SaveResult
from batch.context import BatchContext
from batch.errors import AnswerFault, InvalidAnswers, OutsideGuestLink, ReadOnlyAnswer, UnknownPart
from batch.save import Respond
from copies.document import walk_answers
from partner_engine.web.asked_once import fill_places
from partner_engine.web.industry_context import place_and_size
from partner_engine.web.meanwhile import answered_meanwhile
from partner_engine.web.visitors import Visitor
from rules.flow.evaluation import Evaluation
from rules.types.registry import type_of
from search.industries import search_industries

#: Opens the copy of a save for writing: an existing one under its lock, or a new one.
Opener: TypeAlias = Callable[[], AbstractContextManager[BatchContext]]


class NothingAnswered(Exception):
    """A new form got no valid answer, so it was not made; ``faults`` are those of refused values."""

    def __init__(self, faults: tuple[AnswerFault, ...]) -> None:
        super().__init__("No answer of a new form is valid.")
        self.faults = faults


@dataclass(frozen=True)
class Answered:
    """The result of a save, with its readable context, the evaluation before it, and the faults of refused values.

    ``conflicts`` maps the paths of values that were not saved, because their answers changed meanwhile, to the author
    of the change.
    """

    context: BatchContext
    result: SaveResult
    before: Evaluation
    version_before: int
    faults: tuple[AnswerFault, ...] = ()
    conflicts: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def answering(  # noqa: PLR0913 - what is saved, by whom, where and how
    opener: Opener,
    typed: Mapping[str, object],
    visitor: Visitor,
    *,
    searched: Mapping[str, str],
    based_on: int,
    record: Respond | None = None,
) -> Iterator[Answered]:
    """Save the valid answers of ``typed`` (path to typed value) and yield the result while the copy is open.

    ``searched`` maps the path of an industry answer to its search words; the choice is stored and ranks later
    searches. ``based_on`` is the version that the page shows, 0 if unknown: an answer that changed since then becomes a
    conflict. ``record`` makes the response that is stored with a keyed save. Invalid answers become faults. What
    follows from the answers is part of the save: the place of a ZIP code, the first rows of pools that they open.
    Raises ``NothingAnswered`` for a new form without any valid answer, and the other errors of the batch.
    """
    left, faults, conflicts = dict(typed), [], {}
    while True:
        with opener() as context:
            before, version = context.evaluation, context.version
            scope, catalogue = context.changeset.guest_scope, context.changeset.catalogue
            for path in [path for path in left if not scope.has_answer(catalogue, path)]:
                # Before anything is compared: a guest must not learn what exists elsewhere.
                faults.append(AnswerFault(path, OutsideGuestLink.code, OutsideGuestLink.sentence))
                del left[path]
            for path, author in answered_meanwhile(context, left, visitor, since=based_on).items():
                conflicts[path] = author
                del left[path]
            for path in list(left):
                path_faults = apply_typed(context.changeset, path, left[path], searched.get(path, ""))
                faults += path_faults
                if path_faults:
                    del left[path]
            if not version and not has_answers(context.changeset):
                raise NothingAnswered(tuple(faults))
            fill_places(context.changeset, left, typed=typed)
            context.changeset.starts_rows = True
            try:
                result = context.save(respond=record)
            except InvalidAnswers as error:
                # Some values are wrong only in the context of the whole form: save again without them.
                refused = left.keys() & {fault.path for fault in error.faults}
                if not refused:
                    raise
                faults += error.faults
                left = {path: value for path, value in left.items() if path not in refused}
                continue
            yield Answered(context, result, before, version, tuple(faults), conflicts)
            return


def has_answers(changeset: Changeset) -> bool:
    """Return whether anything of the document is answered."""
    return any(answer.is_answered for _, answer in walk_answers(changeset.document))


def apply_typed(changeset: Changeset, path: str, typed: object, query: str = "") -> list[AnswerFault]:
    """Apply the value ``typed`` to the answer at ``path``; return why it was refused, nothing if it was not.

    ``query`` are the words by which an industry was found.
    """
    try:
        answer = changeset.find_answer(path)
        is_changed = answer.apply(type_of(answer.question.type).read_input(typed))
        words = " ".join(query.replace("\0", " ").split())[:200]
        is_industry = answer.question.code == changeset.catalogue.definition.industry_question
        if words and is_industry and is_changed and answer.value is not None:
            _record_search(changeset, words, chosen=str(answer.value))
    except InvalidAnswers as error:
        return list(error.faults)
    except (UnknownPart, ReadOnlyAnswer) as error:
        return [AnswerFault(path, error.code, str(error))]
    return []


def _record_search(changeset: Changeset, words: str, *, chosen: str) -> None:
    """Record the search for an industry with the results that were shown."""
    zip_code, employees = place_and_size(changeset.document, changeset.catalogue)
    found = search_industries(words, changeset.catalogue, zip_code=zip_code, employees=employees)
    codes = [industry.code for industry in found]
    changeset.naics_searches.add(words, zip_code=zip_code, employees=employees, found=codes, chosen=chosen)
