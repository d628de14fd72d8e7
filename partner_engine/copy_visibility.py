"""The visibility policy of a copy for a reader, built from the current release and past ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final
from uuid import UUID

from batch.changes.records import Release
from batch.context import BatchContext
from catalogue import releases
from copies.models import Copy
from presentation.business import Business
from presentation.visibility import Reader, Visibility
from rules.definition.catalogue import Sensitivity
from rules.definition.model import CompiledCatalogue
from tenants.access import Actor

#: What a summary knows about the business.
_FACTS: Final = ("insured", "trade", "city", "us_state", "starts_on")
#: What it knows besides. The premium has no question: every reader of a form sees the products and their prices.
_OTHER_FACTS: Final = ("lines", "premium")


def visibility_of(context: BatchContext, *, actor: Actor) -> Visibility:
    """Return the policy of what ``actor`` may see of the context's copy, at its current or a past version."""
    today = current_release(context)
    decided_with = (context.release.id, context.decision_release.id)
    past = past_sensitivities(known for known in decided_with if known != today.id)
    return Visibility(today.compiled, Reader.for_actor(actor), past=past)


def current_release(context: BatchContext) -> Release:
    """Return today's release of the context's catalogue. A context for reading has looked it up a moment ago."""
    if context.is_read_only and not context.loaded.is_past:
        return context.release
    return releases.current(context.form.catalogue, tenant_id=context.scope.id)


def past_sensitivities(release_ids: Iterable[int | None]) -> list[Mapping[str, Sensitivity]]:
    """Return the sensitivities of questions in each of these releases. Raises ``NoRelease``."""
    return [releases.sensitivities_of(known) for known in dict.fromkeys(release_ids) if known is not None]


class InsuredNames:
    """The insureds' names, and the other facts about businesses, in the summaries of copies that one reader may see.
    The catalogue may be stricter than when the summary was stored.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._hidden: dict[tuple[str, UUID], frozenset[str]] = {}

    def of(self, copy: Copy, catalogue: str) -> str | None:
        """Return the name in the summary of ``copy``, of a form of ``catalogue``; None without a visible one."""
        return self.business(copy, catalogue).insured

    def business(self, copy: Copy, catalogue: str) -> Business:
        """Return the facts in the summary of ``copy``, of a form of ``catalogue``."""
        hidden = self.hidden_facts(catalogue, copy.tenant_id)
        shown = {name: copy.summary.get(name) or None for name in _FACTS if name not in hidden}
        starts_on = shown.pop("starts_on", None)
        return Business(**shown, starts_on=date.fromisoformat(starts_on) if starts_on else None)

    def hidden_facts(self, catalogue: str, tenant_id: UUID) -> frozenset[str]:
        """Return the names of the facts that the reader may not see of forms of ``catalogue``."""
        key = (catalogue, tenant_id)
        if key not in self._hidden:
            try:
                compiled = releases.current(catalogue, tenant_id=tenant_id).compiled
            except releases.NoRelease:
                self._hidden[key] = frozenset((*_FACTS, *_OTHER_FACTS))
            else:
                self._hidden[key] = self._hidden_of(compiled)
        return self._hidden[key]

    def _hidden_of(self, compiled: CompiledCatalogue) -> frozenset[str]:
        definition, visibility = compiled.definition, Visibility(compiled, self._reader)
        sources = {
            "insured": (definition.title_question,),
            "trade": (definition.industry_question,),
            "city": definition.zip_questions,
            "us_state": definition.zip_questions,
            "starts_on": (definition.effective_date_question,),
            "lines": (definition.lines_question,),
        }
        return frozenset(
            name for name, codes in sources.items() if any(code and visibility.hides(code) for code in codes)
        )
