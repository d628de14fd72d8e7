"""Checks the expressions of one draft row while it is edited, so that a fault appears at its field.

Expressions may name the questions, pools and derived values that the draft has so far. Faults of the whole (cycles,
duplicate codes) are reported at publishing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db.models import Model

from carriers.models import CarrierProduct
from rules.definition.catalogue import CatalogueDefinition, Derived, Pool, Question, QuestionSet, composed
from rules.definition.faults import CatalogueFault
from rules.definition.payload_compiler import SENT
from rules.definition.texts import Texts
from rules.language.kinds import DATE, NUMBER, TEXT, TEXTS, TRUTH, Kind
from rules.types.registry import QUESTION_TYPES
from rules.types.validators import parse_validators

_VALUE: Final = (NUMBER, TEXT, TRUTH, DATE)
_Pools = Callable[[Any, "_Draft"], str]


def check_row(row: Model) -> None:
    """Check the expressions of ``row`` (of this app or of ``carriers``) against its draft catalogue.

    Raises ``ValidationError`` with a message for each faulty field. A row whose catalogue is not known yet is not
    checked.
    """
    catalogue = _catalogue_of(row)
    expressions = {
        field: allowed for field, allowed in _EXPRESSIONS[row._meta.model_name or ""].items() if getattr(row, field)
    }
    if catalogue is None or not (expressions or _has_validators(row)):
        return
    draft = _Draft(catalogue)
    messages = {
        field: draft.faults(getattr(row, field), kinds, pool(row, draft))
        for field, (kinds, pool) in expressions.items()
    }
    if _has_validators(row):
        messages["validate"] = draft.validator_faults(row)
    faulty = {field: faults for field, faults in messages.items() if faults}
    if faulty:
        raise ValidationError(faulty)


class _Draft:
    """The names that expressions of a draft can use: its questions by pool, and its derived values."""

    def __init__(self, catalogue: Any) -> None:
        sets = list(catalogue.question_sets.prefetch_related("questions__choices"))
        self.pool_of = {question.code: row.pool_code for row in sets for question in row.questions.all()}
        self.pools = {row.pool_code: row.pool_parent for row in sets if row.pool_code}
        choices = {
            choice_list.code: {choice.code: choice.label for choice in choice_list.choices.all()}
            for choice_list in catalogue.choice_lists.prefetch_related("choices")
        }
        definition = CatalogueDefinition(
            code=catalogue.code,
            title=catalogue.title,
            choices=choices,
            question_sets=tuple(self._part(row) for row in sets),
            derived=tuple(Derived(code=row.code, value=row.value) for row in catalogue.derived_values.all()),
        )
        self._texts = Texts(composed(definition))

    def _part(self, row: Any) -> QuestionSet:
        parent = "" if pool_circle(row.pool_code, row.pool_parent, self.pools) else row.pool_parent
        pool = Pool(code=row.pool_code, parent=parent if parent in self.pools else "") if row.pool_code else None
        return QuestionSet(
            code=row.code, title=row.title, pool=pool, questions=tuple(_question(item) for item in row.questions.all())
        )

    def faults(self, source: str, kinds: tuple[Kind, ...], pool: str) -> list[str]:
        """Return the faults of one expression in the rows of ``pool`` ("" for the form itself)."""
        texts = self._texts
        before, doubted = len(texts.faults), len(texts.doubts)
        texts.compile(composed(source), "", wanted=kinds, pool=pool if pool in self.pools else "")
        return [_sentence(fault) for fault in (*texts.faults[before:], *texts.doubts[doubted:])]

    def validator_faults(self, row: Any) -> list[str]:
        """Return the faults of a question's validators."""
        if row.type not in QUESTION_TYPES:
            # The type's own field reports this.
            return []
        pool = row.question_set.pool_code
        _, relations, invalid = parse_validators(_question(row), pool)
        sentences = [f"{fault} {fault.remedy}" for fault in invalid]
        return sentences + [
            sentence for relation in relations for sentence in self.faults(relation.other, (relation.kind,), pool)
        ]


def pool_circle(pool: str, parent: str, parents: Mapping[str, str]) -> bool:
    """Return whether ``pool`` inside ``parent`` would contain itself; ``parents`` are the parents of the other
    pools.
    """
    around = parent
    for _ in range(len(parents) + 1):
        if not around or around not in parents:
            return False
        if around == pool:
            return True
        around = parents[around]
    return True


def _question(row: Any) -> Question:
    return Question(
        code=row.code,
        label=row.label,
        type=row.type,
        validate=tuple(row.validate),
        choices=row.choices.code if row.choices else "",
    )


def _sentence(fault: CatalogueFault) -> str:
    place = f"Column {fault.column}: " if fault.column and (fault.line or 1) == 1 else ""
    return f"{place}{fault.text} {fault.remedy}"


def _has_validators(row: Any) -> bool:
    return bool(getattr(row, "validate", None))


def _catalogue_of(row: Any) -> Any:
    """Return the draft catalogue of ``row``, or None while it is not known."""
    holder = row
    for parent in ("question_set", "product"):
        if hasattr(row, f"{parent}_id"):
            holder = getattr(row, parent) if getattr(row, f"{parent}_id") else None
    if isinstance(holder, CarrierProduct):
        return apps.get_model("catalogue", "Catalogue").objects.filter(code=holder.catalogue).first()
    return holder.catalogue if holder is not None and holder.catalogue_id else None


def _in_form(row: Any, draft: _Draft) -> str:
    return ""


def _in_own_rows(row: Any, draft: _Draft) -> str:
    return str(row.question_set.pool_code)


def _in_parent_rows(row: Any, draft: _Draft) -> str:
    return str(row.pool_parent)


def _pool_of_message(row: Any, draft: _Draft) -> str:
    return draft.pool_of.get(row.at, "")


def _in_rated_rows(row: Any, draft: _Draft) -> str:
    return str(row.pool)


def _in_sent_rows(row: Any, draft: _Draft) -> str:
    """Return the pool of the rows that the name of a field of a payload begins with."""
    around = row.name.rpartition(".")[0]
    fields = row.product.payload_fields.filter(purpose=row.purpose, name=around)
    return str(fields.values_list("pool", flat=True).first() or "") if around else ""


#: The expressions of each kind of row: field -> allowed kinds, and the pool in whose rows the field is read.
_EXPRESSIONS: Final[Mapping[str, Mapping[str, tuple[tuple[Kind, ...], _Pools]]]] = {
    "questionset": {"when": ((TRUTH,), _in_parent_rows)},
    "question": dict.fromkeys(("when", "quote_when", "bind_when"), ((TRUTH,), _in_own_rows)),
    "derivedvalue": {"value": (_VALUE, _in_form)},
    "formrule": {"when": ((TRUTH,), _pool_of_message)},
    "lineofbusiness": {"states": ((TEXTS,), _in_form), "industry": ((TEXT,), _in_form)},
    "rateterm": {"of": ((NUMBER,), _in_form)},
    "ratetable": {
        "rate_by": ((TEXT,), _in_rated_rows),
        "amount": ((NUMBER,), _in_rated_rows),
        "times": ((NUMBER,), _in_form),
    },
    "ratefactor": {"when": ((TRUTH,), _in_form)},
    "productrule": {"when": ((TRUTH,), _in_form)},
    "payloadfield": {"value": (SENT, _in_sent_rows)},
}
