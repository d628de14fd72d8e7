"""The compiled payloads: what a product's carrier is sent, and what that is made of. Pure and immutable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from rules.language.expressions import Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledField:
    """A field of a payload. ``code`` is the question or derived value that it sends as it is, "" for a computed one.

    ``tag`` is the strictest sensitivity of the ``questions`` that it is made of.
    """

    name: str
    value: Expression
    code: str
    tag: str
    questions: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledRows:
    """The rows of ``pool`` as a field of a payload; ``slot`` is that of the pool among the values around it.

    ``text`` is equal for fields with equal values.
    """

    name: str
    pool: str
    slot: int
    fields: tuple[CompiledField | CompiledRows, ...]
    text: str = field(init=False)

    def __post_init__(self) -> None:
        parts = (
            f"{part.name}: {part.text if isinstance(part, CompiledRows) else part.value.source}" for part in self.fields
        )
        object.__setattr__(self, "text", f"{self.pool} {{{', '.join(parts)}}}")


MappedField: TypeAlias = CompiledField | CompiledRows


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledMapping:
    """The fields of a payload, and the codes of all questions, derived values and pools that lead to them."""

    fields: tuple[MappedField, ...] = ()
    reads: frozenset[str] = frozenset()

    def leaves(self) -> Iterator[CompiledField]:
        """Yield the fields with a value, those of rows too."""
        yield from _leaves(self.fields)


class AskedPart(NamedTuple):
    """A question or derived value that is shown as what was asked, with its ``label``."""

    code: str
    slot: int
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledPayload:
    """What a product's carrier is sent. ``is_declared`` is False where the catalogue has no mapping of the product."""

    quote: CompiledMapping = CompiledMapping()
    bind: CompiledMapping = CompiledMapping()
    asked: tuple[AskedPart, ...] = ()
    is_declared: bool = False


def _leaves(fields: tuple[MappedField, ...]) -> Iterator[CompiledField]:
    for mapped in fields:
        if isinstance(mapped, CompiledRows):
            yield from _leaves(mapped.fields)
        else:
            yield mapped
