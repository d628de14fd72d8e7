"""Writes a catalogue as the text of its file: one line for a leaf such as a question, otherwise a block. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec
import yaml

from rules.definition.catalogue import (
    CatalogueDefinition,
    Payload,
    PayloadRows,
    Product,
    QuestionSet,
    RateTable,
    Rating,
    SurplusRule,
)

#: Structs that are written on several lines; every other one is a leaf.
_BLOCKS: Final = (CatalogueDefinition, QuestionSet, Product, Rating, RateTable, Payload, PayloadRows)
#: Fields of products and surplus rules that are written even with their default.
_ALWAYS: Final = frozenset({"states", "industries", "needs"})
#: Decimal texts that are written as numbers.
_NUMBERS: Final = frozenset({"rate", "per", "minimum"})

#: Texts that need no quotes, even between braces. Any other text is quoted.
_PLAIN: Final = re.compile(r"[^\W\d][\w ./()%<>=+*&|!$:-]*", re.UNICODE)
_MISREAD: Final = re.compile(r": |:\Z| \Z|(?i:\A(?:y|n|yes|no|on|off|true|false|null|all)\Z)")
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
_RESOLVER: Final = yaml.resolver.Resolver()


def write_catalogue(definition: CatalogueDefinition) -> str:
    """Return the text of the file that ``read_catalogue`` reads as ``definition``."""
    return write_parts(definition)


def write_parts(parts: msgspec.Struct) -> str:
    """Return the text of the file whose keys are the fields of ``parts``."""
    return "\n".join(_block(parts, indent="")) + "\n"


def _block(struct: msgspec.Struct, *, indent: str) -> Iterator[str]:
    """Yield the lines of a struct, one key each."""
    for key, value in _entries(struct):
        if isinstance(value, msgspec.Struct) and isinstance(value, _BLOCKS):
            yield f"{indent}{key}:"
            yield from _block(value, indent=indent + "  ")
        elif key == "choices" and isinstance(value, Mapping):
            yield f"{indent}{key}:"
            were = getattr(struct, "choices_were", {})
            for code, labels in value.items():
                yield f"{indent}  {_text(code)}: {_choices(labels, were.get(code, {}))}"
        elif key == "translations" and isinstance(value, Mapping):
            # Sorted: a draft has them in the order of the database.
            yield f"{indent}{key}:"
            for language, texts in sorted(value.items()):
                yield f"{indent}  {_text(language)}:"
                yield from (f"{indent}    {_text(name)}: {_text(text)}" for name, text in sorted(texts.items()))
        elif isinstance(struct, Payload | PayloadRows) and isinstance(value, Mapping):
            yield f"{indent}{key}:"
            yield from _mapping(value, indent=indent + "  ")
        elif isinstance(value, tuple) and value and isinstance(value[0], msgspec.Struct):
            yield f"{indent}{key}:"
            for item in value:
                yield from _item(item, indent=indent)
        else:
            yield f"{indent}{key}: {_flow(key, value)}"


def _mapping(fields: Mapping[str, str | PayloadRows], *, indent: str) -> Iterator[str]:
    """Yield the lines of the fields of a payload, one each."""
    for name, value in fields.items():
        if isinstance(value, PayloadRows):
            yield f"{indent}{_text(name)}:"
            yield from _block(value, indent=indent + "  ")
        else:
            yield f"{indent}{_text(name)}: {_text(value)}"


def _item(struct: msgspec.Struct, *, indent: str) -> Iterator[str]:
    """Yield the lines of one item of a list."""
    if not isinstance(struct, _BLOCKS):
        yield f"{indent}- {_flow('', struct)}"
        return
    for number, line in enumerate(_block(struct, indent=indent + "  ")):
        yield line if number else f"{indent}- {line.lstrip()}"


def _entries(struct: msgspec.Struct) -> Iterator[tuple[str, Any]]:
    """Yield key and value of every field that differs from its default, or that reads better when written."""
    for field in msgspec.structs.fields(struct):
        value = getattr(struct, field.name)
        if field.name == "choices_were":
            continue  # written at each choice
        is_written = isinstance(struct, Product | SurplusRule) and field.name in _ALWAYS
        if is_written or field.required or value != _default(field):
            yield field.encode_name, value


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default


def _flow(key: str, value: Any) -> str:
    """Return a value on one line."""
    if isinstance(value, msgspec.Struct):
        factor = "when" in value.__struct_fields__ and "times" in value.__struct_fields__
        return (
            "{"
            + ", ".join(
                f"{name}: {_number(part) if factor and name == 'times' else _flow(name, part)}"
                for name, part in _entries(value)
            )
            + "}"
        )
    if isinstance(value, Mapping):
        write = _number if key == "rates" else _scalar
        return "{" + ", ".join(f"{_text(name)}: {write(part)}" for name, part in value.items()) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(_text(part) for part in value) + "]"
    if value is None:
        return "all"
    return _number(value) if key in _NUMBERS else _scalar(value)


def _choices(labels: Mapping[str, str], were: Mapping[str, str]) -> str:
    """Return a choice list; only its codes if they are also the labels and never were others."""
    if were:
        return (
            "{" + ", ".join(f"{_text(code)}: {_choice(label, were.get(code))}" for code, label in labels.items()) + "}"
        )
    if labels and all(code == label for code, label in labels.items()):
        return "[" + ", ".join(_text(code) for code in labels) + "]"
    return _flow("", labels)


def _choice(label: str, was: str | None) -> str:
    return _text(label) if was is None else f"{{label: {_text(label)}, was: {_text(was)}}}"


def _scalar(value: str | int | float | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _text(value) if isinstance(value, str) else _number(repr(value))


def _number(text: str) -> str:
    """Return a decimal number without exponent and trailing zeros."""
    plain = f"{Decimal(text):f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _text(value: str) -> str:
    """Return a text, quoted unless every YAML reader reads it as this text."""
    if _PLAIN.fullmatch(value) and not _MISREAD.search(value):
        tag = _RESOLVER.resolve(yaml.ScalarNode, value, (True, False))
        if tag == "tag:yaml.org,2002:str":
            return value
    if value.isprintable() and "'" not in value and ('"' in value or "\\" in value):
        return f"'{value}'"
    return '"' + "".join(_ESCAPES.get(character) or _escaped(character) for character in value) + '"'


def _escaped(character: str) -> str:
    """Return a character as it is written in double quotes."""
    return character if character.isprintable() else f"\\U{ord(character):08x}"
