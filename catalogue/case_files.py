"""The golden cases in a catalogue's file: reads and writes them, and checks what a case may hold. Pure.

They are entries beside the definition, not parts of it: a release has none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
import yaml

from catalogue.golden_answers import CaseAnswers, document_of, read_answers, refused_codes
from catalogue.packages.contents import GoldenCase
from catalogue.packages.writing import plain_lines
from catalogue.yaml_nodes import SAFE_LOADER, Mark, Node, Scalar
from catalogue.yaml_nodes import Mapping as MappingNode
from catalogue.yaml_nodes import Sequence as SequenceNode
from rules.definition.faults import CatalogueErrors, CatalogueFault
from rules.definition.model import CompiledCatalogue

#: The key of a catalogue file that lists its golden cases.
GOLDEN_CASES: Final = "golden_cases"
_MOST_CASES: Final = 2_000
_MOST_NAME: Final = 200
_MOST_NOTE: Final = 2_000


class FileCase(GoldenCase, frozen=True, kw_only=True):
    """A golden case as a catalogue file has it: the codes are those of the file."""

    note: str = ""
    excluded: tuple[str, ...] = ()

    @property
    def case_answers(self) -> CaseAnswers:
        """Return the answers. Raises ``msgspec.ValidationError``."""
        return read_answers(self.answers, self.answer_pools, self.excluded)


def read_cases(text: str, root: Node) -> tuple[FileCase, ...]:
    """Return the golden cases of the catalogue file ``text``, whose tree is ``root``.

    Raises ``CatalogueErrors`` with one fault for each unreadable case, at its place.
    """
    listed = root.values.get(GOLDEN_CASES) if isinstance(root, MappingNode) else None
    if listed is None:
        return ()
    if not isinstance(listed, SequenceNode):
        raise CatalogueErrors([_fault("", "Golden cases are a list.", listed.mark)])
    if len(listed.items) > _MOST_CASES:
        # Before any of them is read: a file of many would keep a process busy.
        text = f"There are {len(listed.items):,} golden cases; at most {_MOST_CASES:,} are allowed."
        raise CatalogueErrors([_fault("", text, listed.mark, remedy="Keep those that decide something else.")])
    # Plain YAML reads unquoted days as dates; answers have them as text.
    plain: list[Any] = msgspec.to_builtins(yaml.load(text, Loader=SAFE_LOADER)[GOLDEN_CASES])  # noqa: S506 - a safe one
    names: set[str] = set()
    cases: list[FileCase] = []
    faults: list[CatalogueFault] = []
    for number, (node, data) in enumerate(zip(listed.items, plain, strict=True)):
        try:
            case = _read_case(data)
        except msgspec.ValidationError as error:
            faults.append(_fault(_named(node) or str(number), f"{error}.", node.mark))
            continue
        if case.name in names:
            faults.append(_fault(case.name, "Two golden cases have this name.", node.mark))
        names.add(case.name)
        cases.append(case)
    if faults:
        raise CatalogueErrors(faults)
    return tuple(cases)


def check_cases(compiled: CompiledCatalogue, cases: Iterable[FileCase], root: Node) -> list[CatalogueFault]:
    """Return a fault for each case with answers that a case may not hold under ``compiled``, or that are unknown."""
    listed = root.values[GOLDEN_CASES] if isinstance(root, MappingNode) and GOLDEN_CASES in root.values else None
    nodes: Sequence[Node] = listed.items if isinstance(listed, SequenceNode) else ()
    faults = []
    for case, node in zip(cases, nodes, strict=True):
        refused = refused_codes(compiled, document_of(case.case_answers))
        if refused:
            text = f"A case holds no personal answers, free texts and unknown questions: {', '.join(refused)}."
            faults.append(_fault(case.name, text, node.mark, remedy="Remove them from the case."))
    return faults


def write_cases(cases: Iterable[FileCase]) -> str:
    """Return the lines of a catalogue file with ``cases``, "" without any."""
    return plain_lines(GOLDEN_CASES, [msgspec.to_builtins(case) for case in cases])


def _read_case(data: Any) -> FileCase:
    """Return plain data as a case. Raises ``msgspec.ValidationError``."""
    try:
        content = json.dumps(data, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError) as error:
        raise msgspec.ValidationError("A case holds texts, finite numbers, yes or no, and lists of these") from error
    if b"\\u0000" in content:
        raise msgspec.ValidationError("A text contains a control character")
    case = msgspec.convert(data, FileCase)
    name = " ".join(case.name.split())
    if not name or len(name) > _MOST_NAME or len(case.note) > _MOST_NOTE:
        raise msgspec.ValidationError(f"A name has 1 to {_MOST_NAME} characters, a note at most {_MOST_NOTE:,}")
    _ = case.case_answers
    return msgspec.structs.replace(case, name=name)


def _named(node: Node) -> str:
    name = node.values.get("name") if isinstance(node, MappingNode) else None
    return name.text if isinstance(name, Scalar) else ""


def _fault(name: str, text: str, mark: Mark, *, remedy: str = "Compare it with an exported file.") -> CatalogueFault:
    where = f"{GOLDEN_CASES}[{name}]" if name else GOLDEN_CASES
    return CatalogueFault("bad_golden_case", where, text, remedy, mark.line, mark.column)
