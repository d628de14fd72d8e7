"""From a changed document to what its save does: callbacks, the rules once, what changed, who is told."""

from __future__ import annotations

from batch.callbacks import AFTER_RULES, BEFORE_SAVE, ON_CREATE, Known
from batch.changes.changeset import Changeset
from batch.changes.decision import decide
from batch.effects.actions_of_save import About, announce
from batch.storage.load import Loaded
from batch.storage.records import SaveResult, Setting
from failpoints import failpoint
from rules.flow.evaluation import Evaluation, ProductOutcome


def conclude(changeset: Changeset, *, loaded: Loaded, before: Evaluation, setting: Setting) -> SaveResult:
    """Return what the save of ``changeset`` does; ``before`` is what the rules concluded of ``loaded``.

    Raises what the callbacks of ``BEFORE_SAVE`` raise, and ``InvalidAnswers``.
    """
    loaded_version = loaded.copy.version
    if loaded_version == 0:
        for create in ON_CREATE:
            create(changeset)
    known = Known(loaded.copy.fields, loaded.is_last)
    for check in BEFORE_SAVE:
        check(changeset, known)
    # A copy not saved yet was never decided, also where its document comes from another copy.
    known_conclusions = before if loaded_version else None
    evaluation = decide(changeset, release=setting.release.id, as_of=setting.as_of, before=known_conclusions)
    failpoint("rules_fired")
    changes = changeset.document_changes()
    for follow in AFTER_RULES:
        follow(changeset, changes)
    changes += changeset.beside_changes()
    failpoint("compared")
    moved = _moved(before, evaluation)
    written = bool(changes or changeset.deferred) or not _same(before, evaluation) or loaded_version == 0
    if not written:
        return SaveResult(loaded_version, [], evaluation, moved, [], written=False)
    actions = announce(
        changeset.catalogue,
        about=About(copy_id=loaded.copy.id, application_form_id=loaded.form.id, version=loaded_version + 1),
        created=setting.created if loaded_version == 0 else "",
        changes=changes,
        moved=moved,
        told=[told for accumulator in changeset.neighbours.values() for told in accumulator.post_process()],
    )
    actions += changeset.deferred
    failpoint("announced")
    return SaveResult(loaded_version + 1, changes, evaluation, moved, actions, written=True)


def _moved(before: Evaluation, after: Evaluation) -> dict[str, ProductOutcome | None]:
    codes = [*after.eligibility, *(code for code in before.eligibility if code not in after.eligibility)]
    return {
        code: after.eligibility.get(code)
        for code in codes
        if before.eligibility.get(code) != after.eligibility.get(code)
    }


def _same(before: Evaluation, after: Evaluation) -> bool:
    """Tell whether two evaluations conclude the same, whatever their release and date."""
    return (before.eligibility, before.needed, before.messages) == (after.eligibility, after.needed, after.messages)
