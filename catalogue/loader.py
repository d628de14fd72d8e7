"""Writes a definition as the draft rows of its catalogue; ``catalogue.drafts`` reads them back.

Loading owns its transaction (ADR 0003). Drafts are checked when a file is read and at publishing, not here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal

from django.db import transaction

from carriers import models as carrier_rows
from catalogue.drafts import PLAIN_FIELDS, PLAIN_QUESTION_FIELDS, read_draft
from catalogue.models import (
    Catalogue,
    Choice,
    ChoiceList,
    DerivedValue,
    FormRule,
    LineOfBusiness,
    Question,
    QuestionSet,
)
from rules.definition import catalogue as parts
from rules.definition.catalogue import CatalogueDefinition

__all__ = ["load", "read_draft"]


def load(definition: CatalogueDefinition) -> Catalogue:
    """Replace all draft rows of this catalogue with those of ``definition``, in one transaction; releases stay."""
    with transaction.atomic():
        Catalogue.objects.get_or_create(code=definition.code, defaults={"title": definition.title})
        catalogue = Catalogue.objects.select_for_update().get(code=definition.code)
        for field in PLAIN_FIELDS:
            setattr(catalogue, field, getattr(definition, field))
        catalogue.zip_questions = list(definition.zip_questions)
        catalogue.employees_questions = list(definition.employees_questions)
        catalogue.start_questions = list(definition.start_questions)
        catalogue.save()
        _clear(catalogue)
        _load_questions(catalogue, definition, _load_choices(catalogue, definition))
        _load_rules(catalogue, definition)
        _load_carriers(definition)
    return catalogue


def _clear(catalogue: Catalogue) -> None:
    """Delete the draft rows of ``catalogue``; sets go before the choice lists that their questions reference."""
    catalogue.question_sets.all().delete()
    for rows in (catalogue.choice_lists, catalogue.derived_values, catalogue.form_rules, catalogue.lines):
        rows.all().delete()
    carrier_rows.Carrier.objects.filter(catalogue=catalogue.code).delete()
    carrier_rows.SurplusRule.objects.filter(catalogue=catalogue.code).delete()


def _load_choices(catalogue: Catalogue, definition: CatalogueDefinition) -> dict[str, ChoiceList]:
    lists = ChoiceList.objects.bulk_create(
        ChoiceList(catalogue=catalogue, position=position, code=code)
        for position, code in enumerate(definition.choices)
    )
    by_code = {choice_list.code: choice_list for choice_list in lists}
    Choice.objects.bulk_create(
        Choice(
            choice_list=by_code[code],
            position=position,
            code=choice,
            label=label,
            was=definition.choices_were.get(code, {}).get(choice, ""),
        )
        for code, labels in definition.choices.items()
        for position, (choice, label) in enumerate(labels.items())
    )
    return by_code


def _load_questions(catalogue: Catalogue, definition: CatalogueDefinition, lists: dict[str, ChoiceList]) -> None:
    sets = QuestionSet.objects.bulk_create(
        QuestionSet(
            catalogue=catalogue,
            position=position,
            code=question_set.code,
            title=question_set.title,
            when=question_set.when,
            same_as_label=question_set.same_as_label,
            was=question_set.was,
            **_pool_fields(question_set.pool),
        )
        for position, question_set in enumerate(definition.question_sets)
    )
    Question.objects.bulk_create(
        Question(
            question_set=row,
            position=position,
            choices=lists[question.choices] if question.choices else None,
            validate=list(question.validate),
            products=list(question.products),
            same_as=list(question.same_as),
            **_requirement_fields(question),
            **{name: getattr(question, name) for name in PLAIN_QUESTION_FIELDS},
        )
        for row, question_set in zip(sets, definition.question_sets, strict=True)
        for position, question in enumerate(question_set.questions)
    )


def _requirement_fields(question: parts.Question) -> dict[str, str]:
    if isinstance(question.required, parts.RequiredWhen):
        return {"required": "optional", "quote_when": question.required.quote, "bind_when": question.required.bind}
    return {"required": question.required}


def _pool_fields(pool: parts.Pool | None) -> dict[str, object]:
    if pool is None:
        return {}
    return {
        "pool_code": pool.code,
        "pool_noun": pool.noun,
        "pool_parent": pool.parent,
        "pool_min": pool.min,
        "pool_max": pool.max,
        "pool_key": list(pool.key),
        "pool_was": pool.was,
    }


def _load_rules(catalogue: Catalogue, definition: CatalogueDefinition) -> None:
    DerivedValue.objects.bulk_create(
        DerivedValue(
            catalogue=catalogue,
            position=position,
            code=derived.code,
            value=derived.value,
            label=derived.label,
            show=derived.show,
        )
        for position, derived in enumerate(definition.derived)
    )
    FormRule.objects.bulk_create(
        FormRule(
            catalogue=catalogue,
            position=position,
            code=rule.id,
            when=rule.when,
            then=rule.then,
            at=rule.at,
            say=rule.say,
            shadow=rule.shadow,
        )
        for position, rule in enumerate(definition.form_rules)
    )
    LineOfBusiness.objects.bulk_create(
        LineOfBusiness(
            catalogue=catalogue,
            position=position,
            code=line.code,
            label=line.label,
            states=line.states,
            industry=line.industry,
        )
        for position, line in enumerate(definition.lines)
    )


def _load_carriers(definition: CatalogueDefinition) -> None:
    carriers = carrier_rows.Carrier.objects.bulk_create(
        carrier_rows.Carrier(
            catalogue=definition.code,
            position=position,
            code=carrier.code,
            name=carrier.name,
            admitted=carrier.admitted,
            link_mode=carrier.link.mode,
            p50_seconds=carrier.link.p50_seconds,
            p95_seconds=carrier.link.p95_seconds,
            fail_percent=carrier.link.fail_percent,
            per_minute=carrier.link.per_minute,
            real_time=carrier.link.real_time,
            quirk=carrier.link.quirk,
        )
        for position, carrier in enumerate(definition.carriers)
    )
    by_code = {carrier.code: carrier for carrier in carriers}
    products = carrier_rows.CarrierProduct.objects.bulk_create(
        carrier_rows.CarrierProduct(
            catalogue=definition.code,
            carrier=by_code[product.carrier],
            position=position,
            code=product.code,
            line=product.line,
            rate_type=product.rate_type,
            label=product.label,
            states=list(product.states or ()),
            industries=list(product.industries or ()),
            minimum=Decimal(product.rating.minimum),
            asked=list(product.payload.asked) if product.payload else [],
        )
        for position, product in enumerate(definition.products)
    )
    for row, product in zip(products, definition.products, strict=True):
        _load_rating(row, product)
    mapped = zip(products, definition.products, strict=True)
    carrier_rows.PayloadField.objects.bulk_create(
        field for row, product in mapped if product.payload for field in _payload_rows(row, product.payload)
    )
    _load_surplus(definition)


def _load_rating(row: carrier_rows.CarrierProduct, product: parts.Product) -> None:
    carrier_rows.RateTerm.objects.bulk_create(
        carrier_rows.RateTerm(
            product=row,
            position=position,
            rate=Decimal(term.rate),
            per=Decimal(term.per),
            of=term.of,
            label=term.label,
        )
        for position, term in enumerate(product.rating.terms)
    )
    tables = carrier_rows.RateTable.objects.bulk_create(
        carrier_rows.RateTable(
            product=row,
            position=position,
            pool=table.pool,
            rate_by=table.rate_by,
            amount=table.amount,
            per=Decimal(table.per),
            times=table.times,
            reason=table.reason,
            label=table.label,
        )
        for position, table in enumerate(product.rating.tables)
    )
    carrier_rows.RateEntry.objects.bulk_create(
        carrier_rows.RateEntry(table=table_row, position=position, code=code, rate=Decimal(rate))
        for table_row, table in zip(tables, product.rating.tables, strict=True)
        for position, (code, rate) in enumerate(table.rates.items())
    )
    carrier_rows.RateFactor.objects.bulk_create(
        carrier_rows.RateFactor(
            product=row,
            position=position,
            code=factor.id,
            when=factor.when,
            times=Decimal(factor.times),
            label=factor.label,
        )
        for position, factor in enumerate(product.rating.factors)
    )
    carrier_rows.ProductRule.objects.bulk_create(
        carrier_rows.ProductRule(
            product=row,
            position=position,
            code=rule.id,
            when=rule.when,
            then=rule.then,
            why=rule.why,
            set=rule.set,
            shadow=rule.shadow,
        )
        for position, rule in enumerate(product.rules)
    )


def _payload_rows(
    row: carrier_rows.CarrierProduct, payload: parts.Payload
) -> Iterator[carrier_rows.PayloadField]:  # fmt: skip
    """Yield the fields of a payload, those of a quote request first."""
    purposes = carrier_rows.PayloadField.Purpose
    for purpose, fields in ((purposes.QUOTE, payload.quote), (purposes.BIND, payload.bind)):
        for position, (name, value, pool) in enumerate(_flat(fields)):
            yield carrier_rows.PayloadField(
                product=row, position=position, purpose=purpose, name=name, value=value, pool=pool
            )


def _flat(fields: Mapping[str, str | parts.PayloadRows], around: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield name, value and pool of each field; the fields of rows come after their rows, with their name before."""
    for name, value in fields.items():
        if isinstance(value, parts.PayloadRows):
            yield f"{around}{name}", "", value.pool
            yield from _flat(value.fields, f"{around}{name}.")
        else:
            yield f"{around}{name}", value, ""


def _load_surplus(definition: CatalogueDefinition) -> None:
    carrier_rows.SurplusRule.objects.bulk_create(
        carrier_rows.SurplusRule(
            catalogue=definition.code,
            position=position,
            code=rule.id,
            states=list(rule.states or ()),
            lines=list(rule.lines or ()),
            since=date.fromisoformat(rule.since) if rule.since else None,
            until=date.fromisoformat(rule.until) if rule.until else None,
            needs=rule.needs if isinstance(rule.needs, str) else carrier_rows.SurplusRule.Needs.DECLINES,
            declines=rule.needs.declines if isinstance(rule.needs, parts.Declines) else None,
            disclosure=rule.disclosure,
        )
        for position, rule in enumerate(definition.surplus)
    )
