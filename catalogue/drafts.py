"""Reads the draft rows of a catalogue as a definition.

It checks nothing, not even types: a draft may be faulty while staff work on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final, cast

from carriers import models as carrier_rows
from catalogue.models import Catalogue, Question, QuestionSet
from rules.definition import catalogue as parts
from rules.definition.catalogue import CatalogueDefinition

#: Fields with the same name and the same form in a question's row and in its struct.
PLAIN_QUESTION_FIELDS: Final = (
    "code",
    "label",
    "type",
    "when",
    "sensitivity",
    "indexed",
    "valid_for",
    "renews_by",
    "help",
    "width",
    "below",
    "address",
    "was",
)
#: Fields with the same name and the same form in a catalogue's row and in its struct.
PLAIN_FIELDS: Final = (
    "title",
    "currency",
    "allow_test_identities",
    "lines_question",
    "title_question",
    "industry_question",
    "effective_date_question",
    "payment_plan_question",
    "translations",
)


def read_draft(catalogue: Catalogue) -> CatalogueDefinition:
    """Return the definition in the draft rows of ``catalogue``, its texts in Unicode's composed form (NFC).

    The number of queries is constant.
    """
    return parts.composed(_draft(catalogue))


def _draft(catalogue: Catalogue) -> CatalogueDefinition:
    sets = catalogue.question_sets.prefetch_related("questions__choices")
    choice_lists = list(catalogue.choice_lists.prefetch_related("choices"))
    products = carrier_rows.CarrierProduct.objects.filter(catalogue=catalogue.code)
    return CatalogueDefinition(
        code=catalogue.code,
        surplus=tuple(map(_surplus_rule, carrier_rows.SurplusRule.objects.filter(catalogue=catalogue.code))),
        **{name: getattr(catalogue, name) for name in PLAIN_FIELDS},
        zip_questions=tuple(catalogue.zip_questions),
        employees_questions=tuple(catalogue.employees_questions),
        start_questions=tuple(catalogue.start_questions),
        choices={
            choice_list.code: {choice.code: choice.label for choice in choice_list.choices.all()}
            for choice_list in choice_lists
        },
        choices_were={
            choice_list.code: renamed
            for choice_list in choice_lists
            if (renamed := {choice.code: choice.was for choice in choice_list.choices.all() if choice.was})
        },
        question_sets=tuple(_question_set(row) for row in sets),
        derived=tuple(
            parts.Derived(code=row.code, value=row.value, label=row.label, show=row.show)
            for row in catalogue.derived_values.all()
        ),
        form_rules=tuple(
            parts.FormRule(
                id=row.code, when=row.when, then=cast(Any, row.then), at=row.at, say=row.say, shadow=row.shadow
            )
            for row in catalogue.form_rules.all()
        ),
        lines=tuple(
            parts.Line(code=row.code, label=row.label, states=row.states, industry=row.industry)
            for row in catalogue.lines.all()
        ),
        carriers=tuple(_carrier(row) for row in carrier_rows.Carrier.objects.filter(catalogue=catalogue.code)),
        products=tuple(
            _product(row)
            for row in products.select_related("carrier").prefetch_related(
                "terms", "tables__entries", "factors", "rules", "payload_fields"
            )
        ),
    )


def _question_set(row: QuestionSet) -> parts.QuestionSet:
    pool = (
        parts.Pool(
            code=row.pool_code,
            noun=row.pool_noun,
            parent=row.pool_parent,
            min=row.pool_min,
            max=row.pool_max,
            key=tuple(row.pool_key),
            was=row.pool_was,
        )
        if row.pool_code
        else None
    )
    questions = tuple(
        parts.Question(
            required=_requirement(question),
            choices=question.choices.code if question.choices else "",
            validate=tuple(question.validate),
            products=tuple(question.products),
            same_as=tuple(question.same_as),
            **{name: getattr(question, name) for name in PLAIN_QUESTION_FIELDS},
        )
        for question in row.questions.all()
    )
    return parts.QuestionSet(
        code=row.code,
        title=row.title,
        when=row.when,
        pool=pool,
        same_as_label=row.same_as_label,
        was=row.was,
        questions=questions,
    )


def _requirement(row: Question) -> parts.Requirement | parts.RequiredWhen:
    if row.quote_when or row.bind_when:
        return parts.RequiredWhen(quote=row.quote_when, bind=row.bind_when)
    return cast(Any, row.required)


def _carrier(row: carrier_rows.Carrier) -> parts.Carrier:
    link = parts.Link(
        mode=cast(Any, row.link_mode),
        p50_seconds=row.p50_seconds,
        p95_seconds=row.p95_seconds,
        fail_percent=row.fail_percent,
        per_minute=row.per_minute,
        real_time=row.real_time,
        quirk=row.quirk,
    )
    return parts.Carrier(code=row.code, name=row.name, admitted=row.admitted, link=link)


def _product(row: carrier_rows.CarrierProduct) -> parts.Product:
    tables = tuple(
        parts.RateTable(
            pool=table.pool,
            rate_by=table.rate_by,
            rates={entry.code: _number(entry.rate) for entry in table.entries.all()},
            amount=table.amount,
            per=_number(table.per),
            times=table.times,
            reason=table.reason,
            label=table.label,
        )
        for table in row.tables.all()
    )
    rating = parts.Rating(
        minimum=_number(row.minimum),
        terms=tuple(
            parts.Term(rate=_number(term.rate), per=_number(term.per), of=term.of, label=term.label)
            for term in row.terms.all()
        ),
        tables=tables,
        factors=tuple(
            parts.Factor(id=factor.code, when=factor.when, times=_number(factor.times), label=factor.label)
            for factor in row.factors.all()
        ),
    )
    return parts.Product(
        code=row.code,
        carrier=row.carrier.code,
        line=row.line,
        rate_type=cast(Any, row.rate_type),
        label=row.label,
        states=tuple(row.states) or None,
        industries=tuple(row.industries) or None,
        rating=rating,
        rules=_rules(row.rules.all()),
        payload=_payload(row),
    )


def _rules(rows: Iterable[carrier_rows.ProductRule]) -> tuple[parts.ProductRule, ...]:
    return tuple(
        parts.ProductRule(
            id=row.code, when=row.when, then=cast(Any, row.then), why=row.why, set=row.set, shadow=row.shadow
        )
        for row in rows
    )


def _payload(row: carrier_rows.CarrierProduct) -> parts.Payload | None:
    fields = list(row.payload_fields.all())
    if not fields and not row.asked:
        return None
    purposes = carrier_rows.PayloadField.Purpose
    return parts.Payload(
        quote=_fields([field for field in fields if field.purpose == purposes.QUOTE]),
        bind=_fields([field for field in fields if field.purpose == purposes.BIND]),
        asked=tuple(row.asked),
    )


def _fields(rows: list[carrier_rows.PayloadField]) -> dict[str, str | parts.PayloadRows]:
    """Return the fields of a payload; a field without the rows that its name begins with keeps the whole name."""
    top: dict[str, str | parts.PayloadRows] = {}
    below: dict[str, dict[str, str | parts.PayloadRows]] = {"": top}
    for row in sorted(rows, key=lambda row: row.name.count(".")):
        around, _, name = row.name.rpartition(".")
        fields, name = (below[around], name) if around in below else (top, row.name)
        if row.pool:
            below[row.name] = {}
            fields[name] = parts.PayloadRows(pool=row.pool, fields=below[row.name])
        else:
            fields[name] = row.value
    return top


def _surplus_rule(row: carrier_rows.SurplusRule) -> parts.SurplusRule:
    needs: Any = parts.Declines(declines=row.declines or 0) if row.needs == row.Needs.DECLINES else row.needs
    return parts.SurplusRule(
        id=row.code,
        states=tuple(row.states) or None,
        lines=tuple(row.lines) or None,
        since=row.since.isoformat() if row.since else "",
        until=row.until.isoformat() if row.until else "",
        needs=needs,
        disclosure=row.disclosure,
    )


def _number(value: Decimal) -> str:
    """Return a decimal number as in a definition: no exponent, no trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
