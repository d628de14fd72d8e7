"""Protects values that were stored before their question became sensitive: seals the secret ones, marks the personal
ones, and masks what evaluations and changes hold of the secret ones. Pure.

Runs with the first save under another release, for a row that is put back, and in the sealing run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from msgspec.structs import replace

from batch.changes.snapshots import SEALED
from batch.changes.tracker import ChangeTracker, Sealing
from copies.changes import Change
from copies.document import Answer, Container, Document, walk_containers
from copies.mask import is_mask
from copies.paths import Path, join_path, split_path
from presentation.visibility import NOBODY, PERSONAL, SECRET, Reader, Visibility
from rules.definition.catalogue import Question
from rules.definition.model import CompiledCatalogue
from rules.definition.renames import Renames
from rules.flow.evaluation import Evaluation
from rules.types.mask import mask_of
from rules.types.validators import UNIQUE_IN_POOL

#: The tag of an answer that was given while its question was personal.
_PERSONAL_TAG: Final = PERSONAL.tag


#: The questions that are secret today, by the codes under which a document has their answers.
Secrets: TypeAlias = Mapping[str, Question]


def secrets_of(catalogue: CompiledCatalogue, renames: Sequence[Renames] = ()) -> Secrets:
    """Return the questions that are secret today; ``renames`` are those since the release of the document."""
    policy = Visibility(catalogue, NOBODY)
    secret = {code: part.question for code, part in catalogue.questions.items() if policy.of(code) is SECRET}
    for later in reversed(renames):
        secret |= {old: secret[new.code] for old, new in later.questions.items() if new.code in secret}
    return secret


def open_values(secret: Secrets, container: Container, prefix: str = "") -> Iterator[tuple[str, Answer]]:
    """Yield ``(path, answer)`` of every plain or proposed value in ``container`` whose question is secret today."""
    for path, inner in walk_containers(container, prefix) if secret else ():
        for code, answer in inner.answers.items():
            if code in secret and ((answer.sealed is None and answer.is_answered) or answer.proposed is not None):
                yield join_path(path, code), answer


def seal_open_values(secret: Secrets, container: Container, prefix: str = "", *, sealing: Sealing) -> int:
    """Seal every open value in ``container``, which is at ``prefix``; return their number. Proposed values are dropped.

    Raises ``KeyServiceUnavailable``.
    """
    sealed = 0
    for path, answer in open_values(secret, container, prefix):
        sealed += 1
        answer.proposed = None
        if answer.sealed is not None or not answer.is_answered:
            continue
        question = secret[split_path(path)[1]]
        answer.sealed, answer.mask = sealing.seal(path, answer.value), mask_of(question, answer.value)
        answer.value, answer.tag = None, ""
    return sealed


def protect_document(tracker: ChangeTracker) -> None:
    """Protect the open values of a document that was stored under another release, whose questions may have been less
    sensitive.
    """
    if _is_of_another_release(tracker):
        protect_open_values(tracker, tracker.document)


def protected_changes(tracker: ChangeTracker) -> list[Change]:
    """Return the changes of the document; values from before the release are masked if their questions are secret."""
    changes = tracker.document_changes()
    if not _is_of_another_release(tracker):
        return changes
    return mask_changes(secrets_of(tracker.catalogue, tracker.context.renames), changes)


def _is_of_another_release(tracker: ChangeTracker) -> bool:
    # A new form without a source has no release yet, and no values.
    return tracker.loaded.copy.release_id not in (None, tracker.context.release.id)


def protect_open_values(tracker: ChangeTracker, container: Container, prefix: str = "") -> int:
    """Seal every open value in ``container`` and tag the personal ones; return how many were sealed.

    The answers do not count as changed: their values are the same. Raises ``KeyServiceUnavailable``.
    """
    return protect_values(tracker.catalogue, container, prefix, sealing=tracker.sealing)


def protect_values(catalogue: CompiledCatalogue, container: Container, prefix: str = "", *, sealing: Sealing) -> int:
    """Seal what is secret and tag what is personal in ``catalogue``; return how many were sealed.

    Raises ``KeyServiceUnavailable``.
    """
    sealed = seal_open_values(secrets_of(catalogue), container, prefix, sealing=sealing)
    _tag_personal(catalogue, container)
    return sealed


def mask_changes(secret: Secrets, changes: Iterable[Change]) -> list[Change]:
    """Return ``changes`` with masks in place of the plain values of secret questions."""
    return [
        replace(
            change,
            before=_masked(secret, change.path, change.before),
            after=_masked(secret, change.path, change.after),
            tag=SEALED,
        )
        if _question_at(secret, change.path)
        else change
        for change in changes
    ]


def mask_evaluation(catalogue: CompiledCatalogue, secret: Secrets, evaluation: Evaluation) -> Evaluation:
    """Return ``evaluation`` without what it holds of the answers to secret questions."""
    eligibility = {
        product: replace(
            outcome,
            adjustments=tuple(
                replace(found, asked=_masked(secret, found.path, found.asked)) for found in outcome.adjustments
            ),
        )
        for product, outcome in evaluation.eligibility.items()
    }
    # Only secrets are masked here; a message about a row given twice shows nothing.
    secrets = Visibility(catalogue, Reader(sees_personal=True))
    messages = tuple(
        message if message.code == UNIQUE_IN_POOL else secrets.messages([message], Document)[0]
        for message in evaluation.messages
    )
    policy = Visibility(catalogue, NOBODY)
    derived = {code: None if policy.of(code) >= SECRET else value for code, value in evaluation.derived.items()}
    return replace(evaluation, eligibility=eligibility, derived=derived, messages=messages)


def mask_inputs(secret: Secrets, inputs: dict[str, Any]) -> dict[str, Any]:
    """Return ``inputs``, values by path, with masks in place of those of secret questions."""
    return {path: _masked(secret, path, value) for path, value in inputs.items()}


def _masked(secret: Secrets, path: str, value: Any) -> Any:
    question = _question_at(secret, path)
    if question is None or value in (None, "", []) or is_mask(value):
        return value
    return mask_of(question, value)


def _question_at(secret: Secrets, path: str) -> Question | None:
    place = Path(path)
    return secret.get(place.code) if place.is_answer else None


def _tag_personal(catalogue: CompiledCatalogue, container: Container) -> None:
    policy = Visibility(catalogue, NOBODY)
    personal = {code for code in catalogue.questions if policy.of(code) is PERSONAL}
    for _, inner in walk_containers(container) if personal else ():
        for code in inner.answers.keys() & personal:
            answer = inner.answers[code]
            if answer.sealed is None and answer.is_answered:
                answer.tag = _PERSONAL_TAG
            if answer.proposed is not None:
                answer.proposed = replace(answer.proposed, tag=_PERSONAL_TAG)
