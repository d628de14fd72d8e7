"""Compares the tree of a file with the structs of a catalogue: missing, unknown and invalid values. Pure.

Every fault is collected with its place. Conditions are not compiled here.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from typing import Any, Final

import msgspec
from msgspec import inspect

from catalogue.yaml_nodes import Mapping, Mark, Node, Scalar, Sequence
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.faults import CatalogueFault
from rules.invisible import has_override, keep_visible

#: Replacements for faulty values that no other part depends on, so that the rest can be checked. None: the key is
#: removed.
_STAND_INS: Final[dict[str, Any]] = {
    **dict.fromkeys(("title", "label", "name", "why", "say"), "-"),
    **dict.fromkeys(("rate", "times"), "1"),
    **dict.fromkeys(
        (
            "help",
            "quirk",
            "real_time",
            "show",
            "shadow",
            "indexed",
            "sensitivity",
            "required",
            "currency",
            "validate",
            "key",
            "was",
        )
    ),
    **dict.fromkeys(("valid_for", "renews_by", "noun", "width", "below", "address", "same_as", "same_as_label")),
    **dict.fromkeys(("p50_seconds", "p95_seconds", "fail_percent", "per_minute", "min", "max", "per", "minimum")),
    "admitted": True,
    "rate_type": "bindable",
    "mode": "sync",
}

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CODE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
#: Conditions and paths contain these codes, so they are names; all other codes may have hyphens and periods.
_NAMED: Final = frozenset({"Question", "QuestionSet", "Pool", "Derived"})
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,6})?")
_INTEGER: Final = re.compile(r"0|[1-9][0-9]{0,8}")
#: Fields that hold decimal numbers as text.
_DECIMALS: Final = frozenset(
    {"Term.rate", "Term.per", "RateTable.per", "RateTable.rates", "Factor.times", "Rating.minimum"}
)
_SENTENCES: Final = dict.fromkeys(("title", "label", "name", "why", "quirk", "validate", "choices"), 300) | {
    "say": 500,
    "disclosure": 2000,
    "help": 500,
    "noun": 64,
    "same_as_label": 100,
    "translations": 500,
}
_CONDITIONS: Final = dict.fromkeys(
    ("when", "value", "states", "industry", "of", "rate_by", "amount", "times", "quote", "bind", "fields"), 4000
)  # fmt: skip
#: Fields that hold conditions by name.
_NAMED_CONDITIONS: Final = frozenset({"Payload.quote[]", "Payload.bind[]", "PayloadRows.fields[]"})
_MOST: Final = _SENTENCES | _CONDITIONS
#: Words and numbers that some YAML readers do not read as text.
_GUESSED: Final = re.compile(r"(?i:y|n|yes|no|on|off)|[-+.]?[0-9].*")

#: A file is read up to this many faults: one of many faulty lines would otherwise keep a process busy.
MOST_FAULTS: Final = 500
#: The field of one choice list.
_CHOICE_LIST: Final = "CatalogueDefinition.choices[]"
#: Fields of the structs that a file writes in another way: the old codes of choices are at each choice.
_NOT_IN_FILES: Final = frozenset({"choices_were"})

_REMEDY_LIST: Final = "Write a list: [a, b], or one line with a hyphen per item."
_REMEDY_MAPPING: Final = "Write keys with values: {key: value}, or one line per key."


class _TooManyFaults(Exception):  # noqa: N818 - a signal, not an error
    """The file has so many faults that reading on would only cost time."""


class _Bad:
    """Replaces a value that could not be read."""


_BAD: Final = _Bad()


def read_shape(
    root: Node, shape: type[msgspec.Struct] = CatalogueDefinition
) -> tuple[dict[str, Any] | None, list[CatalogueFault]]:  # fmt: skip
    """Return the catalogue in ``root`` (or another ``shape`` of its parts) as plain data, and every fault.

    In spite of faults the data can be checked further; it is None if too much is missing.
    """
    reading = _Reading()
    try:
        data = reading.value(root, inspect.type_info(shape), where="", field="")
    except _TooManyFaults:
        return None, reading.faults
    if isinstance(data, dict) and reading.choices_were:
        data["choices_were"] = reading.choices_were
    return (data if reading.is_whole and isinstance(data, dict) else None), reading.faults


class _Reading:
    """One walk over a file, side by side with the types of the structs."""

    def __init__(self) -> None:
        self.faults: list[CatalogueFault] = []
        self.is_whole = True
        #: The old codes of renamed choices, by list and new code.
        self.choices_were: dict[str, dict[str, str]] = {}

    def value(self, node: Node, kind: inspect.Type, *, where: str, field: str) -> Any:
        """Return ``node`` as a value of ``kind``; ``field`` is its struct and key, such as ``Term.rate``."""
        if isinstance(kind, inspect.StructType):
            return self._struct(node, kind, where)
        if isinstance(kind, inspect.VarTupleType):
            return self._list(node, kind, where, field)
        if isinstance(kind, inspect.DictType):
            return self._dict(node, kind, where, field)
        if isinstance(kind, inspect.UnionType):
            return self._either(node, kind, where, field)
        if not isinstance(node, Scalar):
            kind_of_node = "a list" if isinstance(node, Sequence) else "keys with values"
            return self._fault(
                "wrong_shape",
                where,
                f"There is {kind_of_node} here instead of a single value.",
                self._single_remedy(node, field),
                node,
            )
        if node.is_empty:
            return self._fault("missing_value", where, "There is no value.", "Write one, or remove the key.", node)
        return self._scalar(node, kind, where, field)

    def _struct(self, node: Node, kind: inspect.StructType, where: str) -> Any:
        if not isinstance(node, Mapping):
            keys = ", ".join(field.name for field in kind.fields if field.required)
            return self._fault(
                "wrong_shape", where, f"Keys with values are required here: {keys}.", _REMEDY_MAPPING, node
            )
        built: dict[str, Any] = {}
        fields = {field.encode_name: field for field in kind.fields if field.name not in _NOT_IN_FILES}
        before = ""
        for key, value in node.values.items():
            if key not in fields:
                self._unknown_key(node.keys[key], value, list(fields), where, before=before)
                continue
            before = key
            name = f"{kind.cls.__name__}.{key}"
            built[key] = self.value(value, fields[key].type, where=f"{where}.{key}" if where else key, field=name)
        for field in kind.fields:
            name = field.encode_name
            if field.required and name not in node.values:
                built[name] = self._fault("missing_key", where, f"{name!r} is missing.", f"Add {name}: ...", node)
        self._stand_in(built)
        return built

    def _stand_in(self, built: dict[str, Any]) -> None:
        """Replace unreadable values, or record that the catalogue cannot be checked as a whole."""
        for key, value in list(built.items()):
            if value is _BAD or (isinstance(value, list) and _BAD in value):
                self.is_whole = self.is_whole and key in _STAND_INS
                del built[key]
                if _STAND_INS.get(key) is not None:
                    built[key] = _STAND_INS[key]

    def _unknown_key(self, key: Scalar, value: Node, known: list[str], where: str, *, before: str) -> None:
        close = difflib.get_close_matches(key.text, known, n=1)
        remedy = f"Did you mean {close[0]!r}?" if close else f"The keys here are: {', '.join(known)}."
        if before and isinstance(value, Scalar) and not value.source:
            remedy = f"If it belongs to the text of {before!r}, put that text in quotes. {remedy}"
        self._fault(
            "unknown_key",
            f"{where}.{key.text}" if where else key.text,
            f"There is no key {key.text!r} here.",
            remedy,
            key,
        )

    def _list(self, node: Node, kind: inspect.VarTupleType, where: str, field: str) -> Any:
        if not isinstance(node, Sequence):
            return self._fault("wrong_shape", where, "A list is required here.", _REMEDY_LIST, node)
        built, names = [], set()
        for number, item in enumerate(node.items):
            name = _named(item, number)
            if name in names:
                self._fault(
                    "duplicate_code",
                    f"{where}[{name}]",
                    f"{name!r} is in this list twice.",
                    "Give it a unique code.",
                    item,
                )
            names.add(name)
            built.append(self.value(item, kind.item_type, where=f"{where}[{name}]", field=field))
        return built

    def _dict(self, node: Node, kind: inspect.DictType, where: str, field: str) -> Any:
        if isinstance(node, Sequence) and field == _CHOICE_LIST:
            return self._codes(node, where, field)
        if not isinstance(node, Mapping):
            return self._fault("wrong_shape", where, "Keys with values are required here.", _REMEDY_MAPPING, node)
        built = {}
        for key, value in node.values.items():
            if not key.strip() or len(key) > 64 or _has_control(key, but=""):
                self._fault(
                    "bad_code",
                    where,
                    f"{key[:64]!r} is not a valid code.",
                    "Codes have 1 to 64 visible characters.",
                    node.keys[key],
                )
            else:
                self._tidy(key, f"{where}[{key}]", node.keys[key])
            if field == _CHOICE_LIST and isinstance(value, Mapping):
                built[key] = self._renamed_choice(value, key, where)
                continue
            built[key] = self.value(
                value, kind.value_type, where=f"{where}[{key}]", field=f"{field}[]" if field[-2:] != "[]" else field
            )
            if field == "CatalogueDefinition.choices[]" and isinstance(built[key], str):
                built[key] = built[key].strip()
        self.is_whole = self.is_whole and _BAD not in built.values()
        if not built:
            self._fault("missing_value", where, "It is empty.", "Write a value, or remove the key.", node)
        return built

    def _renamed_choice(self, node: Mapping, code: str, where: str) -> Any:
        """Read a choice with its label and the code that it had in earlier releases."""
        place, parts = f"{where}[{code}]", {}
        for key, value in node.values.items():
            if key not in ("label", "was"):
                self._unknown_key(node.keys[key], value, ["label", "was"], place, before="label")
                continue
            parts[key] = self.value(value, inspect.StrType(), where=f"{place}.{key}", field=f"Choice.{key}")
        if parts.get("was", _BAD) is not _BAD:
            self.choices_were.setdefault(where.removeprefix("choices[").removesuffix("]"), {})[code] = parts["was"]
        if "label" not in parts:
            return self._fault("missing_key", place, "'label' is missing.", "Add label: ...", node)
        return parts["label"]

    def _codes(self, node: Sequence, where: str, field: str) -> dict[str, str]:
        """Read a choice list whose codes are also the labels."""
        built: dict[str, str] = {}
        for item in node.items:
            code = self.value(item, inspect.StrType(), where=where, field=field)
            if code is _BAD:
                self.is_whole = False
                continue
            self._tidy(code, f"{where}[{code}]", item)
            if code in built:
                self._fault("duplicate_code", where, f"{code!r} is in this list twice.", "Keep one of the two.", item)
            built[code] = code
        return built

    def _either(self, node: Node, kind: inspect.UnionType, where: str, field: str) -> Any:
        """Read a value of several possible kinds: a part or nothing, a word or a part, a list or ``all``, a value to be
        rated.
        """
        parts = [part for part in kind.types if not isinstance(part, inspect.NoneType)]
        structs = [part for part in parts if isinstance(part, inspect.StructType)]
        if len(parts) > 1 and structs:
            [word] = [part for part in parts if part not in structs]
            return self.value(node, structs[0] if isinstance(node, Mapping) else word, where=where, field=field)
        if len(parts) > 1:
            return self._rated(node, where, field)
        if isinstance(parts[0], inspect.VarTupleType):
            if isinstance(node, Scalar) and node.text == "all":
                return None
            if isinstance(node, Sequence) and not node.items:
                return self._fault(
                    "missing_value", where, "The list is empty.", "Write all, or the allowed values.", node
                )
        return self.value(node, parts[0], where=where, field=field)

    def _rated(self, node: Node, where: str, field: str) -> Any:
        """Read a value that a product rates.

        Its type is that of the file, so an ambiguous value is refused.
        """
        if not isinstance(node, Scalar) or node.style or node.is_empty:
            return self.value(node, inspect.StrType(), where=where, field=field)
        if node.text in ("true", "false"):
            return node.text == "true"
        if _NUMBER.fullmatch(node.text):
            return float(node.text) if "." in node.text else int(node.text)
        if _GUESSED.fullmatch(node.text):
            remedy = f'Write "{node.text}" in quotes for a text; otherwise true, false or a plain number.'
            return self._fault("ambiguous_value", where, f"{node.text} can be a text or another value.", remedy, node)
        return self.value(node, inspect.StrType(), where=where, field=field)

    def _scalar(self, node: Scalar, kind: inspect.Type, where: str, field: str) -> Any:
        text = node.text
        if isinstance(kind, inspect.LiteralType):
            return self._one_of(node, list(kind.values), where)
        if isinstance(kind, inspect.BoolType):
            value = self._one_of(node, ["true", "false"], where)
            return value if value is _BAD else value == "true"
        if isinstance(kind, inspect.IntType):
            if not _INTEGER.fullmatch(text):
                return self._fault(
                    "bad_number",
                    where,
                    f"{text[:40]!r} is not a whole number of 0 or more.",
                    "Write digits only.",
                    node,
                )
            return int(text)
        if isinstance(kind, inspect.FloatType) or field.removesuffix("[]") in _DECIMALS:
            if not _NUMBER.fullmatch(text):
                remedy = "Write digits with a decimal point, such as 1250 or 0.95; at most 12 before it and 6 after it."
                return self._fault("bad_number", where, f"{text[:40]!r} is not a decimal number.", remedy, node)
            return float(text) if isinstance(kind, inspect.FloatType) else _canonical(text)
        return self._text(node, where, field)

    def _one_of(self, node: Scalar, values: list[Any], where: str) -> Any:
        if node.text in values:
            return node.text
        close = difflib.get_close_matches(node.text, values, n=1)
        remedy = (
            f"Did you mean {close[0]!r}?"
            if close
            else f"Write one of {', '.join(value or repr('') for value in values)}."
        )
        return self._fault("bad_value", where, f"{node.text[:40]!r} is not allowed here.", remedy, node)

    def _text(self, node: Scalar, where: str, field: str) -> Any:
        struct, _, key = field.removesuffix("[]").rpartition(".")
        text = node.text
        most = _MOST.get(key, 64)
        if not keep_visible(text).strip():
            return self._fault("missing_value", where, "The text is empty.", "Write a text, or remove the key.", node)
        if len(text) > most:
            return self._fault(
                "too_long", where, f"It has {len(text)} characters.", f"At most {most} are allowed.", node
            )
        if _has_control(text, but="\n\t"):
            return self._fault("bad_text", where, "It contains a control character.", "Remove it.", node)
        if has_override(text):
            problem = "It contains a character that turns the direction of writing around."
            return self._fault("bad_text", where, problem, "Remove it.", node)
        if key in ("code", "id"):
            pattern, rule = (
                (_NAME, "letters, digits and underscores")
                if struct in _NAMED
                else (_CODE, "letters, digits, _, . and -")
            )
            if not pattern.fullmatch(text):
                return self._fault(
                    "bad_code", where, f"{text!r} is not a valid code.", f"Use {rule}, starting with a letter.", node
                )
        is_condition = key in _CONDITIONS and field[-2:] != "[]" and field not in ("Product.states",)
        if is_condition or field in _NAMED_CONDITIONS:
            return text.rstrip()
        if key in _SENTENCES:
            return text if field.endswith("[]") else text.strip()
        return self._tidy(text, where, node)

    def _tidy(self, text: str, where: str, node: Node) -> Any:
        """Return a code; one with spaces that answers cannot have is a fault."""
        tidy = " ".join(text.split())
        if tidy == text:
            return text
        problem = f"{text!r} begins or ends with a space, or has two in a row: no answer can equal it."
        return self._fault("bad_code", where, problem, f"Write {tidy!r}.", node)

    @staticmethod
    def _single_remedy(node: Node, field: str) -> str:
        if isinstance(node, Mapping) and field.endswith(".validate"):
            return "Write validators without a space after the colon: [min:0, max:120]."
        return "Write one value; put a text with ': ' or brackets in quotes."

    def _fault(self, code: str, where: str, text: str, remedy: str, node: Node) -> Any:
        mark: Mark = node.mark
        self.faults.append(CatalogueFault(code, where, text, remedy, mark.line, mark.column))
        if len(self.faults) == MOST_FAULTS:
            self.faults.append(
                CatalogueFault(
                    "too_many_faults",
                    where,
                    f"The file was read up to here: it has more than {MOST_FAULTS} faults.",
                    "Fix those above and read it again.",
                    mark.line,
                    mark.column,
                )
            )
            raise _TooManyFaults
        return _BAD


def _named(item: Node, number: int) -> str:
    """Return the name of a list item in key paths: its code or id, else its number."""
    if isinstance(item, Mapping):
        for key in ("code", "id"):
            named = item.values.get(key)
            if isinstance(named, Scalar) and named.text:
                return named.text
    return str(number)


def _has_control(text: str, *, but: str) -> bool:
    """Return whether ``text`` contains control characters or surrogates other than those in ``but``."""
    return any(unicodedata.category(character) in ("Cc", "Cs") and character not in but for character in text)


def _canonical(text: str) -> str:
    """Return a decimal number without trailing zeros, so that equal numbers are equal texts."""
    number = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if number == "-0" else number


def to_definition(data: dict[str, Any]) -> CatalogueDefinition:
    """Return faultless ``data`` as structs."""
    return msgspec.convert(data, CatalogueDefinition)
