"""Merging one copy into another by picks: the plan, the merge itself and its undoing.

A merge is a three-way merge of states (``copies.merge``), carried out through the mutators of a changeset in one save.
The caller owns the context of the changeset: a dry run previews it, a merge saves it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import msgspec

from batch import service as batch
from batch.changes.changeset import Changeset
from batch.changes.tracker import Sealing
from batch.context import BatchContext
from batch.errors import NotFound
from copies.ancestry import Version
from copies.changes import Cause
from copies.document import Answer, Document, DocumentQuestionSet, PoolRow, walk_containers
from copies.equal_answers import holds_same
from copies.merge import Comparison, Difference, Side, State, merge_documents
from copies.paths import EXCLUDED, Path, join_path, row_steps, split_path
from copies.picks import Others, Picked, UnknownDifference, pick_sides, position_of, steps_of
from encryption.envelope import DecryptionFailed
from scenarios.ancestors import MERGE, UNDO, common_ancestor, merged_id, merges_of
from scenarios.merge_errors import MergeRefused, NoMergeToUndo, OtherCatalogue, SameCopy, SourceMoved
from tenants.current_tenant import use_tenant
from tenants.models import Tenant


@dataclass(frozen=True)
class MergePlan:
    """The differences between a copy and the ``source`` that is to be merged into it. ``base`` is their common
    ancestor, None for copies that have nothing in common.
    """

    source: BatchContext
    base: Version | None
    differences: list[Difference]

    def pick(self, picks: Mapping[str, Side], *, others: Others = "changed") -> Picked:
        """Return the side of each difference. Raises ``MergeRefused`` for a pick of an unknown one."""
        try:
            return pick_sides(self.differences, picks, others=others)
        except UnknownDifference as error:
            raise MergeRefused.for_unknown_pick(error.identity) from error


def plan_merge(target: Changeset, source_id: UUID, *, scope: Tenant, expected_version: int | None = None) -> MergePlan:
    """Return the plan to merge the copy ``source_id`` into that of the changeset ``target``; nothing is changed.

    ``expected_version`` is the version of the source that the caller has seen. Raises ``NotFound``, ``SameCopy``,
    ``OtherCatalogue``, ``SourceMoved``.
    """
    mine = target.tracker.loaded
    if source_id == mine.copy.id:
        raise SameCopy
    source = batch.find(source_id, scope=scope, actor=target.tracker.context.actor)
    if source.copy.id != source_id:
        raise NotFound
    if source.form.catalogue != mine.form.catalogue:
        raise OtherCatalogue
    if expected_version is not None and expected_version != source.version:
        raise SourceMoved(expected=expected_version, actual=source.version)
    with use_tenant(scope):
        base = common_ancestor(Version(mine.copy.id, target.version), Version(source.copy.id, source.version))
    ancestor = document_at(target, base, scope) if base is not None else None
    theirs = source.changeset_of_current_release().document
    return MergePlan(source, base, _differences(target, ancestor, theirs))


def carry_out(target: Changeset, plan: MergePlan, picked: Picked) -> None:
    """Carry out the picks on ``target``; its save records the merge.

    The answers keep their authors. Sealed answers are sealed anew for the target. Raises ``MergeRefused`` for a sealed
    answer that no longer opens, and ``PoolIsFull``.
    """
    source = plan.source
    cause = Cause(MERGE, merged_id(Version(source.copy.id, source.version)))
    carry_out_steps(target, steps_of(plan.differences, picked), source=source.sealer, cause=cause)


def require_picks(picked: Picked) -> None:
    """Raise ``MergeRefused`` where a clash has no pick."""
    if picked.unpicked:
        raise MergeRefused.for_clashes(picked.unpicked)


def undo_merge(target: Changeset, version: int | None = None, *, scope: Tenant) -> list[Difference]:
    """Take back on ``target`` what the merge at ``version``, by default the last one, has set, except where somebody
    has changed it since. Return the differences that stay for that reason.

    Raises ``NoMergeToUndo``.
    """
    copy_id = target.tracker.loaded.copy.id
    with use_tenant(scope):
        merges = [merge for merge in merges_of(copy_id) if merge.undone_at is None]
    merge = next((found for found in reversed(merges) if version in (None, found.at)), None)
    if merge is None:
        raise NoMergeToUndo
    after, before = (document_at(target, Version(copy_id, number), scope) for number in (merge.at, merge.at - 1))
    differences = _differences(target, after, before)
    picked = pick_sides(differences, {})
    carry_out_steps(target, steps_of(differences, picked), source=None, cause=Cause(UNDO, str(merge.at)))
    return list(picked.unpicked)


def document_at(target: Changeset, version: Version, scope: Tenant) -> Document:
    """Return an earlier version of any copy, with the codes of the current release."""
    context = batch.find(
        version.copy_id,
        scope=scope,
        actor=target.tracker.context.actor,
        archived=True,
        version=version.number,
        under_current_release=True,
    )
    return context.changeset_of_current_release().document


def _differences(changeset: Changeset, base: Document | None, theirs: Document) -> list[Difference]:
    """Return the differences that a merge into the document of ``changeset`` may take."""
    found = merge_documents(base, changeset.document, theirs, rules=comparison_of(changeset))
    return [difference for difference in found if is_in_release(changeset, difference)]


def comparison_of(changeset: Changeset) -> Comparison:
    """Return what the actor of ``changeset`` may compare."""
    visibility = changeset.visibility

    def is_hidden(path: str, answer: Answer | None) -> bool:
        return answer is not None and visibility.hides(path, answer)

    def is_same(path: str, one: Answer | None, other: Answer | None) -> bool:
        if one is other:
            return True
        return holds_same(one, other, is_hidden=is_hidden(path, one) or is_hidden(path, other))

    keys = {code: pool.pool.key for code, pool in changeset.catalogue.pools.items()}
    return Comparison(keys, is_same, lambda code, answer: not is_hidden(code, answer))


def is_in_release(changeset: Changeset, difference: Difference) -> bool:
    """Return whether the release has the part of a difference: what it no longer asks stays where it is."""
    catalogue, path = changeset.catalogue, Path(difference.path)
    if difference.kind == "question_set":
        return path.code in catalogue.sets
    if difference.kind in ("excluded", "bypassed"):
        return path.code in catalogue.products
    parent = ""
    for pool, _ in row_steps(path.row):
        known = catalogue.pools.get(pool)
        if known is None or known.pool.parent != parent:
            return False
        parent = pool
    question = catalogue.questions.get(path.code)
    return difference.kind == "row" or (question is not None and question.pool == parent)


def carry_out_step(target: Changeset, step: Difference) -> None:
    """Carry out one step, whose sealed answers are sealed for the target. Raises ``ReadOnlyAnswer``, ``PoolIsFull``,
    ``UnknownPart``.
    """
    _CARRY_OUT[step.kind](target, step)


def carry_out_steps(target: Changeset, steps: list[Difference], *, source: Sealing | None, cause: Cause) -> None:
    """Carry out ``steps`` with ``cause``. ``source`` opens sealed answers; None if they are sealed for the target."""
    with target.caused_by(cause):
        for step in steps:
            try:
                theirs = step.theirs if source is None else _resealed(step, source, target.sealing)
            except DecryptionFailed as error:
                raise MergeRefused.for_unreadable(step.path, step.id) from error
            carry_out_step(target, msgspec.structs.replace(step, theirs=theirs))
    target.note_cause(cause, is_event=True)


def _resealed(step: Difference, source: Sealing, target: Sealing) -> State:
    """Return what a step takes, with its sealed answers sealed for their places in the target."""

    def reseal(answer: Answer, source_path: str, path: str) -> Answer:
        if answer.sealed is None:
            return answer
        sealed = target.seal(path, source.reveal(source_path, answer))
        return msgspec.structs.replace(answer, sealed=sealed)

    if isinstance(step.theirs, Answer):
        return reseal(step.theirs, step.source_path, step.path)
    if not isinstance(step.theirs, PoolRow):
        return step.theirs
    row = msgspec.json.decode(msgspec.json.encode(step.theirs), type=PoolRow)
    for below, container in walk_containers(row):
        places = [join_path(place, below) if below else place for place in (step.source_path, step.path)]
        for code, answer in container.answers.items():
            container.answers[code] = reseal(answer, *(join_path(place, code) for place in places))
    return row


def _take_answer(changeset: Changeset, step: Difference) -> None:
    changeset.find_answer(step.path).take_over(step.theirs if isinstance(step.theirs, Answer) else None)


def _take_confirmations(changeset: Changeset, step: Difference) -> None:
    if isinstance(step.theirs, tuple):
        changeset.find_answer(step.path).take_over_confirmations(step.theirs)


def _take_row(changeset: Changeset, step: Difference) -> None:
    if not isinstance(step.theirs, PoolRow):
        changeset.find_row(step.path).remove()
        return
    parent, code = split_path(split_path(step.path)[0])
    pool = changeset.find_row(parent).find_pool(code) if parent else changeset.find_pool(code)
    pool.take_over(step.theirs, position=position_of(pool.rows_below(), step))


def _take_question_set(changeset: Changeset, step: Difference) -> None:
    code = Path(step.path).code
    if isinstance(step.theirs, DocumentQuestionSet):
        changeset.add_question_set(code).take_over(step.theirs)
    elif changeset.question_set(code) is not None:
        changeset.find_question_set(code).remove()


def _take_product(changeset: Changeset, step: Difference) -> None:
    name, code = split_path(step.path)
    exclusions = changeset.exclusions
    if name == EXCLUDED:
        change = exclusions.force_exclude if step.theirs else exclusions.include
    else:
        change = exclusions.bypass if step.theirs else exclusions.take_up
    change(code)


_CARRY_OUT: Final[dict[str, Callable[[Changeset, Difference], None]]] = {
    "answer": _take_answer,
    "confirmations": _take_confirmations,
    "row": _take_row,
    "question_set": _take_question_set,
    "excluded": _take_product,
    "bypassed": _take_product,
}
