"""The changes of a copy since a version, as one caller may see them: for ``/changes`` and for WebSockets."""

from __future__ import annotations

from collections.abc import Iterable

from batch.context import BatchContext
from copies.changes import fold
from copies.codec import decode
from copies.history import changes_since
from partner_engine.audit import note_personal_read
from partner_engine.copy_visibility import past_sensitivities, visibility_of
from presentation import shapes
from presentation.needed_counts import needed_counts
from presentation.visibility import Visibility
from rules.flow.evaluation import Evaluation
from tenants.access import Actor


def moved_products(before: bytes | None, after: bytes, visibility: Visibility) -> dict[str, shapes.OutcomeShape | None]:
    """Return the products whose outcome or premium differs between two stored evaluations, None for those that are no
    longer requested; ``before`` is None in front of the first version.
    """
    earlier = decode(before, Evaluation).eligibility if before else {}
    later = decode(after, Evaluation).eligibility
    return {
        code: shapes.outcome(later[code], visibility) if code in later else None
        for code in [*later, *(code for code in earlier if code not in later)]
        if earlier.get(code) != later.get(code)
    }


def earlier_outcomes(
    before: bytes | None, moved: Iterable[str], visibility: Visibility
) -> dict[str, shapes.OutcomeShape | None]:
    """Return the outcomes of the products ``moved`` in the stored evaluation ``before``, None for those that were not
    requested then.
    """
    earlier = decode(before, Evaluation).eligibility if before else {}
    return {code: shapes.outcome(earlier[code], visibility) if code in earlier else None for code in moved}


def changes_since_version(context: BatchContext, since: int, *, actor: Actor) -> shapes.ChangesShape:
    """Return the changes after version ``since``, merged to one per path, with the products whose outcome or premium
    changed: all as a read of the copy shows it, so where the day or the release has moved on also what they changed.
    Raises ``NoSuchVersion``.
    """
    copy_id = context.copy.id
    merged = changes_since(copy_id, since, current=context.version)
    before = decode(merged.evaluation, Evaluation).eligibility if merged.evaluation else {}
    changeset, evaluation = context.current_view()
    after = evaluation.eligibility
    visibility = visibility_of(context, actor=actor).at(past_sensitivities(merged.release_ids))
    shape = shapes.ChangesShape(
        id=str(copy_id),
        application_form_id=str(context.form.id),
        version=context.version,
        dry_run=False,
        changes=shapes.changes(fold([*merged.changes, *changeset.tracker.document_changes()]), visibility),
        eligibility={
            code: shapes.outcome(after[code], visibility) if code in after else None
            for code in [*after, *(code for code in before if code not in after)]
            if before.get(code) != after.get(code)
        },
        needed=evaluation.needed,
        needed_counts=needed_counts(evaluation),
        messages=visibility.messages(evaluation.messages, lambda: changeset.document),
    )
    note_personal_read(actor=actor, copy_id=copy_id, count=visibility.personal_shown)
    return shape
