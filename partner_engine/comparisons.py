"""Loads copies and versions for a comparison, as one actor may see them; shared by the API and the pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from batch import service as batch
from batch.context import BatchContext
from batch.errors import NotFound
from copies.diff import AnswerDifference
from copies.document import AnsweredBy
from copies.models import CopyRevision
from partner_engine.audit import note_personal_read
from partner_engine.copy_visibility import visibility_of
from scenarios.compare import MOST_COPIES, Comparison, Side, compare
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

#: The longest list of references that is read.
_MOST_CHARACTERS = 300


class WrongReference(ValueError):
    """A list of copies to compare cannot be read; the text says why."""


class Reference(NamedTuple):
    """A copy, at an earlier ``version`` or (None) as it is."""

    copy_id: UUID
    version: int | None = None


@dataclass(frozen=True)
class Loaded:
    """A comparison with the contexts of its copies."""

    comparison: Comparison
    contexts: Sequence[BatchContext]
    actor: Actor

    @cached_property
    def author_labels(self) -> dict[tuple[str, str], str]:
        """Return the names of the authors of the differing answers, as they were when they saved, by type and id."""
        authors = {
            (answer.answered_by.type, answer.answered_by.id)
            for difference in self.comparison.differences
            if isinstance(difference, AnswerDifference)
            for answer in difference.answers
            if answer is not None and answer.answered_by is not None
        }
        if not authors:
            return {}
        with use_tenant(self.contexts[0].scope):
            found = CopyRevision.objects.filter(
                copy_id__in=[context.copy.id for context in self.contexts], actor_id__in={known for _, known in authors}
            )
            rows = found.order_by("-version").values_list("actor_type", "actor_id", "actor_label")
            return {(type_, known): label for type_, known, label in rows if label}

    def author_of(self, by: AnsweredBy) -> str:
        """Return the name of an author, or a word for what they are."""
        return self.author_labels.get((by.type, by.id)) or by.type.replace("_", " ").capitalize()

    def note_reads(self) -> None:
        """Log the number of personal answers that were shown, after the response was built."""
        for context, side in zip(self.contexts, self.comparison.sides, strict=True):
            note_personal_read(actor=self.actor, copy_id=context.copy.id, count=side.visibility.personal_shown)


def read_references(texts: Iterable[str]) -> list[Reference]:
    """Return the references in comma-separated lists of ``<copy id>`` and ``<copy id>@<version>``.

    Raises ``WrongReference``.
    """
    joined = ",".join(texts)
    if len(joined) > _MOST_CHARACTERS:
        raise WrongReference(f"Name at most {MOST_COPIES - 1} copies.")
    return [_reference(text.strip()) for text in joined.split(",") if text.strip()]


def load_comparison(references: Sequence[Reference], *, scope: Tenant, actor: Actor) -> Loaded:
    """Return the comparison of copies with the first of ``references``, as ``actor`` may see it.

    Raises ``NotFound`` for copies of other tenants, deleted copies and missing versions, and ``WrongReference`` unless
    two to four different ones are named.
    """
    if len(set(references)) != len(references):
        raise WrongReference("Name each copy once, or once for each version.")
    if not 2 <= len(references) <= MOST_COPIES:
        raise WrongReference(f"Compare a copy with one to {MOST_COPIES - 1} others.")
    contexts = [_find(reference, scope=scope, actor=actor) for reference in references]
    return Loaded(compare([_side(context, actor=actor) for context in contexts]), contexts, actor)


def _find(reference: Reference, *, scope: Tenant, actor: Actor) -> BatchContext:
    context = batch.find(reference.copy_id, scope=scope, actor=actor, version=reference.version)
    # A form's id may lead to another copy; here an id means that copy or nothing.
    if context.copy.id != reference.copy_id:
        raise NotFound
    return context


def _side(context: BatchContext, *, actor: Actor) -> Side:
    changeset, evaluation = context.current_view()
    return Side(
        copy_id=str(context.copy.id),
        form_id=str(context.form.id),
        title=changeset.copy_fields.title,
        version=context.version,
        catalogue=context.decision_release.compiled,
        document=changeset.document,
        evaluation=evaluation,
        visibility=visibility_of(context, actor=actor),
        reveal=changeset.sealing.reveal,
    )


def _reference(text: str) -> Reference:
    identity, at, version = text.partition("@")
    try:
        copy_id = UUID(identity)
    except ValueError as error:
        raise WrongReference(f"{text!r} names no copy: send its id, or its id, an @ and a version.") from error
    if not at:
        return Reference(copy_id)
    if not (version.isascii() and version.isdecimal() and 0 < int(version[:10]) < 2**31):
        raise WrongReference(f"{text!r} names no version.")
    return Reference(copy_id, int(version))
