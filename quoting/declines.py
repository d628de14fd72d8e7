"""The declines of a copy as one reader may see them: what declines now, by line, and the stored declinations.

A decline is shown with its reasons and their values, or in the carrier's own words where the carrier declined itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from batch.changes.changeset import Changeset
from batch.changes.mutators.quote_requests import QuoteRequestRow
from batch.context import BatchContext
from catalogue import releases
from catalogue.release_history import release_number
from copies.paths import Path
from forms.models import Declination
from presentation.product_names import product_name
from presentation.visibility import Reader, Visibility
from quoting.decline_shapes import (
    DeclinationShown,
    DeclinedBy,
    DeclinesShape,
    DeclineValue,
    LineDeclines,
    ProductDecline,
    ReasonShown,
    SurplusRuleShown,
    SurplusShown,
)
from rules.definition.model import CompiledCatalogue, CompiledProduct
from rules.explain import trace
from rules.explain.declines import decline_reasons
from rules.flow.evaluation import Evaluation
from rules.states_concerned import states_by_line
from rules.surplus_lines import surplus_rule_for
from tenants.current_tenant import use_tenant


def declines_of(context: BatchContext, visibility: Visibility) -> DeclinesShape:
    """Return the declines of the context's copy for the reader of ``visibility``, the latest record first."""
    changeset, evaluation = context.current_view()
    with use_tenant(context.scope):
        rows = list(Declination.objects.filter(copy_id=context.copy.id).order_by("-version", "product"))
    numbers = {known: release_number(known) for known in {evaluation.release, *(row.release_id for row in rows)}}
    return DeclinesShape(
        copy_id=str(context.copy.id),
        application_form_id=str(context.form.id),
        version=context.version,
        release=numbers[evaluation.release],
        as_of=evaluation.as_of,
        lines=tuple(_Present(changeset, evaluation, visibility).lines()),
        records=tuple(_record(row, numbers[row.release_id], visibility, changeset.catalogue) for row in rows),
    )


def shown_records(rows: Iterable[Declination], reader: Reader) -> list[DeclinationShown]:
    """Return stored declinations of any copies as ``reader`` may see them."""
    policies: dict[tuple[str, UUID], Visibility] = {}
    shown = []
    for row in rows:
        code = releases.catalogue_of(row.release_id)
        catalogue = releases.current(code, tenant_id=row.tenant_id).compiled
        visibility = policies.setdefault((code, row.tenant_id), Visibility(catalogue, reader))
        shown.append(_record(row, release_number(row.release_id), visibility, catalogue))
    return shown


def unrecorded_products(context: BatchContext) -> list[str]:
    """Return the surplus products of lines that decline without a record of the present version."""
    changeset, evaluation = context.current_view()
    concerned = {
        code
        for code, product in changeset.catalogue.products.items()
        if product.is_surplus and code in evaluation.eligibility and _declined_rivals(product, changeset, evaluation)
    }
    with use_tenant(context.scope):
        known = Declination.objects.filter(copy_id=context.copy.id, version=context.version)
        return sorted(concerned - set(known.values_list("product", flat=True)))


def _declined_rivals(product: CompiledProduct, changeset: Changeset, evaluation: Evaluation) -> bool:
    rivals = (
        evaluation.eligibility.get(code)
        for code, other in changeset.catalogue.products.items()
        if other.product.line == product.product.line and not other.is_surplus
    )
    return any(outcome is not None and outcome.outcome == "decline" for outcome in rivals)


