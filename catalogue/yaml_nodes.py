"""Reads YAML into a tree of texts with their places; other modules interpret the texts. Pure.

No type is guessed: ``no``, ``0042`` and ``2026-06-01`` stay texts. Duplicate keys, tags, aliases (a small file could
expand to a huge one), deep nesting and large files are refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

import yaml

#: Some 15,000 questions with as many rules.
MAX_CHARACTERS: Final = 5_000_000
MAX_DEPTH: Final = 20

#: PyYAML's C parser if available: ten times as fast, the same events.
SAFE_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: The line ends of YAML.
_LINE_END: Final = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_QUOTED: Final = re.compile(r""""(?:[^"\\]|\\.)*"|(?<![^\s,:\[{])'(?:[^']|'')*'""")
_COMMENT: Final = re.compile(r"\s(#)")
_ESCAPE_DIGITS: Final = {"x": 2, "u": 4, "U": 8}


class Mark(NamedTuple):
    """A place in the text; line and column count from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Scalar:
    """A single value: ``source`` is its raw text, ``style`` is "", ``'``, ``"``, ``|`` or ``>``.

    ``text`` is in Unicode's composed form (NFC), as answers are; ``written`` is the value as it is in the file.
    """

    mark: Mark
    text: str
    style: str
    source: str
    written: str

    @property
    def is_empty(self) -> bool:
        """Return whether the value is missing or YAML's null."""
        return not self.style and self.text in ("", "~", "null", "Null", "NULL")

    def place_of(self, offset: int) -> Mark:
        """Return the place in the file of character ``offset`` of the text, past quotes, escapes and folded lines."""
        before = self.source[: _raw_offset(self, _written_offset(self, offset))]
        lines = before.count("\n")
        column = len(before) - before.rfind("\n") if lines else self.mark.column + len(before)
        return Mark(self.mark.line + lines, column)


@dataclass(frozen=True)
class Sequence:
    """A list of nodes."""

    mark: Mark
    items: list[Node]


@dataclass(frozen=True)
class Mapping:
    """Keys with their values, in order; ``keys`` holds the scalars of the keys by their text."""

    mark: Mark
    keys: dict[str, Scalar]
    values: dict[str, Node]


Node: TypeAlias = Scalar | Sequence | Mapping


class UnreadableFile(Exception):
    """A text that is not YAML of the allowed kind; it has a code, a sentence, a remedy and a place."""

    def __init__(self, code: str, text: str, *, remedy: str, mark: Mark) -> None:
        self.code = code
        self.remedy = remedy
        self.mark = mark
        super().__init__(text)


