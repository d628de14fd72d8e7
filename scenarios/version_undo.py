"""Takes back what a version of a copy set, as a merge: only what nobody has changed since, and only what is valid now.

It is a three-way merge of states (``scenarios.merge``): the version before, the version itself, and the copy as it is.
Where nothing was changed since, the document of the version before becomes the present one as a whole, so that authors,
times and order are those of then; except for a guest whose link names a part of the copy: their undo is made of steps,
each of which must be within that part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from batch.changes.changeset import Changeset
from batch.changes.decision import decide
from batch.changes.open_values import protect_open_values
from batch.context import BatchContext
from batch.errors import BatchError, InvalidAnswers, OutsideGuestLink, PoolIsFull, ReadOnlyAnswer
from copies.ancestry import Version
from copies.changes import Cause
from copies.codec import decode_document, encode_document
from copies.document import Answer, Container, Document, PoolRow, walk_answers, walk_containers
from copies.merge import Difference, merge_documents
from copies.paths import is_below, join_path, split_path
from copies.picks import pick_sides, steps_of
from encryption.envelope import DecryptionFailed
from rules.types.cleaning import InvalidValue, clean
from scenarios.merge import carry_out_step, carry_out_steps, comparison_of, document_at, is_in_release

#: Why a part is left as it is, with the sentence for people.
CHANGED_SINCE: Final = "changed_since"
NOT_ASKED: Final = "not_asked"
INVALID_NOW: Final = "invalid_now"
UNREADABLE: Final = "unreadable_answer"
LEFT_TEXTS: Final = {
    CHANGED_SINCE: "Somebody has changed this since.",
    NOT_ASKED: "The catalogue no longer has this question.",
    INVALID_NOW: "The earlier value is no longer valid.",
    UNREADABLE: "The earlier value can no longer be read, because its key was erased.",
    PoolIsFull.code: "There is no room for the row that was removed.",
    ReadOnlyAnswer.code: "This answer is read-only by now.",
    OutsideGuestLink.code: OutsideGuestLink.sentence,
}


class LeftPart(msgspec.Struct, frozen=True):
    """A part that was not taken back: its path, and the code of the reason (``LEFT_TEXTS``)."""

    path: str
    code: str


class TakenBack(msgspec.Struct):
    """The paths whose earlier state is back, and the parts that were left as they are."""

    paths: list[str] = []
    left: list[LeftPart] = []


def undo_version(context: BatchContext, *, before: int, after: int, cause: Cause) -> TakenBack:
    """Take back on ``context.changeset`` what the versions after ``before`` up to ``after`` set; the caller saves it.

    Raises ``UnknownVersion``.
    """
    target, scope, copy_id = context.changeset, context.scope, context.copy.id
    then, earlier = (document_at(target, Version(copy_id, number), scope) for number in (after, before))
    differences = merge_documents(then, target.document, earlier, rules=comparison_of(target))
    found = TakenBack()
    known = [difference for difference in differences if is_in_release(target, difference)]
    asked = {one.id for one in known}
    found.left += [LeftPart(one.path, NOT_ASKED) for one in _taken(differences) if one.id not in asked]
    found.left += [LeftPart(one.path, CHANGED_SINCE) for one in known if one.sort == "clash"]
    steps = _possible_steps(context, list(_taken(known)), found)
    found.paths = [step.path for step in steps]
    is_alone = target.guest_scope.is_whole and _entries(then) == _entries(target.document)
    if not found.left and steps and is_alone:
        protect_open_values(target.tracker, earlier)
        target.tracker.replace_document(earlier)
    elif steps:
        carry_out_steps(target, steps, source=None, cause=cause)
    return found


def _taken(differences: Sequence[Difference]) -> Iterator[Difference]:
    """Yield the differences that the version made and nobody has touched since."""
    yield from steps_of(differences, pick_sides(differences, {}))


def _possible_steps(context: BatchContext, steps: list[Difference], found: TakenBack) -> list[Difference]:
    """Return those of ``steps`` that the present release takes; the others are noted in ``found``.

    They are tried on a changeset of its own. Each round leaves out at least one of them.
    """
    while steps:
        refused = _refused(context, steps)
        if not refused:
            return steps
        found.left += [LeftPart(step.path, code) for step, code in refused]
        gone = {id(step) for step, _ in refused}
        steps = [step for step in steps if id(step) not in gone]
    return steps


def _refused(context: BatchContext, steps: Sequence[Difference]) -> list[tuple[Difference, str]]:
    """Return the steps that cannot be carried out, each with the code of the reason."""
    scratch = Changeset(
        decode_document(encode_document(context.changeset.document)),
        loaded=context.loaded,
        context=context.save_context,
        sealing=context.sealer,
    )
    refused: list[tuple[Difference, str]] = []
    for step in steps:
        reason = _fault_of(scratch, step)
        if reason is None:
            try:
                carry_out_step(scratch, _copied(step))
            except BatchError as error:
                reason = error.code
        if reason is not None:
            refused.append((step, reason))
    if refused:
        return refused
    try:
        decide(scratch)
    except InvalidAnswers as error:
        paths = [fault.path for fault in error.faults]
        refused = [(step, INVALID_NOW) for step in steps if _concerns(step, paths)]
        # A fault that no step explains refuses all of them: what is left is always valid.
        return refused or [(step, INVALID_NOW) for step in steps]
    except BatchError as error:
        return [(step, error.code) for step in steps if step.kind == "question_set"] or [
            (step, error.code) for step in steps
        ]
    return []


def _fault_of(changeset: Changeset, step: Difference) -> str | None:
    """Return why the earlier values of a step cannot be stored under the present release, None where they can."""
    for path, answer in _answers_of(step):
        part = changeset.catalogue.questions.get(split_path(path)[1])
        try:
            if answer.sealed is not None:
                changeset.sealing.reveal(path, answer)
            elif part is not None and answer.is_answered:
                clean(changeset.catalogue, part.question, answer.value)
        except DecryptionFailed:
            return UNREADABLE
        except InvalidValue:
            return INVALID_NOW
    return None


def _answers_of(step: Difference) -> Iterator[tuple[str, Answer]]:
    if isinstance(step.theirs, Answer):
        yield step.path, step.theirs
    elif isinstance(step.theirs, PoolRow):
        for below, container in walk_containers(step.theirs):
            place = join_path(step.path, below) if below else step.path
            for code, answer in container.answers.items():
                yield join_path(place, code), answer


def _copied(step: Difference) -> Difference:
    """Return ``step`` with a row of its own: carrying it out puts the row into the document."""
    if not isinstance(step.theirs, PoolRow):
        return step
    row = msgspec.json.decode(msgspec.json.encode(step.theirs), type=PoolRow)
    return msgspec.structs.replace(step, theirs=row)


def _concerns(step: Difference, paths: Iterable[str]) -> bool:
    return any(path == step.path or is_below(path, step.path) for path in paths)


def _entries(document: Document) -> object:
    """Return what people and programs gave, for comparison: without what the rules decide anew."""
    answers = {
        path: msgspec.structs.replace(answer, active=True, required="")
        for path, answer in walk_answers(document)
        if answer.is_answered or answer.proposed is not None or answer.readonly
    }
    rows = [_row_ids(container) for _, container in walk_containers(document)]
    sets = [part for part in document.question_sets if not part.remove_if_ineligible]
    return answers, rows, sets, document.forced_excluded_products, document.agent_bypassed_products


def _row_ids(container: Container) -> dict[str, list[str]]:
    return {pool: [row.id for row in rows] for pool, rows in container.answer_pools.items() if rows}