@dataclass(frozen=True)
class _Present:
    """What declines by the present decision."""

    changeset: Changeset
    evaluation: Evaluation
    visibility: Visibility

    def lines(self) -> Iterable[LineDeclines]:
        catalogue, outcomes = self.changeset.catalogue, self.evaluation.eligibility
        states = states_by_line(catalogue, self.changeset.document, self.evaluation, products=outcomes)
        refused = {row.product: row for row in self._declined_requests()}
        for line in catalogue.definition.lines:
            codes = [code for code in outcomes if catalogue.products[code].product.line == line.code]
            declines = [
                self._decline(code, refused.get(code))
                for code in codes
                if outcomes[code].outcome == "decline" or code in refused
            ]
            surplus = [self._surplus(code) for code in codes if catalogue.products[code].is_surplus]
            if declines or surplus:
                yield LineDeclines(
                    line=line.code,
                    label=line.label,
                    states=states[line.code],
                    declines=tuple(declines),
                    surplus=tuple(surplus),
                )

    def _declined_requests(self) -> Iterable[QuoteRequestRow]:
        return (request.row for request in self.changeset.quote_requests if request.row.state == "declined")

    def _decline(self, code: str, refused: QuoteRequestRow | None) -> ProductDecline:
        changeset, outcome = self.changeset, self.evaluation.eligibility[code]
        reasons: list[ReasonShown] = []
        if outcome.outcome == "decline":
            explanation = trace.explain(
                changeset.catalogue,
                changeset.document,
                f"product:{code}",
                as_of=self.evaluation.as_of,
                reveal=changeset.sealing.reveal,
                visibility=self.visibility,
            )
            for item in decline_reasons(outcome, explanation.rules):
                texts = {path: self.visibility.read(path, value) for path, value in item.values.items()}
                reasons.append(_reason(item.rule, item.text, texts, changeset.catalogue))
        words = {"text": refused.carriers_words, "reference": refused.carrier_reference} if refused else {}
        return _decline(changeset.catalogue, code, reasons, words)

    def _surplus(self, code: str) -> SurplusShown:
        changeset = self.changeset
        found = surplus_rule_for(changeset.catalogue, changeset.document, code, evaluation=self.evaluation)
        rules, requirement = (found.rules, found.requirement) if found else ((), "")
        return SurplusShown(
            **_named(changeset.catalogue, code),
            is_met=self.evaluation.eligibility[code].outcome != "locked",
            requirement=requirement,
            rules=tuple(SurplusRuleShown(rule.id, _day(rule.since), _day(rule.until)) for rule in rules),
            disclosures=found.disclosures if found else (),
        )


def _record(row: Declination, release: int, visibility: Visibility, catalogue: CompiledCatalogue) -> DeclinationShown:
    seen = visibility.at([releases.sensitivities_of(row.release_id)])
    texts = {path: seen.text(path, value, tag=row.tags.get(path, "")) for path, value in row.inputs.items()}
    visibility.personal_shown += seen.personal_shown
    declines = []
    for code in dict.fromkeys([*row.declines, *row.carriers]):
        reasons = [
            _reason(item["rule"], item["text"], {path: texts.get(path, "") for path in item["paths"]}, catalogue)
            for item in row.declines.get(code, ())
        ]
        if reasons or code in row.carriers:
            declines.append(_decline(catalogue, code, reasons, row.carriers.get(code, {})))
    rules = row.surplus.get("rules", ())
    return DeclinationShown(
        id=str(row.id),
        act=row.act,
        at=row.created_at,
        by=DeclinedBy(row.actor_type, row.actor_id, row.actor_label),
        version=row.version,
        release=release,
        as_of=row.as_of,
        line=row.line,
        label=next((line.label for line in catalogue.definition.lines if line.code == row.line), row.line),
        states=tuple(row.states),
        declines=tuple(declines),
        surplus=SurplusShown(
            **_named(catalogue, row.product),
            is_met=row.surplus.get("is_met", True),
            requirement=row.surplus.get("requirement", ""),
            rules=msgspec.convert(rules, tuple[SurplusRuleShown, ...]),
            disclosures=tuple(row.surplus.get("disclosures", ())),
        ),
    )


def _decline(
    catalogue: CompiledCatalogue, code: str, reasons: Sequence[ReasonShown], words: Mapping[str, Any]
) -> ProductDecline:  # fmt: skip
    return ProductDecline(
        **_named(catalogue, code),
        reasons=tuple(reasons),
        words=words.get("text", ""),
        reference=words.get("reference", ""),
    )


def _named(catalogue: CompiledCatalogue, code: str) -> dict[str, str]:
    """Return code, name and carrier of a product, which the present catalogue may no longer have."""
    known = catalogue.products.get(code)
    return {
        "product": code,
        "name": product_name(catalogue, code) if known else code,
        "carrier": known.product.carrier if known else "",
    }


def _reason(rule: str, text: str, texts: Mapping[str, str], catalogue: CompiledCatalogue) -> ReasonShown:
    values = (DeclineValue(path, _label(path, catalogue), texts[path]) for path in sorted(texts))
    return ReasonShown(rule, text, tuple(values))


def _label(path: str, catalogue: CompiledCatalogue) -> str:
    code = Path(path).code
    if code in catalogue.questions:
        return catalogue.questions[code].question.label
    derived = catalogue.derived.get(code)
    return (derived.derived.label if derived else "") or code.removeprefix("d_").replace("_", " ").capitalize()


def _day(value: date) -> date | None:
    """Return a rule's first or last day, None without one."""
    return None if value in (date.min, date.max) else value
