"""Takes what was typed into a page: all that fits in one save, and a fault for each of the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from batch.changes.changeset import Changeset
from batch.changes.records import SaveResult
from batch.context import BatchContext
from batch.errors import AnswerFault, InvalidAnswers, ReadOnlyAnswer, UnknownPart
from partner_engine.web.industry_context import place_and_size
from partner_engine.web.visitors import Visitor
from rules.flow.evaluation import Evaluation
from rules.types.naics import NAICS
from rules.types.registry import type_of


@dataclass(frozen=True)
class Answered:
    """A save with its context (still readable), what held before, and what could not be taken."""

    context: BatchContext
    result: SaveResult
    before: Evaluation
    version_before: int
    faults: tuple[AnswerFault, ...] = ()


@contextmanager
def answering(
    copy_id: UUID, given: Mapping[str, object], visitor: Visitor, *, searched: Mapping[str, str]
) -> Iterator[Answered]:
    """Save the answers in ``given`` (path -> what was typed) that can be taken; yield while the copy is still locked.

    ``searched`` tells by path by which words an industry was found: the choice is kept, and ranks later searches.
    Raises what the batch raises but for answers that do not fit: those are the faults.
    """
    left, faults = dict(given), []
    while True:
        with visitor.find_and_lock(copy_id) as context:
            before, version = context.evaluation, context.version
            for path in list(left):
                found = _apply(context.changeset, path, left[path], searched.get(path, ""))
                faults += found
                if found:
                    del left[path]
            try:
                result = context.save()
            except InvalidAnswers as error:
                # A value that only the whole form shows to be wrong: save again without it.
                refused = left.keys() & {fault.path for fault in error.faults}
                if not refused:
                    raise
                faults += error.faults
                left = {path: value for path, value in left.items() if path not in refused}
                continue
            yield Answered(context, result, before, version, tuple(faults))
            return


def _apply(changeset: Changeset, path: str, typed: object, query: str) -> list[AnswerFault]:
    try:
        answer = changeset.find_answer(path)
        before = answer.value
        answer.apply(type_of(answer.question.type).read_input(typed))
        words = " ".join(query.replace("\0", " ").split())[:200]
        if words and answer.question.type == NAICS.code and answer.value not in (before, None):
            zip_code, employees = place_and_size(changeset.document, changeset.catalogue)
            changeset.naics_searches.add(words, zip_code=zip_code, employees=employees, chosen=str(answer.value))
    except InvalidAnswers as error:
        return list(error.faults)
    except (UnknownPart, ReadOnlyAnswer) as error:
        return [AnswerFault(path, error.code, str(error))]
    return []
