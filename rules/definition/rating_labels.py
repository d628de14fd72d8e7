"""The names of a premium's parts: the catalogue's labels, by default those of the questions that they read. Pure."""

from __future__ import annotations

import re
from typing import Final

from rules.definition.catalogue import CatalogueDefinition, Factor, RateTable, Term

_CODE: Final = re.compile(r"""[A-Za-z_][A-Za-z0-9_]*|"[^"]*"|'[^']*'""")


class RatingLabels:
    """The labels of the terms, tables and factors of one catalogue."""

    def __init__(self, definition: CatalogueDefinition) -> None:
        sets = definition.question_sets
        self._labels = {part.pool.code: part.title for part in sets if part.pool}
        self._labels |= {question.code: question.label for part in sets for question in part.questions}
        self._labels |= {derived.code: derived.label for derived in definition.derived if derived.label}
        self._values = {derived.code: derived.value for derived in definition.derived if not derived.label}

    def of_term(self, term: Term) -> str:
        """Return the label of ``term``."""
        return term.label or self._default(term.of)

    def of_table(self, table: RateTable) -> str:
        """Return the label of ``table``: "Annual payroll by class"."""
        if table.label or not table.amount:
            return table.label or self._labels.get(table.pool, table.pool)
        return f"{self._default(table.amount)} by {_within(self._default(table.rate_by))}"

    def of_factor(self, factor: Factor) -> str:
        """Return the label of ``factor``."""
        return factor.label or self._default(factor.when)

    def _default(self, source: str, depth: int = 0) -> str:
        """Return the label of the first question, pool or labeled value that the text ``source`` names, else itself."""
        for code in _CODE.findall(source):
            if code in self._labels:
                return self._labels[code]
            if code in self._values and depth < len(self._values):
                return self._default(self._values[code], depth + 1)
        return source


def _within(label: str) -> str:
    """Return ``label`` within a sentence: with a small letter, unless it begins with an abbreviation."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]
