"""The visibility policy of a copy for a reader, built from the current release and past ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from batch.context import BatchContext
from catalogue import releases
from copies.models import Copy
from presentation.visibility import Reader, Visibility
from rules.definition.catalogue import Sensitivity
from tenants.access import Actor


def visibility_of(context: BatchContext, *, actor: Actor) -> Visibility:
    """Return the policy of what ``actor`` may see of the context's copy, at its current or a past version."""
    today = releases.current(context.form.catalogue, tenant_id=context.scope.id)
    decided_with = (context.release.id, context.decision_release.id)
    past = past_sensitivities(known for known in decided_with if known != today.id)
    return Visibility(today.compiled, Reader.for_actor(actor), past=past)


def past_sensitivities(release_ids: Iterable[int | None]) -> list[Mapping[str, Sensitivity]]:
    """Return the sensitivities of questions in each of these releases. Raises ``NoRelease``."""
    return [releases.sensitivities_of(known) for known in dict.fromkeys(release_ids) if known is not None]


class InsuredNames:
    """The insureds' names in the summaries of copies that one reader may see. The catalogue may be stricter than when
    the summary was stored.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._hidden: dict[tuple[str, UUID], bool] = {}

    def of(self, copy: Copy, catalogue: str) -> str | None:
        """Return the name in the summary of ``copy``, of a form of ``catalogue``; None without a visible one."""
        name = copy.summary.get("insured")
        return None if not name or self._hides(catalogue, copy.tenant_id) else str(name)

    def _hides(self, catalogue: str, tenant_id: UUID) -> bool:
        key = (catalogue, tenant_id)
        if key not in self._hidden:
            try:
                compiled = releases.current(catalogue, tenant_id=tenant_id).compiled
            except releases.NoRelease:
                self._hidden[key] = True
            else:
                self._hidden[key] = Visibility(compiled, self._reader).hides(compiled.definition.title_question)
        return self._hidden[key]
