"""The content of copies and versions as an export shows it: the API's shapes, for a reader without secrets.

Personal answers are included, sensitive ones are masked without their last characters, also where only the present or
an earlier release calls them sensitive.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache, partial
from typing import Any, Final
from uuid import UUID

import msgspec

from batch.context import BatchContext
from catalogue import releases
from copies.changes import Change
from copies.codec import decode, decode_document
from copies.models import CopyRevision
from presentation import shapes
from presentation.visibility import Reader, Visibility
from rules.flow.evaluation import Evaluation
from tenants.current_tenant import use_tenant
from tenants.models import Tenant

#: A reader of everything but secrets.
EXPORT: Final = Reader(sees_personal=True, sees_masks=False)


class ExportVisibility:
    """The policies of an export, one per catalogue and set of releases."""

    def __init__(self, tenant: Tenant) -> None:
        """Take the tenant whose current releases are the policy."""
        self._of = lru_cache(maxsize=256)(partial(_visibility, tenant.id))

    def of(self, catalogue: str, release_ids: Iterable[int | None]) -> Visibility:
        """Return the policy for values of a form of ``catalogue`` that were recorded under these releases."""
        return self._of(catalogue, frozenset(known for known in release_ids if known is not None))


def _visibility(tenant_id: UUID, catalogue: str, release_ids: frozenset[int]) -> Visibility:
    past = [releases.sensitivities_of(known) for known in sorted(release_ids)]
    return Visibility(releases.current(catalogue, tenant_id=tenant_id).compiled, EXPORT, past=past)


def strictest_visibility(context: BatchContext, reader: Reader) -> Visibility:
    """Return the policy of a copy at any of its versions: a question is as confidential as the strictest release says
    that the copy went through or is current.
    """
    with use_tenant(context.scope):
        used = CopyRevision.objects.filter(copy_id=context.copy.id).exclude(release_id=None).order_by()
        past = {*used.values_list("release_id", flat=True).distinct(), context.release.id, context.decision_release.id}
    strict = [releases.sensitivities_of(known) for known in sorted(past)]
    current = releases.current(context.form.catalogue, tenant_id=context.scope.id)
    return Visibility(current.compiled, reader, past=strict)


def of_copy(document: bytes, evaluation: bytes, visibility: Visibility) -> dict[str, Any]:
    """Return answers, pools, question sets, outcomes and messages of a copy."""
    decoded, evaluated = decode_document(document), decode(evaluation, Evaluation)
    return {
        "answers": shapes.answers(decoded.answers, visibility),
        "answer_pools": shapes.rows(decoded.answer_pools, visibility),
        "question_sets": shapes.question_sets(decoded),
        "eligibility": {
            product: shapes.outcome(outcome, visibility) for product, outcome in evaluated.eligibility.items()
        },
        "messages_of_rules": visibility.messages(evaluated.messages, lambda: decoded),
    }


def of_version(changes: bytes, visibility: Visibility) -> dict[str, Any]:
    """Return the changes of one version."""
    return {"changes": shapes.changes(decode(changes, list[Change]), visibility)}


def of_inputs(inputs: Any, tags: Any, visibility: Visibility) -> Any:
    """Return the recorded inputs of a declination, each as the export may show it; ``tags`` are their sensitivities
    when they were given.
    """
    return {path: visibility.shown(path, value, tag=tags.get(path, "")) for path, value in inputs.items()}


def line(row: object) -> bytes:
    """Return ``row`` as one line of NDJSON."""
    return msgspec.json.encode(row) + b"\n"
