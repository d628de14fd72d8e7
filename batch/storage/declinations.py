"""The declinations of a save: for each surplus product that it acts on, the admitted products that declined, with rules
and inputs, the surplus lines rules in force, and the texts that must be shown.

To act on a product is to request a quote of it, to queue the request for its carrier, to select the quote, or to bind
it; an export acts on every surplus product of the lines with a decline. A product that merely opens while a form is
being filled leaves no record. The record is a row of the save itself: no act is stored without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from django.db import connections
from uuid_utils.compat import uuid7

from batch.changes.changeset import Changeset
from batch.changes.mutators.events import DECLINES_EXPORTED, EVENTS, EventRow
from batch.changes.mutators.quote_requests import QUOTE_REQUESTS, QuoteRequestRow
from batch.changes.records import SaveResult
from forms.models import Declination
from presentation.visibility import Reader, Visibility
from rules.definition.catalogue import Product
from rules.definition.model import CompiledCatalogue
from rules.explain import trace
from rules.explain.declines import DeclineReason, decline_reasons
from rules.flow.evaluation import Evaluation
from rules.states_concerned import states_by_line
from rules.surplus_lines import surplus_rule_for

_EXPORTED: Final = "exported"
_TABLE: Final = Declination._meta.db_table


def declinations(changeset: Changeset, result: SaveResult) -> list[dict[str, Any]]:
    """Return one record for each surplus product that this save acts on, as columns of ``Declination``."""
    acts = _acts(changeset, result)
    if not acts:
        return []
    tracker = changeset.tracker
    by = {"actor_type": tracker.by.type, "actor_id": tracker.by.id, "actor_label": tracker.context.actor.label}
    recorder = _Recorder(changeset, result.evaluation, version=result.version)
    return [
        {**recorder.record(changeset.catalogue.products[code].product), "act": act, **by}
        for code, act in sorted(acts.items())
    ]


def write_declination(
    changeset: Changeset, evaluation: Evaluation, product: str, *, version: int, columns: Mapping[str, Any]
) -> None:
    """Write the declination of an act on ``product`` at a stored ``version``, unless there is one. ``columns`` are act,
    actor and time. For copies that accept no save; needs the tenant's scope.
    """
    recorder = _Recorder(changeset, evaluation, version=version)
    row = {**recorder.record(changeset.catalogue.products[product].product), **columns}
    values = [
        msgspec.json.encode(value).decode() if isinstance(value, dict | list) else value for value in row.values()
    ]
    names, places = ", ".join(row), ", ".join("%s" for _ in row)
    with connections[Declination.objects.db].cursor() as cursor:
        cursor.execute(f"INSERT INTO {_TABLE} ({names}) VALUES ({places}) ON CONFLICT DO NOTHING", values)  # noqa: S608 - our own names


def _acts(changeset: Changeset, result: SaveResult) -> dict[str, str]:
    """Return the surplus products that the save acts on, each with the act."""
    acts, outcomes = dict(_exported(changeset, result)), result.evaluation.eligibility
    for before, after in _changed(changeset, QUOTE_REQUESTS.name):
        if not isinstance(after, QuoteRequestRow):
            continue
        product = changeset.catalogue.products.get(after.product)
        act = _act(before, after)
        if act and product is not None and product.is_surplus and after.product in outcomes:
            if outcomes[after.product].outcome != "locked":
                acts[after.product] = act
    return acts


def _act(before: QuoteRequestRow | None, after: QuoteRequestRow) -> str:
    """Return the act of a changed request, "" for any other change."""
    if before is None:
        return "requested"
    # Each time a request is queued it gets a new token, whatever its state is at the end of the save.
    if before.request_token != after.request_token:
        return "queued"
    return after.state if after.state in ("selected", "bound") and before.state != after.state else ""


def _exported(changeset: Changeset, result: SaveResult) -> Iterator[tuple[str, str]]:
    rows = (after for _, after in _changed(changeset, EVENTS.name))
    if not any(isinstance(row, EventRow) and row.kind == DECLINES_EXPORTED for row in rows):
        return
    outcomes = result.evaluation.eligibility
    for code, product in changeset.catalogue.products.items():
        if product.is_surplus and code in outcomes:
            rivals = (outcomes.get(rival.product.code) for rival in _rivals(changeset, product.product))
            if any(outcome is not None and outcome.outcome == "decline" for outcome in rivals):
                yield code, _EXPORTED


def _changed(changeset: Changeset, kind: str) -> list[tuple[Any, Any]]:
    accumulator = changeset.tracker.attached.get(kind)
    return list(accumulator.finalize()) if accumulator else []


def _rivals(changeset: Changeset, product: Product) -> list[Any]:
    """Return the admitted products of the line."""
    return [
        other
        for other in changeset.catalogue.products.values()
        if other.product.line == product.line and not other.is_surplus
    ]


class _TagsKept(Visibility):
    """The policy for a reader of personal answers; ``tags`` are the sensitivities under which values were given."""

    def __init__(self, catalogue: CompiledCatalogue, reader: Reader) -> None:
        super().__init__(catalogue, reader)
        self.tags: dict[str, str] = {}

    def shown(self, path: str, value: Any, *, tag: str = "") -> Any:
        """Return ``value`` or its mask, and keep its tag."""
        self.tags[path] = tag
        return super().shown(path, value, tag=tag)


class _Recorder:
    """Builds the records of one save; each product is explained once."""

    def __init__(self, changeset: Changeset, evaluation: Evaluation, *, version: int) -> None:
        self._changeset = changeset
        self._evaluation = evaluation
        self._version = version
        # The proof is stored with the personal answers that decided; only readers with the right are shown them.
        self._visibility = _TagsKept(changeset.catalogue, Reader(sees_personal=True))
        self._reasons: dict[str, list[DeclineReason]] = {}

    def record(self, product: Product) -> dict[str, Any]:
        """Return the columns of the record of an act on ``product``, without act and actor."""
        tracker, evaluation = self._changeset.tracker, self._evaluation
        context = tracker.context
        outcomes = evaluation.eligibility
        rivals = [rival.product.code for rival in _rivals(self._changeset, product)]
        reasons = {
            code: self._reasons_of(code) if outcomes[code].outcome == "decline" else []
            for code in rivals
            if code in outcomes
        }
        states = states_by_line(
            self._changeset.catalogue, self._changeset.document, evaluation, products=(product.code,)
        )
        return {
            "id": uuid7(),
            "tenant_id": context.tenant_id,
            "copy_id": tracker.loaded.copy.id,
            "version": self._version,
            "product": product.code,
            "line": product.line,
            "release_id": evaluation.release,
            "as_of": evaluation.as_of,
            "states": list(states[product.line]),
            "declines": {code: list(map(_stored, items)) for code, items in reasons.items()},
            "carriers": self._carriers(rivals),
            "inputs": dict(value for items in reasons.values() for item in items for value in item.values.items()),
            "tags": {path: tag for path, tag in self._visibility.tags.items() if tag},
            "surplus": self._surplus(product.code, is_met=outcomes[product.code].outcome != "locked"),
            "created_at": context.now,
        }  # fmt: skip

    def _reasons_of(self, code: str) -> list[DeclineReason]:
        if code not in self._reasons:
            changeset = self._changeset
            explanation = trace.explain(
                changeset.catalogue,
                changeset.document,
                f"product:{code}",
                as_of=self._evaluation.as_of,
                reveal=changeset.sealing.reveal,
                visibility=self._visibility,
            )
            outcome = self._evaluation.eligibility[code]
            self._reasons[code] = decline_reasons(outcome, explanation.rules)
        return self._reasons[code]

    def _carriers(self, products: list[str]) -> dict[str, Any]:
        """Return the carriers' own declines of ``products``, in their words."""
        return {
            row.product: {"carrier": row.carrier, "reference": row.carrier_reference, "text": row.carriers_words}
            for row in (request.row for request in self._changeset.quote_requests)
            if row.state == "declined" and row.product in products
        }

    def _surplus(self, code: str, *, is_met: bool) -> dict[str, Any]:
        changeset = self._changeset
        found = surplus_rule_for(
            changeset.catalogue, changeset.document, code, evaluation=self._evaluation
        )  # fmt: skip
        rules, requirement = (found.rules, found.requirement) if found else ((), "")
        return {
            "is_met": is_met,
            "requirement": requirement,
            "rules": [{"id": rule.id, "since": _day(rule.since), "until": _day(rule.until)} for rule in rules],
            "disclosures": list(found.disclosures) if found else [],
        }


def _stored(reason: DeclineReason) -> dict[str, Any]:
    return {"rule": reason.rule, "text": reason.text, "effect": reason.effect, "paths": sorted(reason.values)}


def _day(value: Any) -> str | None:
    """Return a rule's first or last day, None without one."""
    return None if value in (value.min, value.max) else str(value)
