"""Says what would take a decline back: "Eligible again at 30 or less". Pure.

Only conditions with one obvious way back have one: a comparison of an answer with a constant, alone or joined by *and*.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from presentation.formats import reading_text
from presentation.visibility import Visibility
from rules.definition.catalogue import Question
from rules.definition.model import CompiledCatalogue, CompiledRule
from rules.language.expressions import Term
from rules.language.syntax import Call, Literal, Name

#: The phrase for the other side of a comparison.
_BACK: Final = {
    "_>_": "at {} or less",
    "_>=_": "below {}",
    "_<_": "at {} or more",
    "_<=_": "above {}",
    "_==_": "with any other answer than {}",
}
_MIRRORED: Final = {"_>_": "_<_", "_>=_": "_<=_", "_<_": "_>_", "_<=_": "_>=_", "_==_": "_==_"}


def near_miss(
    catalogue: CompiledCatalogue, rule: CompiledRule, *, changed: Collection[str], visibility: Visibility
) -> str:
    """Return a sentence about what would take the decline of ``rule`` back, "" if there is no short one.

    ``changed`` are the codes of the answers that differ between the copies: the sentence is about one of them.
    """
    term = rule.when.term
    leaves = [leaf for leaf in (term.parts if term.joint == "&&" else (term,)) if leaf.reads.intersection(changed)]
    if len(leaves) != 1:
        return ""
    compared = _compared(leaves[0])
    if compared is None:
        return ""
    sign, code, value = compared
    known = catalogue.questions.get(code)
    if known is None or known.pool or not visibility.may_leave(code, value):
        return ""
    return f"Eligible again {_BACK[sign].format(_text(catalogue, known.question, value))}."


def _compared(leaf: Term) -> tuple[str, str, str | float | bool] | None:
    """Return the sign, the question and the constant of a comparison, the question on its left."""
    node = leaf.node
    if not isinstance(node, Call) or node.function not in _BACK:
        return None
    match node.args:
        case (Name(name=code), Literal(value=value)):
            return node.function, code, value
        case (Literal(value=value), Name(name=code)):
            return _MIRRORED[node.function], code, value
    return None


def _text(catalogue: CompiledCatalogue, question: Question, value: str | float | bool) -> str:
    labels = catalogue.choices(question) if question.choices else {}
    return reading_text(question.type, value, labels, catalogue.currency)
