"""The explanation of a product's outcome and premium."""

from __future__ import annotations

from batch.context import BatchContext
from partner_engine.web.pages.explanation import ExplanationView, build_explanation
from partner_engine.web.pages.reading import Reading
from rules.explain.trace import Explanation, UnknownTarget, explain


def explain_product(context: BatchContext, reading: Reading, code: str) -> ExplanationView | None:
    """Return the explanation of the product ``code``, None if there is no such product."""
    if code not in reading.catalogue.products:
        return None
    changeset, _ = context.current_view()

    def traced(kind: str) -> Explanation:
        return explain(
            reading.catalogue,
            changeset.document,
            f"{kind}:{code}",
            as_of=reading.evaluation.as_of,
            reveal=changeset.sealing.reveal,
            visibility=reading.visibility,
            release=context.decision_release.id,
            ways_back=True,
        )

    try:
        return build_explanation(reading, traced("product"), traced("premium"), release=context.decision_release.number)
    except UnknownTarget:
        return None
