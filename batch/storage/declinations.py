"""The declinations of a save: for each surplus product that it opens, the admitted products that declined, with rules
and inputs.
"""

from __future__ import annotations

from typing import Any

from uuid_utils.compat import uuid7

from batch.changes.changeset import Changeset
from batch.changes.records import SaveContext, SaveResult
from presentation.visibility import Reader, Visibility
from rules.explain import trace
from rules.flow.evaluation import ProductOutcome


def declinations(changeset: Changeset, result: SaveResult) -> list[dict[str, Any]]:
    """Return one record for each surplus product that this save opens, as columns of ``Declination``."""
    loaded, context = changeset.tracker.loaded, changeset.tracker.context
    before, after = result.before, result.evaluation
    catalogue = changeset.catalogue.definition
    admitted = {carrier.code for carrier in catalogue.carriers if carrier.admitted}
    records = []
    for product in catalogue.products:
        if product.carrier in admitted or not _opened(
            before.eligibility.get(product.code), after.eligibility.get(product.code)
        ):
            continue
        declined = [
            other.code for other in catalogue.products if other.line == product.line and other.carrier in admitted
        ]
        records.append(
            {
                "id": uuid7(),
                "tenant_id": context.tenant_id,
                "copy_id": loaded.copy.id,
                "version": result.version,
                "product": product.code,
                "line": product.line,
                "release_id": context.release.id,
                "declines": {code: after.eligibility[code].reasons for code in declined if code in after.eligibility},
                "inputs": _inputs(changeset, declined, context),
                "created_at": context.now,
            }
        )
    return records


def _opened(before: ProductOutcome | None, after: ProductOutcome | None) -> bool:
    return after is not None and after.outcome != "locked" and (before is None or before.outcome == "locked")


def _inputs(changeset: Changeset, products: list[str], context: SaveContext) -> dict[str, object]:
    # The proof is stored with the personal answers that decided; only readers with the right are shown them.
    visibility = Visibility(changeset.catalogue, Reader(sees_personal=True))
    inputs: dict[str, object] = {}
    for code in products:
        explanation = trace.explain(
            changeset.catalogue,
            changeset.document,
            f"product:{code}",
            as_of=context.as_of,
            reveal=changeset.sealing.reveal,
            visibility=visibility,
        )
        for rule in explanation.rules:
            if rule.truth == "true":
                inputs.update(rule.values)
    return inputs
