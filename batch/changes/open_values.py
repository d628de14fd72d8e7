"""Protects values that were stored before their question became sensitive: seals the secret ones, marks the personal
ones, and masks what evaluations and changes hold of the secret ones. Pure.

Runs with the first save under another release, for a row that is put back, and in the sealing run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from msgspec.structs import replace

from batch.changes.snapshots import SEALED
from batch.changes.tracker import ChangeTracker, Sealing
from copies.changes import Change
from copies.document import Answer, Container, walk_containers
from copies.mask import is_mask
from copies.paths import Path, join_path, split_path
from presentation.visibility import NOBODY, PERSONAL, SECRET, Visibility
from rules.definition.model import CompiledCatalogue
from rules.flow.evaluation import Adjustment, Evaluation
from rules.types.mask import mask_of

#: The tag of an answer that was given while its question was personal.
_PERSONAL_TAG: Final = PERSONAL.tag


def secret_codes(catalogue: CompiledCatalogue) -> frozenset[str]:
    """Return the codes of the questions that are secret today."""
    policy = Visibility(catalogue, NOBODY)
    return frozenset(code for code in catalogue.questions if policy.of(code) is SECRET)


def open_values(catalogue: CompiledCatalogue, container: Container, prefix: str = "") -> Iterator[tuple[str, Answer]]:
    """Yield ``(path, answer)`` of every plain value in ``container`` whose question is secret today."""
    secret = secret_codes(catalogue)
    for path, inner in walk_containers(container, prefix) if secret else ():
        for code, answer in inner.answers.items():
            if code in secret and answer.sealed is None and answer.is_answered:
                yield join_path(path, code), answer


def seal_open_values(catalogue: CompiledCatalogue, container: Container, prefix: str = "", *, sealing: Sealing) -> int:
    """Seal every open value in ``container``, which is at ``prefix``; return their number.

    Raises ``KeyServiceUnavailable``.
    """
    sealed = 0
    for path, answer in open_values(catalogue, container, prefix):
        question = catalogue.questions[split_path(path)[1]].question
        answer.sealed, answer.mask = sealing.seal(path, answer.value), mask_of(question, answer.value)
        answer.value, answer.tag = None, ""
        sealed += 1
    return sealed


def protect_open_values(tracker: ChangeTracker, container: Container, prefix: str = "") -> int:
    """Seal every open value in ``container`` and tag the personal ones; return how many were sealed.

    The answers do not count as changed: their values are the same. Raises ``KeyServiceUnavailable``.
    """
    sealed = seal_open_values(tracker.catalogue, container, prefix, sealing=tracker.sealing)
    _tag_personal(tracker.catalogue, container)
    return sealed


def mask_changes(catalogue: CompiledCatalogue, changes: Iterable[Change]) -> list[Change]:
    """Return ``changes`` with masks in place of the plain values of questions that are secret today."""
    return [
        replace(
            change,
            before=_masked(catalogue, change.path, change.before),
            after=_masked(catalogue, change.path, change.after),
            tag=SEALED,
        )
        if _is_secret(catalogue, change.path)
        else change
        for change in changes
    ]


def mask_evaluation(catalogue: CompiledCatalogue, evaluation: Evaluation) -> Evaluation:
    """Return ``evaluation`` without what it holds of the answers to questions that are secret today."""
    eligibility = {
        product: replace(outcome, adjustments=tuple(_adjustment(catalogue, found) for found in outcome.adjustments))
        for product, outcome in evaluation.eligibility.items()
    }
    policy = Visibility(catalogue, NOBODY)
    derived = {code: None if policy.of(code) >= SECRET else value for code, value in evaluation.derived.items()}
    return replace(evaluation, eligibility=eligibility, derived=derived)


def mask_inputs(catalogue: CompiledCatalogue, inputs: dict[str, Any]) -> dict[str, Any]:
    """Return ``inputs``, values by path, with masks in place of those that are secret today."""
    return {path: _masked(catalogue, path, value) for path, value in inputs.items()}


def _adjustment(catalogue: CompiledCatalogue, found: Adjustment) -> Adjustment:
    return replace(found, asked=_masked(catalogue, found.path, found.asked))


def _masked(catalogue: CompiledCatalogue, path: str, value: Any) -> Any:
    if value in (None, "", []) or is_mask(value) or not _is_secret(catalogue, path):
        return value
    return mask_of(catalogue.questions[Path(path).code].question, value)


def _is_secret(catalogue: CompiledCatalogue, path: str) -> bool:
    place = Path(path)
    return place.is_answer and place.code in catalogue.questions and Visibility(catalogue, NOBODY).of(path) is SECRET


def _tag_personal(catalogue: CompiledCatalogue, container: Container) -> None:
    policy = Visibility(catalogue, NOBODY)
    personal = {code for code in catalogue.questions if policy.of(code) is PERSONAL}
    for _, inner in walk_containers(container) if personal else ():
        for code in inner.answers.keys() & personal:
            answer = inner.answers[code]
            if answer.sealed is None and answer.is_answered:
                answer.tag = _PERSONAL_TAG
