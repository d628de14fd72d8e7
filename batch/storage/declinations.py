"""The declinations of a save: for each surplus product that it acts on, the admitted products that declined, with rules
and inputs.

To act on a product is to request a quote of it, to queue the request for its carrier, or to select the quote for
binding. A product that merely opens while a form is being filled leaves no record.
"""

from __future__ import annotations

from typing import Any, Final

from uuid_utils.compat import uuid7

from batch.changes.changeset import Changeset
from batch.changes.mutators.quote_requests import QUOTE_REQUESTS, QuoteRequestRow
from batch.changes.records import SaveContext, SaveResult
from presentation.visibility import Reader, Visibility
from rules.definition.catalogue import Product
from rules.explain import trace
from rules.flow.evaluation import Evaluation, Reason

#: The effects of the reasons for which a product declines.
_DECLINING: Final = ("decline", "base")


def declinations(changeset: Changeset, result: SaveResult) -> list[dict[str, Any]]:
    """Return one record for each open surplus product that this save acts on, as columns of ``Declination``."""
    acted_on = _acted_on(changeset)
    if not acted_on:
        return []
    catalogue = changeset.catalogue.definition
    admitted = {carrier.code for carrier in catalogue.carriers if carrier.admitted}
    return [
        _record(changeset, result, product, admitted)
        for product in catalogue.products
        if product.code in acted_on and product.carrier not in admitted and _is_open(product.code, result.evaluation)
    ]


def _acted_on(changeset: Changeset) -> set[str]:
    """Return the products whose quote this save requests, queues for the carrier, or selects."""
    accumulator = changeset.tracker.attached.get(QUOTE_REQUESTS.name)
    changed = accumulator.finalize() if accumulator else ()
    return {after.product for before, after in changed if isinstance(after, QuoteRequestRow) and _acts(before, after)}


def _acts(before: QuoteRequestRow | None, after: QuoteRequestRow) -> bool:
    if before is None:
        return True
    # Each time a request is queued it gets a new token, whatever its state is at the end of the save.
    is_queued = before.request_token != after.request_token
    return is_queued or (after.state == "selected" and before.state != "selected")


def _is_open(code: str, evaluation: Evaluation) -> bool:
    outcome = evaluation.eligibility.get(code)
    return outcome is not None and outcome.outcome != "locked"


def _record(changeset: Changeset, result: SaveResult, product: Product, admitted: set[str]) -> dict[str, Any]:
    context, eligibility = changeset.tracker.context, result.evaluation.eligibility
    declined = [
        other.code
        for other in changeset.catalogue.definition.products
        if other.line == product.line and other.carrier in admitted
    ]
    return {
        "id": uuid7(),
        "tenant_id": context.tenant_id,
        "copy_id": changeset.tracker.loaded.copy.id,
        "version": result.version,
        "product": product.code,
        "line": product.line,
        "release_id": context.release.id,
        "declines": {code: _declining(eligibility[code].reasons) for code in declined if code in eligibility},
        "inputs": _inputs(changeset, declined, context),
        "created_at": context.now,
    }


def _declining(reasons: tuple[Reason, ...]) -> list[Reason]:
    return [reason for reason in reasons if reason.effect in _DECLINING]


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
            if rule.truth == "true" and rule.effect in _DECLINING:
                inputs.update(rule.values)
    return inputs
