"""The kinds of values that a CEL text of the catalogue can name, and the values that each can have. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol


class Domain(Protocol):
    """The values that a term can have: the answers to one question, or one constant."""

    @property
    def name(self) -> str:
        """Return the question's code, "" for a constant."""

    @property
    def choices(self) -> Mapping[str, str]:
        """Return the labels of the only possible values by code; empty if there are others."""

    def holds(self, value: Any) -> bool:
        """Return whether a value of this domain can equal ``value``, a value as rules compute with it."""

    def passes(self, test: str, text: str) -> bool:
        """Return whether a value of this domain can pass the text test (``startsWith`` ...) with ``text``."""

    def order(self, value: Any) -> int:
        """Return -1 or 1 if ``value`` is below or above every value of this domain, else 0."""

    def remedy(self, value: Any) -> str:
        """Return what to write instead of ``value``."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value: ``number``, ``text``, ``truth``, ``date``, ``list`` (of ``of``) or ``row`` (of ``pool``).

    ``any`` is the kind of a term whose fault is already reported. ``domains`` limit the values; without any, every
    value is possible. ``is_set`` marks a list without an order, the answer to a multiple choice. Kinds with different
    domains are equal.
    """

    name: str
    of: Kind | None = None
    pool: str = ""
    domains: tuple[Domain, ...] = field(default=(), compare=False, repr=False)
    is_set: bool = field(default=False, compare=False, repr=False)

    def __str__(self) -> str:
        if self.of is not None:
            return f"list of {self.of}"
        return f"row of {self.pool}" if self.pool else _WORDS.get(self.name, self.name)

    def within(self, *domains: Domain) -> Kind:
        """Return this kind, limited to ``domains``; of a list, its elements."""
        if self.of is not None:
            return replace(self, of=self.of.within(*domains))
        return replace(self, domains=domains)


@dataclass(frozen=True, slots=True)
class Constant:
    """The domain of a constant."""

    value: Any
    name: str = ""
    choices: Mapping[str, str] = field(default_factory=dict, compare=False)

    def holds(self, value: Any) -> bool:
        """Return whether ``value`` is the constant."""
        return bool(self.value == value)

    def passes(self, test: str, text: str) -> bool:
        """Return True: a test of a constant is the author's own business."""
        return True

    def order(self, value: Any) -> int:
        """Return 0, for the same reason."""
        return 0

    def remedy(self, value: Any) -> str:
        """Return what to write instead of ``value``."""
        return f"It can only be {self.value!r} here."


def common_kind(kinds: Iterable[Kind]) -> Kind:
    """Return the kind of a term that is one of several: the first kind, with the domains of all.

    A term without domains makes every value possible.
    """
    all_kinds = [kind for kind in kinds if kind != ANY]
    if not all_kinds:
        return ANY
    first = all_kinds[0]
    if first.of is not None:
        of = common_kind(kind.of for kind in all_kinds if kind.of is not None)
        return Kind("list", of, is_set=all(kind.is_set for kind in all_kinds))
    if not all(kind.domains for kind in all_kinds):
        return Kind(first.name, pool=first.pool)
    return first.within(*dict.fromkeys(domain for kind in all_kinds for domain in kind.domains))


_WORDS: Final = {"truth": "true or false"}
NUMBER: Final = Kind("number")
TEXT: Final = Kind("text")
TRUTH: Final = Kind("truth")
DATE: Final = Kind("date")
ANY: Final = Kind("any")
TEXTS: Final = Kind("list", TEXT)


@dataclass(frozen=True, slots=True)
class FunctionType:
    """The type of a function for the checker: its result, and the kinds of arguments of each overload.

    A function with ``is_method`` is called as ``value.name(...)``; None means either way.
    """

    name: str
    result: Kind
    overloads: tuple[tuple[Kind, ...], ...]
    is_method: bool | None = False


def rows_of(pool: str) -> Kind:
    """Return the kind of a pool: a list of its rows."""
    return Kind("list", Kind("row", pool=pool))
