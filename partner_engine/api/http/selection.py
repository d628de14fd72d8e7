"""``?fields=``: the fields of a response that a reader wants, by name or path (``id,copy.version``). Pure.

In a list the names are those of its entries. In an object by codes (answers, products) every code is a name.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Final, TypeAlias, Union, get_args, get_origin

import msgspec
from msgspec import Meta

from partner_engine.problems import Fault, Refused
from presentation.shape_faults import core_type, fields_of
from rules.nearest import nearest

#: The parameter, which the queries of all reads have besides their own.
PARAMETER: Final = "fields"
Fields = Annotated[
    str,
    Meta(
        max_length=1_000,
        description="The fields to return, separated by commas, with dots for fields within (`id,copy.version`): in a "
        "list those of its entries. By default all.",
    ),
]
#: The fields of lists.
_PAGES: Final = tuple(map(frozenset, (("results",), ("results", "next"), ("results", "next", "cursor"))))
#: Names to return, each with the names within it, or None for all of it.
Selection: TypeAlias = dict[str, "Selection | None"]


def read_selection(text: str, shapes: tuple[type[msgspec.Struct], ...]) -> Selection | None:
    """Return the selection that ``text`` describes of a response that is one of ``shapes``, None for all of it.

    Raises ``Refused`` (400) with all unknown fields.
    """
    types = [_entry_type(shape) for shape in shapes]
    selection: Selection = {}
    faults: list[Fault] = []
    for path in filter(None, (part.strip() for part in text.split(","))):
        names = path.split(".")
        fault = _fault_of(path, names, types)
        if fault is None:
            _add(selection, names)
        else:
            faults.append(fault)
    if faults:
        raise Refused(400, "invalid_query", faults[0].detail, faults=faults)
    return selection or None


def select(value: Any, selection: Selection) -> Any:
    """Return the parts of ``value`` (as JSON has it) that ``selection`` names; of a page, the parts of its entries."""
    if isinstance(value, dict) and value.keys() in _PAGES:
        return {**value, "results": [_select(entry, selection) for entry in value["results"]]}
    return _select(value, selection)


def _select(value: Any, selection: Selection | None) -> Any:
    if selection is None:
        return value
    if isinstance(value, list):
        return [_select(entry, selection) for entry in value]
    if not isinstance(value, dict):
        return value
    return {name: _select(value[name], below) for name, below in selection.items() if name in value}


def _add(selection: Selection, names: list[str]) -> None:
    """Add the path ``names``; all of a field includes each field within it."""
    first, *others = names
    below = selection.setdefault(first, {} if others else None)
    if not others:
        selection[first] = None
    elif below is not None:
        _add(below, others)


def _fault_of(path: str, names: list[str], types: list[Any]) -> Fault | None:
    """Return the fault of a path that no response of ``types`` has."""
    for name in names:
        types, known = _of_name(types, name)
        if not types:
            return _unknown(path, name, known)
    return None


def _entry_type(shape: type[msgspec.Struct]) -> Any:
    fields = fields_of(shape)
    if fields.keys() in _PAGES:
        return get_args(core_type(fields["results"].type))[0]
    return shape


def _of_name(types: list[Any], name: str) -> tuple[list[Any], list[str]]:
    """Return the types of the field ``name`` of any of ``types``, and the names that there are."""
    found: list[Any] = []
    known: dict[str, None] = {}
    for type_ in types:
        for part in _containers(type_):
            if isinstance(part, type) and issubclass(part, msgspec.Struct):
                known.update(dict.fromkeys(fields_of(part)))
                if name in fields_of(part):
                    found.append(fields_of(part)[name].type)
            elif name:
                found.append(get_args(part)[1])
    return found, list(known)


def _containers(type_: Any) -> Iterator[Any]:
    """Yield the structs and mappings that a value of a type may be, or that its entries may be."""
    core = core_type(type_)
    origin = get_origin(core)
    if origin in (Union, UnionType):
        for option in get_args(core):
            yield from _containers(option)
    elif origin in (list, tuple):
        yield from _containers(get_args(core)[0])
    elif origin is dict or (isinstance(core, type) and issubclass(core, msgspec.Struct)):
        yield core


def _unknown(path: str, name: str, known: list[str]) -> Fault:
    shown = path if len(path) <= 80 else path[:80] + "..."
    detail = f"There is no field {shown!r} in this response."
    return Fault(
        path=PARAMETER,
        code="unknown_field",
        detail=detail,
        did_you_mean=(nearest(name, known) if known else "") or msgspec.UNSET,
        allowed=known,
    )
