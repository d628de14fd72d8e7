"""Builds what a carrier is sent about a document, and its hash. Pure.

Hidden and unanswered values, values that the release refuses, and pools without rows are left out. What was sealed
when it was answered never leaves in a payload for a quote.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import msgspec

from copies.changes import strictest
from copies.document import Document, walk_containers
from copies.mask import HIDDEN
from rules.definition.model import CompiledCatalogue
from rules.definition.payload_model import CompiledField, CompiledMapping, CompiledRows, MappedField
from rules.flow.evaluation import Evaluation
from rules.flow.state import Frame, Reveal, State
from rules.flow.stored_values import plain
from rules.incremental.decided_state import DecidedState
from rules.language.values import Value

__all__ = [
    "Asked",
    "DecidedPayloads",
    "Payload",
    "Reveal",
    "Source",
    "bind_payload",
    "fields_hash",
    "payload_hash",
    "quote_payload",
    "source_of",
]

_SEALED: Final = "spi"
_NOTHING: Final[tuple[object, ...]] = (None, [])


class Asked(NamedTuple):
    """A value that lists of quotes show as what was asked; ``value`` is as stored: codes of choices, ISO dates."""

    path: str
    label: str
    value: Any


class Source(NamedTuple):
    """The question or derived value that a field of a payload sends as it is."""

    path: str
    label: str


class Payload(NamedTuple):
    """What a carrier is sent: ``fields`` by name on the wire, and the same with masks of personal values (``logged``).

    ``reads`` are the codes of all questions, derived values and pools that lead to the fields.
    """

    fields: dict[str, Any]
    logged: dict[str, Any]
    asked: tuple[Asked, ...]
    reads: tuple[str, ...]


def quote_payload(
    catalogue: CompiledCatalogue, document: Document, product: str, *, evaluation: Evaluation
) -> Payload:  # fmt: skip
    """Return what the carrier of ``product`` is sent with a quote request.

    ``document`` must be as the check flow left it when it returned ``evaluation`` under ``catalogue``, with the result
    applied: as saved, or as ``BatchContext.current_view`` returns it. Raises ``KeyError`` for an unknown product.
    """
    mapping = catalogue.products[product].payload
    state = DecidedState(catalogue, document, evaluation)
    asked = [
        Asked(part.code, part.label, value)
        for part in mapping.asked
        if (value := _wire(state.root[part.slot])) not in _NOTHING
    ]
    return _payload(state, mapping.quote, tuple(asked))


class DecidedPayloads:
    """The payloads for quotes of one decided document, for which each value is computed once. The document and its
    evaluation are as for ``quote_payload``.
    """

    def __init__(self, catalogue: CompiledCatalogue, document: Document, evaluation: Evaluation) -> None:
        self._state = DecidedState(catalogue, document, evaluation)
        #: Values of fields by what they are made of, None for what is left out.
        self._known: dict[str, Any] = {}

    def fields(self, product: str) -> dict[str, Any]:
        """Return the ``fields`` of the payload for ``product``. Raises ``KeyError`` for an unknown product."""
        values, known = {}, self._known
        for field in self._state.catalogue.products[product].payload.quote.fields:
            text = field.text if field.__class__ is CompiledRows else field.value.source  # type: ignore[union-attr]
            if text not in known:
                known[text] = _value(field, self._state.root, self._state.top)
            if known[text] is not None:
                values[field.name] = known[text]
        return values


def bind_payload(
    catalogue: CompiledCatalogue, document: Document, product: str, *, evaluation: Evaluation, reveal: Reveal
) -> Payload:  # fmt: skip
    """Return what the carrier of ``product`` is sent when a quote is bound, besides what the quote was about.

    ``reveal`` returns the plain value of a sealed answer at its path. ``document`` and ``evaluation`` are as for
    ``quote_payload``.
    """
    state = DecidedState(catalogue, document, evaluation, reveal=reveal)
    return _payload(state, catalogue.products[product].payload.bind, ())


def payload_hash(payload: Payload, token: str) -> str:
    """Return the SHA-256 of ``payload``, salted by the request ``token``: equal payloads have equal hashes, and nobody
    can try out values without the token.
    """
    return fields_hash(payload.fields, token)


def fields_hash(fields: dict[str, Any], token: str) -> str:
    """Return ``payload_hash`` of a payload with ``fields``."""
    content = token.encode() + b"\n" + msgspec.json.encode(fields, order="sorted")
    return hashlib.sha256(content).hexdigest()


def source_of(catalogue: CompiledCatalogue, product: str, field: str) -> Source | None:
    """Return the question or derived value that ``field`` of the form sends as it is, None for a computed, unknown or
    repeated field: a carrier names fields where it offers other values.
    """
    for mapped in catalogue.products[product].payload.quote.fields:
        if isinstance(mapped, CompiledField) and mapped.name == field and mapped.code:
            question = catalogue.questions.get(mapped.code)
            label = question.question.label if question else catalogue.derived[mapped.code].derived.label
            return Source(mapped.code, label or mapped.code)
    return None


def _payload(state: State, mapping: CompiledMapping, asked: tuple[Asked, ...]) -> Payload:
    fields = _values(mapping.fields, state.root, state.top)
    tags = _tags(state.document, mapping)
    return Payload(
        fields=fields,
        logged=_masked(mapping.fields, fields, tags),
        asked=asked,
        reads=tuple(sorted(mapping.reads)),
    )


def _values(fields: Iterable[MappedField], root: Any, frame: Frame) -> dict[str, Any]:
    return {field.name: value for field in fields if (value := _value(field, root, frame)) is not None}


def _value(field: MappedField, root: Any, frame: Frame) -> Any:
    """Return the value of one field, None for one that is left out."""
    if isinstance(field, CompiledRows):
        rows = frame.values[field.slot]
        return [_values(field.fields, root, row) for row in rows] if rows.__class__ is list and rows else None
    sent = _wire(field.value.evaluate(root, frame))
    return None if sent == [] else sent


def _wire(value: Value) -> Any:
    """Return ``value`` as it is sent: exact numbers, ISO dates, codes of choices; None for hidden and unknown."""
    kind = value.__class__
    if kind is str or kind is bool or value is None:
        return value
    if kind is list:
        return [item for element in value if (item := _wire(element)) is not None]
    sent = plain(value)
    return int(sent) if isinstance(sent, float) and sent.is_integer() else sent


def _tags(document: Document, mapping: CompiledMapping) -> dict[str, str]:
    """Return the strictest sensitivity under which the answers to the questions of ``mapping`` were given."""
    questions = frozenset[str]().union(*(field.questions for field in mapping.leaves()))
    tags: dict[str, str] = {}
    for _, container in walk_containers(document):
        for code in questions & container.answers.keys():
            answer = container.answers[code]
            tags[code] = strictest(tags.get(code, ""), answer.tag if answer.sealed is None else _SEALED)
    return tags


def _masked(fields: Iterable[MappedField], values: dict[str, Any], tags: dict[str, str]) -> dict[str, Any]:
    masked: dict[str, Any] = {}
    for field in fields:
        if field.name not in values:
            continue
        value = values[field.name]
        if isinstance(field, CompiledRows):
            masked[field.name] = [_masked(field.fields, row, tags) for row in value]
        else:
            is_public = not field.tag and not any(tags.get(code) for code in field.questions)
            masked[field.name] = value if is_public else HIDDEN
    return masked
