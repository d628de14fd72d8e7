"""Runs the check flow again after a change, deciding only what the change can affect. Pure.

``check_flow.run`` is the definition of the result; this module returns the same result in less time.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing
from datetime import date
from typing import Final

from copies.document import Document
from copies.paths import Path
from rules.definition.model import CompiledCatalogue
from rules.flow import check_flow
from rules.flow.evaluation import EDITION, Evaluation, FlowResult
from rules.flow.messages import NO_LONGER_ASKED
from rules.flow.state import Reveal
from rules.incremental.follow import ChangeFollower, UnprovableChange
from rules.incremental.lazy_state import LazyState
from rules.incremental.merge import merge, refusals_in

#: Following one change costs about as much as deciding this many questions and rules in a full run.
COST_OF_A_CHANGE: Final = 8


def rerun(
    catalogue: CompiledCatalogue,
    document: Document,
    *,
    before: Evaluation,
    changed: Collection[str],
    as_of: date,
    release: int,
    reveal: Reveal,
) -> FlowResult:
    """Return the same result as ``check_flow.run``, deciding only what depends on ``changed``.

    ``changed`` are paths as in the changes of a document: ``code``, ``locations/<row id>/code``, ``locations/<row id>``
    for an added or removed row, ``question_sets/<code>``, ``forced_excluded_products/<code>``; the rules do not depend
    on any other path. Everything else in ``document`` must be as the check flow left it when it returned ``before``,
    with the whole result applied.

    Falls back to a full run under another release, date or edition, where the effect of a change is not known, and
    where so much changed that a full run costs no more.
    """
    is_current = (before.release, before.as_of, before.edition) == (release, as_of, EDITION)
    if (
        is_current
        and catalogue.dependents.is_followable
        and _is_worth_following(catalogue, document, changed)
        and not _moves_orphans(before, changed)
    ):
        new_rows = frozenset(f"{path}/" for path in changed if Path(path).is_row)
        invalid = frozenset(refusal.path for refusal in refusals_in(catalogue, before.messages))
        lazy_state = LazyState(catalogue, document, before=before, reveal=reveal, new_rows=new_rows, invalid=invalid)
        with closing(lazy_state) as state:
            follower = ChangeFollower(state, before.derived)
            try:
                follower.run(changed)
            except UnprovableChange:
                return check_flow.run(catalogue, document, as_of=as_of, release=release, reveal=reveal)
            return merge(state, follower, before)
    return check_flow.run(catalogue, document, as_of=as_of, release=release, reveal=reveal)


def _is_worth_following(catalogue: CompiledCatalogue, document: Document, changed: Collection[str]) -> bool:
    full = catalogue.dependents.size
    for pool, rows in document.answer_pools.items():
        if pool in catalogue.pools:
            full += len(rows) * len(catalogue.pools[pool].questions)
    return len(changed) * COST_OF_A_CHANGE <= full


def _moves_orphans(before: Evaluation, changed: Collection[str]) -> bool:
    """Return whether rows changed while pools are orphaned: their one message counts the rows of all places."""
    has_orphans = any(message.code == NO_LONGER_ASKED for message in before.messages)
    return has_orphans and any(Path(path).is_row for path in changed)
