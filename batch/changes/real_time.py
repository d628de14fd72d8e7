"""Emits the question to carriers that are asked about a risk while the form is filled in. Pure.

A save never waits for a carrier: it only emits an action where what the carrier would be sent differs from what its
last result was about.
"""

from __future__ import annotations

from typing import Any

from actions.kinds import EvaluateRealTimeEligibility
from batch.changes.changeset import Changeset
from batch.changes.quote_staleness import PayloadComparison
from batch.changes.records import is_touch
from forms.states import OPEN_OUTCOMES
from rules.flow.evaluation import Evaluation


def real_time_token(copy_id: object, product: str) -> str:
    """Return the salt of the payload's hash in eligibility results of this copy and product."""
    return f"real-time/{copy_id}/{product}"


def evaluate_in_real_time(changeset: Changeset, *, before: Evaluation | None, after: Evaluation) -> None:
    """Emit one action for each open product of a carrier in real time whose payload differs from the last result's,
    where a person or a partner's program fills in the form: a new release asks nobody.

    Call it once the rules have decided the changeset, as ``mark_stale_quotes``.
    """
    definition = changeset.catalogue.definition
    carriers = {carrier.code for carrier in definition.carriers if carrier.link.real_time}
    if not carriers or not is_touch(changeset.tracker.context.actor):
        return
    hashes: dict[str, Any] = {one.row.product: one.row.payload_hash for one in changeset.eligibility_results}
    comparison = PayloadComparison(changeset.tracker, before=before, after=after)
    copy_id = changeset.tracker.loaded.copy.id
    for product in definition.products:
        outcome = after.eligibility.get(product.code)
        if product.carrier not in carriers or outcome is None or outcome.outcome not in OPEN_OUTCOMES:
            continue
        token = real_time_token(copy_id, product.code)
        if comparison.differs(product.code, payload_hash=hashes.get(product.code, ""), token=token):
            changeset.defer(
                EvaluateRealTimeEligibility(copy_id=str(copy_id), product=product.code, carrier=product.carrier)
            )
