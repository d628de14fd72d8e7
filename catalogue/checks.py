"""Checks the expressions of one draft row while it is edited, so that a fault is told at its field.

Rows are held against the questions, pools and derived values that the draft has so far. What only the whole can say
(circles, codes that are used elsewhere) is left to publishing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db.models import Model

from carriers.models import CarrierProduct
from rules.definition.catalogue import CatalogueDefinition, Derived, Pool, Question, QuestionSet
from rules.definition.faults import CatalogueFault
from rules.definition.texts import Texts
from rules.language.kinds import DATE, NUMBER, TEXT, TEXTS, TRUTH, Kind
from rules.types.validators import parse_validators

_VALUE: Final = (NUMBER, TEXT, TRUTH, DATE)
_Pools = Callable[[Any, "_Draft"], str]


def check_row(row: Model) -> None:
    """Hold the expressions of ``row`` (of this app or of ``carriers``) against its draft catalogue.

    Raises ``ValidationError`` with a message for each faulty field. A row whose catalogue is not known yet is not
    checked.
    """
    catalogue = _catalogue_of(row)
    expressions = {field: how for field, how in _EXPRESSIONS[row._meta.model_name or ""].items() if getattr(row, field)}
    if catalogue is None or not (expressions or _has_validators(row)):
        return
    draft = _Draft(catalogue)
    messages = {
        field: draft.faults(getattr(row, field), kinds, pool(row, draft))
        for field, (kinds, pool) in expressions.items()
    }
    if _has_validators(row):
        messages["validate"] = draft.validator_faults(row)
    faulty = {field: found for field, found in messages.items() if found}
    if faulty:
        raise ValidationError(faulty)


class _Draft:
    """What expressions can name in a draft: its questions by pool and its derived values."""

    def __init__(self, catalogue: Any) -> None:
        sets = list(catalogue.question_sets.prefetch_related("questions"))
        self.pool_of = {question.code: row.pool_code for row in sets for question in row.questions.all()}
        self.pools = {row.pool_code: row.pool_parent for row in sets if row.pool_code}
        self._texts = Texts(
            CatalogueDefinition(
                code=catalogue.code,
                title=catalogue.title,
                question_sets=tuple(self._part(row) for row in sets),
                derived=tuple(Derived(code=row.code, value=row.value) for row in catalogue.derived_values.all()),
            )
        )

    def _part(self, row: Any) -> QuestionSet:
        parent = "" if pool_circle(row.pool_code, row.pool_parent, self.pools) else row.pool_parent
        pool = Pool(code=row.pool_code, parent=parent if parent in self.pools else "") if row.pool_code else None
        return QuestionSet(
            code=row.code, title=row.title, pool=pool, questions=tuple(_question(item) for item in row.questions.all())
        )

    def faults(self, source: str, kinds: tuple[Kind, ...], pool: str) -> list[str]:
        """Return what is wrong with one expression in the rows of ``pool`` ("" for the form itself)."""
        before = len(self._texts.faults)
        self._texts.compile(source, "", wanted=kinds, pool=pool if pool in self.pools else "")
        return [_sentence(fault) for fault in self._texts.faults[before:]]

    def validator_faults(self, row: Any) -> list[str]:
        """Return what is wrong with a question's validators."""
        pool = row.question_set.pool_code
        _, relations, wrong = parse_validators(_question(row), pool)
        found = [f"{fault} {fault.remedy}" for fault in wrong]
        return found + [
            sentence for relation in relations for sentence in self.faults(relation.other, (relation.kind,), pool)
        ]


def pool_circle(pool: str, parent: str, parents: Mapping[str, str]) -> bool:
    """Tell whether ``pool``, put within ``parent``, lies within itself; ``parents`` gives each pool's parent."""
    around = parent
    for _ in range(len(parents) + 1):
        if not around or around not in parents:
            return False
        if around == pool:
            return True
        around = parents[around]
    return True


def _question(row: Any) -> Question:
    return Question(code=row.code, label=row.label, type=row.type, validate=tuple(row.validate))


def _sentence(fault: CatalogueFault) -> str:
    place = f"Column {fault.column}: " if fault.column and (fault.line or 1) == 1 else ""
    return f"{place}{fault.text} {fault.remedy}"


def _has_validators(row: Any) -> bool:
    return bool(getattr(row, "validate", None))


def _catalogue_of(row: Any) -> Any:
    """Return the draft catalogue that ``row`` belongs to, None while that is not known."""
    holder = row
    for parent in ("question_set", "product"):
        if hasattr(row, f"{parent}_id"):
            holder = getattr(row, parent) if getattr(row, f"{parent}_id") else None
    if isinstance(holder, CarrierProduct):
        return apps.get_model("catalogue", "Catalogue").objects.filter(code=holder.catalogue).first()
    return holder.catalogue if holder is not None and holder.catalogue_id else None


def _at_the_top(row: Any, draft: _Draft) -> str:
    return ""


def _in_own_pool(row: Any, draft: _Draft) -> str:
    return str(row.question_set.pool_code)


def _around_own_pool(row: Any, draft: _Draft) -> str:
    return str(row.pool_parent)


def _where_it_is_said(row: Any, draft: _Draft) -> str:
    return draft.pool_of.get(row.at, "")


def _in_rated_pool(row: Any, draft: _Draft) -> str:
    return str(row.pool)


#: For each kind of row: its fields with expressions, what they may give and the pool in whose rows they are read.
_EXPRESSIONS: Final[Mapping[str, Mapping[str, tuple[tuple[Kind, ...], _Pools]]]] = {
    "questionset": {"when": ((TRUTH,), _around_own_pool)},
    "question": {"when": ((TRUTH,), _in_own_pool)},
    "derivedvalue": {"value": (_VALUE, _at_the_top)},
    "formrule": {"when": ((TRUTH,), _where_it_is_said)},
    "lineofbusiness": {"states": ((TEXTS,), _at_the_top), "industry": ((TEXT,), _at_the_top)},
    "rateterm": {"of": ((NUMBER,), _at_the_top)},
    "ratetable": {
        "rate_by": ((TEXT,), _in_rated_pool),
        "amount": ((NUMBER,), _in_rated_pool),
        "times": ((NUMBER,), _at_the_top),
    },
    "ratefactor": {"when": ((TRUTH,), _at_the_top)},
    "productrule": {"when": ((TRUTH,), _at_the_top)},
}