def read_nodes(text: str) -> Node:
    """Return the one document in ``text``. Raises ``UnreadableFile``."""
    if len(text) > MAX_CHARACTERS:
        raise UnreadableFile(
            "too_big",
            f"The file has more than {MAX_CHARACTERS:,} characters.",
            remedy="Make a catalogue for each group of lines of business; a tenant can use several.",
            mark=Mark(1, 1),
        )
    events = yaml.parse(text, Loader=SAFE_LOADER)
    try:
        return _Reading(text, events).document()
    except yaml.MarkedYAMLError as error:
        comment = _comment_within(text, error)
        if comment is not None:
            remedy = "Put the text in quotes if the # belongs to it; otherwise move the comment behind the bracket."
            problem = "Everything after # is a comment, so the bracket is not closed on this line."
            raise UnreadableFile("bad_yaml", problem, remedy=remedy, mark=comment) from None
        mark = error.problem_mark or error.context_mark
        place = Mark(mark.line + 1, mark.column + 1) if mark else Mark(1, 1)
        raise _bad_yaml(f"{error.problem or error.context}", place) from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position] if isinstance(error.position, int) else ""
        place = Mark(before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise _bad_yaml(f"{error.reason}", place) from None
    except (UnicodeError, yaml.YAMLError) as error:
        raise _bad_yaml(f"{error}", Mark(1, 1)) from None


def _comment_within(text: str, error: yaml.MarkedYAMLError) -> Mark | None:
    """Return the place of a comment that cuts off the brackets in which the parser failed, or None."""
    start, end = error.context_mark, error.problem_mark
    if start is None or end is None or "flow" not in (error.context or "") or end.line == start.line:
        return None
    lines = _LINE_END.split(text)
    for number in range(start.line, min(end.line, len(lines) - 1)):
        begin = start.column if number == start.line else 0
        comment = _COMMENT.search(_QUOTED.sub(lambda quoted: "-" * len(quoted[0]), lines[number]), begin)
        if comment:
            return Mark(number + 1, comment.start(1) + 1)
    return None


def _bad_yaml(problem: str, mark: Mark) -> UnreadableFile:
    remedy = "Check indentation, brackets and quotes; put texts with ': ', ' #' or brackets in quotes."
    return UnreadableFile("bad_yaml", f"It is not YAML: {problem}.", remedy=remedy, mark=mark)


class _Reading:
    """Builds the tree from the parser's events."""

    def __init__(self, text: str, events: Iterator[Any]) -> None:
        # The parser places a value that is missing at the end on the line after the last.
        self._lines = [*_LINE_END.split(text), ""]
        self._events = events

    def document(self) -> Node:
        """Return the root of the only document."""
        event = self._next()
        while isinstance(event, (yaml.StreamStartEvent, yaml.DocumentStartEvent)):
            event = self._next()
        if isinstance(event, yaml.StreamEndEvent):
            raise UnreadableFile(
                "bad_yaml", "The file is empty.", remedy="Begin with the catalogue's code and title.", mark=Mark(1, 1)
            )
        root = self._node(event, depth=0)
        while not isinstance(event, yaml.StreamEndEvent):
            event = self._next()
            if isinstance(event, yaml.DocumentStartEvent):
                raise UnreadableFile(
                    "bad_yaml", "There is a second document.", remedy="Keep one catalogue per file.", mark=_mark(event)
                )
        return root

    def _next(self) -> Any:
        return next(self._events)

    def _node(self, event: Any, *, depth: int) -> Node:
        mark = _mark(event)
        if isinstance(event, yaml.AliasEvent):
            raise UnreadableFile(
                "alias", f"*{event.anchor} repeats another part.", remedy="Write the part out.", mark=mark
            )
        if event.tag is not None:
            raise UnreadableFile(
                "tag", f"{event.tag!r} is not allowed here.", remedy="Remove the tag; put texts in quotes.", mark=mark
            )
        if depth > MAX_DEPTH:
            raise UnreadableFile(
                "too_deep",
                f"Nested more than {MAX_DEPTH} levels deep.",
                remedy="See the layout of a catalogue file.",
                mark=mark,
            )
        if isinstance(event, yaml.ScalarEvent):
            composed = unicodedata.normalize("NFC", event.value)
            return Scalar(mark, composed, event.style or "", self._source(event), event.value)
        if isinstance(event, yaml.SequenceStartEvent):
            return Sequence(mark, list(self._items(depth)))
        return self._mapping(mark, depth)

    def _items(self, depth: int) -> Iterator[Node]:
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            yield self._node(event, depth=depth + 1)

    def _mapping(self, mark: Mark, depth: int) -> Mapping:
        keys: dict[str, Scalar] = {}
        values: dict[str, Node] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._node(event, depth=depth + 1)
            if not isinstance(key, Scalar):
                raise UnreadableFile(
                    "bad_yaml", "A key is a list or a mapping.", remedy="Keys are single words.", mark=key.mark
                )
            if key.text in keys:
                raise _duplicate_key(key, keys, values)
            keys[key.text] = key
            values[key.text] = self._node(self._next(), depth=depth + 1)
        return Mapping(mark, keys, values)

    def _source(self, event: Any) -> str:
        """Return the raw text of a scalar."""
        start, end = event.start_mark, event.end_mark
        if start.line == end.line:
            return self._lines[start.line][start.column : end.column]
        first, *between = self._lines[start.line : end.line]
        last = self._lines[end.line][: end.column]
        return "\n".join([first[start.column :], *between, last])


def _duplicate_key(key: Scalar, keys: dict[str, Scalar], values: dict[str, Node]) -> UnreadableFile:
    """Return the fault of a key that is in a mapping already; after a nested part, it may only be indented wrongly."""
    first, *_, last = [keys[key.text], *keys.values()]
    remedy = "Keep one of the two."
    if isinstance(values.get(last.text), Sequence | Mapping) and key.mark.line > last.mark.line:
        remedy = f"Keep one of the two. If it belongs to a part of {last.text!r} above, indent it like the keys there."
    text = f"{key.text!r} is here twice, first on line {first.mark.line}."
    return UnreadableFile("duplicate_key", text, remedy=remedy, mark=key.mark)


def _mark(event: Any) -> Mark:
    return Mark(event.start_mark.line + 1, event.start_mark.column + 1)


def _written_offset(scalar: Scalar, offset: int) -> int:
    """Return the index in the written value of character ``offset`` of the composed text."""
    if scalar.written == scalar.text:
        return offset
    shorter, longer = 0, len(scalar.written)
    while shorter < longer:
        middle = (shorter + longer) // 2
        if len(unicodedata.normalize("NFC", scalar.written[:middle])) < offset:
            shorter = middle + 1
        else:
            longer = middle
    while shorter < len(scalar.written) and unicodedata.combining(scalar.written[shorter]):
        shorter += 1
    return shorter


def _raw_offset(scalar: Scalar, offset: int) -> int:
    """Return the index in the raw source of character ``offset`` of the text, by walking both side by side."""
    source, text = scalar.source, scalar.written
    index = source.find("\n") + 1 if scalar.style in ("|", ">") else len(scalar.style)
    for position in range(min(offset, len(text)) + 1):
        if position == len(text) or index >= len(source):
            break
        index = _skip_layout(source, index, text[position])
        if position == offset:
            break
        index += _width(source, index, scalar.style)
    return min(index, len(source))


def _skip_layout(source: str, index: int, wanted: str) -> int:
    """Skip indentation and line ends that are not part of the text, up to the source of ``wanted``."""
    while index < len(source) and source[index] in " \t\r\n" and source[index] != wanted:
        if wanted in " \n" and source[index] == "\n":
            break
        index += 1
    return index


def _width(source: str, index: int, style: str) -> int:
    """Return the number of raw characters at ``index`` that stand for one character of the text."""
    if style == "'" and source.startswith("''", index):
        return 2
    if style == '"' and source.startswith("\\", index):
        return 2 + _ESCAPE_DIGITS.get(source[index + 1 : index + 2], 0)
    return 1
