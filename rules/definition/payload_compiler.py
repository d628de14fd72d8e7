"""Compiles the payloads of products: the texts of their fields, and what those lead to. Pure.

A payload for a quote never contains a secret answer, nor anything that is made of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from copies.changes import strictest
from rules.definition.catalogue import CatalogueDefinition, Payload, PayloadRows, Question
from rules.definition.faults import CatalogueFault
from rules.definition.payload_model import (
    AskedPart,
    CompiledField,
    CompiledMapping,
    CompiledPayload,
    CompiledRows,
    MappedField,
)
from rules.definition.texts import BROKEN, Texts
from rules.language.expressions import AS_OF, Expression, names_in
from rules.language.kinds import DATE, NUMBER, TEXT, TRUTH, Kind

_VALUES: Final = (NUMBER, TEXT, TRUTH, DATE)
#: The kinds of values that a field can have.
SENT: Final = (*_VALUES, *(Kind("list", kind) for kind in _VALUES))
SPI_IN_QUOTE: Final = "spi_in_quote"
_SPI: Final = "spi"


class PayloadCompiler:
    """Compiles the payloads of one catalogue; ``texts`` collects the faults."""

    def __init__(self, definition: CatalogueDefinition, texts: Texts) -> None:
        self._texts = texts
        self._questions: dict[str, Question] = {}
        self._pool_of: dict[str, str] = {}
        self._labels: dict[str, str] = {part.code: part.label or part.code for part in definition.derived}
        #: What the rows of each pool depend on beside its own questions.
        self._around: dict[str, frozenset[str]] = {}
        self._derived_closures: dict[str, frozenset[str]] = {}
        self._title = definition.title_question
        for part in definition.question_sets:
            pool = part.pool.code if part.pool else ""
            for question in part.questions:
                self._questions[question.code] = question
                self._pool_of[question.code] = pool
                self._labels[question.code] = question.label
            if part.pool:
                parent = frozenset((part.pool.parent,)) if part.pool.parent else frozenset[str]()
                self._around[pool] = names_in(part.when) | parent if part.when else parent
        self._parents = {part.pool.code: part.pool.parent for part in definition.question_sets if part.pool}

    def declared(self, payload: Payload, where: str) -> CompiledPayload:
        """Return ``payload`` compiled; ``where`` is its place in the catalogue."""
        quote = self._mapping(payload.quote, f"{where}.quote")
        for field, place in self._placed(payload.quote, quote.fields, f"{where}.quote"):
            self._refuse_secrets(field, place)
        self._refuse_hidden_secrets(quote, f"{where}.quote")
        return CompiledPayload(
            quote=quote,
            bind=self._mapping(payload.bind, f"{where}.bind"),
            asked=tuple(self._asked(code) for code in payload.asked),
            is_declared=True,
        )

    def default(self, reads: Iterable[str], product: str) -> CompiledPayload:
        """Return the payload of a ``product`` without one: the name of the insured, and what its rules and rating
        (``reads``) and its own questions are about, each by its code; nothing that is secret.
        """
        own = (code for code, question in self._questions.items() if product in question.products)
        wanted = self._closure({*reads, *own, *filter(None, (self._title,))})
        codes = [code for code in self._questions if code in wanted and not self._is_secret(code)]
        quote = CompiledMapping(fields=self._default_fields(codes, ""))
        return CompiledPayload(quote=self._closed(quote))

    def _default_fields(self, codes: list[str], pool: str) -> tuple[MappedField, ...]:
        own = [(code, self._texts.named(code, pool=pool)) for code in codes if self._pool_of[code] == pool]
        fields: list[MappedField] = [self._field(code, value) for code, value in own if value is not None]
        for child, parent in self._parents.items():
            if parent == pool and not any(self._is_secret(read) for read in self._closure(self._around[child])):
                below = self._default_fields(codes, child)
                if below:
                    slot = self._texts.slots[pool][child].slot
                    fields.append(CompiledRows(name=child, pool=child, slot=slot, fields=below))
        return tuple(fields)

    def _mapping(self, fields: Mapping[str, str | PayloadRows], where: str) -> CompiledMapping:
        return self._closed(CompiledMapping(fields=self._fields(fields, where, "")))

    def _fields(self, fields: Mapping[str, str | PayloadRows], where: str, pool: str) -> tuple[MappedField, ...]:
        return tuple(
            CompiledRows(
                name=name,
                pool=value.pool,
                slot=self._texts.slots[pool][value.pool].slot,
                fields=self._fields(value.fields, f"{where}[{name}].fields", value.pool),
            )
            if isinstance(value, PayloadRows)
            else self._field(name, self._compiled(value, f"{where}[{name}]", pool))
            for name, value in fields.items()
        )

    def _compiled(self, source: str, where: str, pool: str) -> Expression:
        named = self._texts.named(source, pool=pool)
        if named is not None and named.kind in SENT:
            return named
        if AS_OF in names_in(source):
            text = "The day of the decision is not sent: every quote would be stale the day after."
            remedy = "Send dates, and let the carrier count from them."
            self._texts.faults.append(CatalogueFault("wrong_value", where, text, remedy))
            return BROKEN
        return self._texts.map(source, where, wanted=SENT, pool=pool)

    def _field(self, name: str, value: Expression) -> CompiledField:
        """Return one field. The answers behind a yes or no that has a name of its own are public, as in rules."""
        questions = frozenset(code for code in self._shown_by(value.reads) if code in self._questions)
        code = value.source.strip() if {value.source.strip()} == value.reads else ""
        tag = strictest(*(self._questions[read].sensitivity for read in questions))
        return CompiledField(name=name, value=value, code=code, tag=tag, questions=questions)

    def _shown_by(self, reads: Iterable[str]) -> set[str]:
        found, waiting = set[str](), list(reads)
        while waiting:
            code = waiting.pop()
            derived = self._texts.derived.get(code)
            if derived is None:
                found.add(code)
            elif derived.kind != TRUTH:
                waiting += derived.reads
        return found

    def _closed(self, mapping: CompiledMapping) -> CompiledMapping:
        reads = set(_pools_in(mapping.fields)).union(*(field.value.reads for field in mapping.leaves()))
        return CompiledMapping(fields=mapping.fields, reads=self._closure(reads))

    def _closure(self, reads: Iterable[str]) -> frozenset[str]:
        """Return ``reads`` with all that their values are made of: inputs of derived values, conditions of pools."""
        found, waiting = set[str](), list(reads)
        while waiting:
            code = waiting.pop()
            if code in found:
                continue
            found.add(code)
            if code in self._texts.derived:
                waiting += self._texts.derived[code].reads
            waiting += self._around.get(code, ())
            if self._pool_of.get(code):
                waiting.append(self._pool_of[code])
        return frozenset(found)

    def _asked(self, code: str) -> AskedPart:
        return AskedPart(code, self._texts.slots[""][code].slot, self._labels[code])

    def _is_secret(self, code: str) -> bool:
        question = self._questions.get(code)
        return question is not None and question.sensitivity == _SPI

    def _placed(
        self, declared: Mapping[str, str | PayloadRows], fields: Iterable[MappedField], where: str
    ) -> Iterator[tuple[CompiledField, str]]:
        for field in fields:
            value = declared[field.name]
            if isinstance(field, CompiledField):
                yield field, f"{where}[{field.name}]"
            elif isinstance(value, PayloadRows):
                yield from self._placed(value.fields, field.fields, f"{where}[{field.name}].fields")

    def _refuse_secrets(self, field: CompiledField, where: str) -> None:
        for code in sorted(filter(self._is_secret, self._closure(field.value.reads))):
            text = f"{code!r} is a secret answer (spi): a carrier gets it only when a quote is bound."
            remedy = "Move the field to bind, or leave it out."
            self._texts.faults.append(CatalogueFault(SPI_IN_QUOTE, where, text, remedy))

    def _refuse_hidden_secrets(self, quote: CompiledMapping, where: str) -> None:
        """Refuse pools whose rows are shown or hidden by a secret answer."""
        for pool in dict.fromkeys(_pools_in(quote.fields)):
            for code in sorted(filter(self._is_secret, self._closure(self._around[pool]))):
                text = f"The rows of {pool!r} depend on the secret answer {code!r} (spi)."
                self._texts.faults.append(CatalogueFault(SPI_IN_QUOTE, where, text, "Leave the rows out."))


def _pools_in(fields: Iterable[MappedField]) -> Iterator[str]:
    for field in fields:
        if isinstance(field, CompiledRows):
            yield field.pool
            yield from _pools_in(field.fields)
