"""The only module that calls the CEL library: parses and type-checks, and decides nothing. Pure.

To the checker every number is a ``double``. Whole numbers in a text (``> 3``) are CEL integers, which CEL refuses to
compare with doubles. They are rewritten (``> 3.0``) before the check, and columns are mapped back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from cel_expr_python import cel
from google.protobuf import descriptor_pb2, descriptor_pool, timestamp_pb2
from google.protobuf.message import DecodeError

from rules.language.faults import TextFault, TextFaults
from rules.language.kinds import ANY, DATE, NUMBER, TEXT, TRUTH, FunctionType, Kind
from rules.language.mistakes import common_mistakes
from rules.language.syntax import Call, Field, ListOf, Literal, Macro, Node, decode, unparse

MAX_LENGTH: Final = 8000
_ROWS: Final = "rows"
_ERROR: Final = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
_WHOLE_NUMBER: Final = re.compile(r"-?\s*(?:0[xX][0-9a-fA-F]+|\d+)")
_MOST_ERRORS: Final = 5


def parse(source: str) -> Node:
    """Return the tree of ``source``. Raises ``TextFaults``."""
    if len(source) > MAX_LENGTH:
        raise TextFaults(
            TextFault("too_long", f"The text has {len(source)} characters.", f"Keep it below {MAX_LENGTH}.", 0)
        )
    if not source.isprintable() and re.search(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]", source):
        raise TextFaults(TextFault("syntax_error", "The text contains a control character.", "Remove it.", 0))
    try:
        return decode(_PARSER.compile(source, disable_check=True).serialize())
    except RuntimeError as error:
        if "recursion" in str(error):
            raise TextFaults(_TOO_DEEP) from error
        raise TextFaults(*(common_mistakes(source) or _read_errors(str(error), source))) from error
    except (DecodeError, RecursionError) as error:
        raise TextFaults(_TOO_DEEP) from error


class Checker:
    """Type-checks texts against named variables and the fields of pool rows."""

    def __init__(self, rows: Mapping[str, Mapping[str, Kind]], functions: Iterable[FunctionType]) -> None:
        """Prepare the fields of each pool's rows (pool -> field -> kind), and the ``functions`` beside CEL's own."""
        self._descriptors = _describe_rows(rows)
        self._functions = [_declaration(function) for function in functions]
        self._environments: dict[int, Any] = {}

    def environment(self, variables: Mapping[str, Kind]) -> Callable[[str, Node], None]:
        """Return a function that checks a text and its tree against ``variables``; it raises ``TextFaults``."""
        environment = cel.NewEnv(
            self._descriptors,
            config=cel.NewEnvConfigFromYaml("stdlib:\n  exclude_functions:\n  - name: size\n"),
            variables={name: _cel_type(kind) for name, kind in variables.items()},
            functions=self._functions,
        )
        return lambda source, tree: _check(environment, source, tree)


def pattern_matcher(pattern: str) -> Callable[[str], bool]:
    """Return a function that tests whether a text contains a match of ``pattern``, run by RE2 in linear time.

    Raises ``ValueError`` for an invalid pattern.
    """
    expression = _MATCHER.compile(f"subject.matches({unparse(Literal(value=pattern, kind='string_value', offset=0))})")

    def matches(subject: str) -> bool:
        return expression.eval(data={"subject": subject}).plain_value() is True

    try:
        is_wrong = not isinstance(expression.eval(data={"subject": ""}).plain_value(), bool)
    except RuntimeError as error:
        raise ValueError(pattern) from error
    if is_wrong:
        raise ValueError(pattern)
    return matches


def _check(environment: Any, source: str, tree: Node) -> None:
    rewritten, shifts = _with_doubles(source, tree)
    try:
        environment.compile(rewritten)
    except RuntimeError as error:
        faults = _read_errors(str(error), rewritten)
        raise TextFaults(*(_shift_back(fault, shifts) for fault in faults)) from error


def _with_doubles(source: str, tree: Node) -> tuple[str, list[tuple[int, int]]]:
    """Return ``source`` with whole numbers as doubles, and for each its end in the result and the characters it
    gained.
    """
    pieces, shifts, done = [], [], 0
    for offset in sorted({literal.offset for literal in _whole_numbers(tree)}):
        match = _WHOLE_NUMBER.match(source, offset)
        if match is None:
            continue
        digits = "".join(match.group().split())
        number = f"{int(digits, 0)}.0" if "x" in digits.lower() else f"{digits}.0"
        pieces += [source[done:offset], number]
        done = match.end()
        shifts.append((sum(map(len, pieces)), len(number) - len(match.group())))
    return "".join([*pieces, source[done:]]), shifts


def _shift_back(fault: TextFault, shifts: list[tuple[int, int]]) -> TextFault:
    grown = sum(growth for end, growth in shifts if end <= fault.offset)
    return TextFault(fault.code, fault.text, fault.remedy, max(fault.offset - grown, 0))


def _whole_numbers(node: Node) -> Iterator[Literal]:
    if isinstance(node, Literal):
        if node.kind == "int64_value":
            yield node
        return
    for child in children(node):
        yield from _whole_numbers(child)


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly below ``node``, in the order of the text."""
    match node:
        case Field():
            return (node.operand,)
        case Call():
            return node.args
        case ListOf():
            return node.items
        case Macro():
            return (node.source, *((node.condition,) if node.condition else ()), node.body)
        case _:
            return ()


