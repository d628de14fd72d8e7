"""The texts that joined choices can be: ``state + "/" + size`` is ``TX/small``, never ``TX/tiny``. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from rules.language.domains import Piece, nearest_choice
from rules.language.kinds import Constant, Domain
from rules.language.syntax import Node, unparse

#: More combinations are not checked.
MOST: Final = 5_000


@dataclass(frozen=True, slots=True)
class JoinedChoices:
    """The domain of texts that are joined from choices and constants; ``name`` is the expression."""

    name: str
    choices: Mapping[str, str] = field(compare=False)

    def holds(self, value: Any) -> bool:
        """Return whether ``value`` is one of the texts."""
        return value in self.choices

    def passes(self, test: str, text: str) -> bool:
        """Return whether one of the texts passes the text test."""
        compare = {"startsWith": str.startswith, "endsWith": str.endswith, "contains": str.__contains__}[test]
        return any(compare(choice, text) for choice in self.choices)

    def order(self, value: Any) -> int:
        """Return 0: texts are not judged by their order."""
        return 0

    def remedy(self, value: Any) -> str:
        """Return the nearest of the texts."""
        return nearest_choice(str(value), self.choices)


def joined_domains(node: Node, left: Piece, right: Piece) -> tuple[JoinedChoices, ...]:
    """Return the domain of ``left + right``; none where a side can be any text."""
    first, second = _texts(left), _texts(right)
    # Two constants are one, which the author may compare with anything.
    if not first or not second or len(first) * len(second) > MOST or len(first) * len(second) == 1:
        return ()
    joined = {
        begin + end: f"{label} {end_label}" for begin, label in first.items() for end, end_label in second.items()
    }
    return (JoinedChoices(unparse(node), joined),)


def _texts(piece: Piece) -> dict[str, str]:
    """Return all texts that ``piece`` can be, with their labels; none if that is not known."""
    texts: dict[str, str] = {}
    for domain in piece.kind.domains:
        one = _texts_of(domain)
        if not one:
            return {}
        texts |= one
    return texts


def _texts_of(domain: Domain) -> Mapping[str, str]:
    if isinstance(domain, Constant):
        return {domain.value: domain.value} if isinstance(domain.value, str) else {}
    return domain.choices