def _read_errors(text: str, source: str) -> list[TextFault]:
    starts = [0]
    for line in source.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    faults = []
    for line, column, what in _ERROR.findall(text)[:_MOST_ERRORS]:
        start = starts[int(line) - 1] if 0 < int(line) < len(starts) else 0
        faults.append(_translate(what.strip(), min(start + max(int(column) - 1, 0), len(source))))
    return faults or [TextFault("syntax_error", "This is not a CEL expression.", "See the rule language.", 0)]


def _translate(what: str, offset: int) -> TextFault:
    overload = re.match(r"found no matching overload for '(.+?)' applied to '(.*)'", what)
    if overload:
        return _mismatch(overload[1], overload[2], offset)
    if what.startswith("Syntax error"):
        short = what.removeprefix("Syntax error: ").split(" expecting")[0]
        return TextFault(
            "syntax_error", f"This is not a CEL expression: {short}.", "Correct the text at this place.", offset
        )
    return TextFault("type_error", _in_our_words(what)[:200].rstrip(".") + ".", "See the rule language.", offset)


def _mismatch(function: str, arguments: str, offset: int) -> TextFault:
    """Return the fault of an operator or function (``_==_``) with arguments of other kinds: ``(double, string)``."""
    sign = function.replace("_", "").replace("@", "") or function
    kinds = _in_our_words(arguments).removeprefix("(").removesuffix(")")
    words = " and ".join(kinds.split(", ")) if sign in _SIGNS else kinds
    text = f"{sign!r} does not take {words}." if sign in _SIGNS else f"{sign}() does not take {words}."
    remedy = "Use values of one kind on both sides."
    if sign in _SIGNS and "days" in kinds:
        remedy = "Write days(a, b), which is a number."
    elif sign in _SIGNS and "date" in kinds:
        remedy = 'A fixed date is date("2026-01-31"); days(a, b) is the number of days between two dates.'
    elif {"number", "text"} == set(kinds.split(", ")):
        remedy = "Compare numbers without quotes, texts and choices in quotes."
    elif sign not in _SIGNS:
        remedy = "See the functions of the rule language."
    return TextFault("type_error", text, remedy, offset)


#: The operators whose faults read "a and b".
_SIGNS: Final = frozenset(("==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "in", "&&", "||", "!", "?:"))
_OUR_WORDS: Final = (
    (re.compile(r"google\.protobuf\.Timestamp|[Tt]imestamp"), "date"),
    (re.compile(r"google\.protobuf\.Duration|[Dd]uration"), "days"),
    (re.compile(r"\b(?:double|u?int)\b"), "number"),
    (re.compile(r"\bstring\b"), "text"),
    (re.compile(r"\bbool\b"), "true or false"),
    (re.compile(r"\bdyn\b"), "value"),
    (re.compile(r"\bnull(?:_type)?\b"), "nothing"),
    (re.compile(rf"\b{_ROWS}\.(\w+)"), r"row of \1"),
    (re.compile(r"list\(([^()]*)\)"), r"list of \1"),
    (re.compile(r"list of row of"), "rows of"),
)


def _in_our_words(text: str) -> str:
    """Return CEL's names of types as the documentation's: date, days, number, text, true or false."""
    for pattern, word in _OUR_WORDS:
        text = pattern.sub(word, text)
    return text


def _cel_type(kind: Kind) -> Any:
    match kind.name:
        case "list":
            return cel.Type.List(_cel_type(kind.of or ANY))
        case "row":
            return cel.Type(f"{_ROWS}.{kind.pool}")
        case _:
            return _CEL_TYPES[kind.name]


def _describe_rows(rows: Mapping[str, Mapping[str, Kind]]) -> descriptor_pool.DescriptorPool:
    """Return descriptors with one message type per pool, which give the checker the fields of a row."""
    pool = descriptor_pool.DescriptorPool()
    timestamp = descriptor_pb2.FileDescriptorProto()
    timestamp_pb2.DESCRIPTOR.CopyToProto(timestamp)
    pool.Add(timestamp)
    file = descriptor_pb2.FileDescriptorProto(
        name="rows.proto", package=_ROWS, syntax="proto3", dependency=[timestamp.name]
    )
    shapes = descriptor_pb2.FieldDescriptorProto
    plain = {TEXT: shapes.TYPE_STRING, NUMBER: shapes.TYPE_DOUBLE, TRUTH: shapes.TYPE_BOOL, DATE: shapes.TYPE_MESSAGE}
    for name, fields in rows.items():
        row = file.message_type.add(name=name)
        for number, (code, kind) in enumerate(fields.items(), start=1):
            element = kind.of if kind.of is not None else kind
            repeated = shapes.LABEL_REPEATED if kind.of is not None else shapes.LABEL_OPTIONAL
            # Field numbers 19000-19999 are reserved by protobuf.
            number = number if number < 19000 else number + 1000
            field = row.field.add(
                name=code,
                json_name=f"f{number}",
                number=number,
                label=repeated,
                type=plain.get(element, shapes.TYPE_MESSAGE),
            )
            if element == DATE:
                field.type_name = ".google.protobuf.Timestamp"
            elif element.name == "row":
                field.type_name = f".{_ROWS}.{element.pool}"
    pool.Add(file)
    return pool


def _declaration(function: FunctionType) -> Any:
    """Return the declaration of ``function`` in CEL: each overload as a call, as a method, or as both."""
    result = _cel_type(function.result)
    forms = (False, True) if function.is_method is None else (function.is_method,)
    overloads = [
        cel.Overload(
            f"{function.name}_{number}{'_method' if is_method else ''}",
            result,
            [_cel_type(kind) for kind in kinds],
            is_member=is_method,
        )
        for number, kinds in enumerate(function.overloads)
        for is_method in forms
    ]
    return cel.FunctionDecl(function.name, overloads)


_T: Final = cel.Type
_CEL_TYPES: Final = {"number": _T.DOUBLE, "text": _T.STRING, "truth": _T.BOOL, "date": _T.TIMESTAMP, "any": _T.DYN}
_PARSER: Final = cel.NewEnv(config=cel.NewEnvConfigFromYaml("stdlib:\n  disable_macros: true\n"))
_MATCHER: Final = cel.NewEnv(variables={"subject": _T.STRING})
_TOO_DEEP: Final = TextFault(
    "too_deep", "The text is nested too deeply, or is a chain of too many terms.", "Split it with derived values.", 0
)
