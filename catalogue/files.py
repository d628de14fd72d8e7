"""The catalogue file: reads it into a definition, and reports every fault with line and column. Pure.

The layout is that of the structs of ``rules.definition.catalogue`` in YAML, see ``docs/catalogue.md``.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from catalogue.case_files import GOLDEN_CASES, FileCase, check_cases, read_cases
from catalogue.fault_places import FilePlaces
from catalogue.file_shape import read_shape, to_definition
from catalogue.file_writer import write_catalogue
from catalogue.packages.contents import with_packages
from catalogue.packages.files import PackageFile, read_package_file, without_keys
from catalogue.strict_check import check_catalogue
from catalogue.yaml_nodes import Mapping, Node, Scalar, Sequence, UnreadableFile, read_nodes
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.faults import CatalogueErrors, CatalogueFault
from rules.definition.model import CompiledCatalogue

__all__ = ["CatalogueFile", "read_catalogue", "read_file", "write_catalogue"]

#: The key that lists the packages of carriers.
_PACKAGES: Final = "packages"


class CatalogueFile(NamedTuple):
    """The contents of a catalogue's file, with the warnings of its check in order."""

    definition: CatalogueDefinition
    warnings: list[CatalogueFault]
    cases: tuple[FileCase, ...]


def read_catalogue(source: Path | str) -> CatalogueDefinition:
    """Return the catalogue in ``source`` as ``read_file`` does, without its warnings and golden cases."""
    return read_file(source).definition


def read_file(source: Path | str) -> CatalogueFile:
    """Return the catalogue in ``source``, a file's path or its text, after checking it.

    A file may name the ``packages`` of carriers beside it, which are parts of the catalogue, and may have
    ``golden_cases``, which are not. Whether they are decided as expected is checked at the publish.
    Raises ``CatalogueErrors`` with every fault in order; ``line`` and ``column`` are those of the file. Raises
    ``OSError`` if the file cannot be read.
    """
    try:
        text = source.read_text(encoding="utf-8-sig") if isinstance(source, Path) else source.removeprefix("\ufeff")
        root = read_nodes(text)
    except UnreadableFile as error:
        fault = CatalogueFault(error.code, "", str(error), error.remedy, error.mark.line, error.mark.column)
        raise CatalogueErrors([fault]) from error
    except UnicodeDecodeError as error:
        fault = CatalogueFault("bad_yaml", "", "The file is not UTF-8.", "Save it as UTF-8.", 1, 1)
        raise CatalogueErrors([fault]) from error
    whole = root
    root, packages = _with_packages(root, source.parent if isinstance(source, Path) else None)
    data, faults = read_shape(without_keys(root, (GOLDEN_CASES,)))
    cases: tuple[FileCase, ...] = ()
    try:
        cases = read_cases(text, whole)
    except CatalogueErrors as error:
        faults += error.faults
    if data is not None:
        definition = with_packages(to_definition(data), [file.package for file in packages.values()])
        reported = {(fault.code, fault.line, fault.column) for fault in faults}
        roots = {"": root, **{name: file.root for name, file in packages.items()}}
        found, warnings, compiled = _findings(definition, roots)
        faults += [fault for fault in found if fault.file or (fault.code, fault.line, fault.column) not in reported]
        if compiled is not None and cases:
            faults += check_cases(compiled, cases, whole)
        if not faults:
            return CatalogueFile(definition, warnings, cases)
    raise CatalogueErrors(_in_order(faults))


def _with_packages(root: Node, folder: Path | None) -> tuple[Node, dict[str, PackageFile]]:
    """Return ``root`` without its list of packages, and the packages by their names. Raises ``CatalogueErrors``."""
    listed = root.values.get(_PACKAGES) if isinstance(root, Mapping) else None
    if listed is None or not isinstance(root, Mapping):
        return root, {}
    mark = listed.mark
    names = [item.text for item in listed.items if isinstance(item, Scalar)] if isinstance(listed, Sequence) else []
    if folder is None or not names or any(Path(name).is_absolute() or ".." in Path(name).parts for name in names):
        text, remedy = "The packages of carriers are files beside the catalogue's own.", "List them: [carriers/A.yaml]."
        raise CatalogueErrors([CatalogueFault("bad_packages", _PACKAGES, text, remedy, mark.line, mark.column)])
    packages = {}
    for name in names:
        try:
            packages[name] = read_package_file(folder / name, name=name)
        except OSError as error:
            text, remedy = f"Cannot read {name}: {error.strerror}.", "Name a file beside the catalogue's own."
            fault = CatalogueFault("bad_packages", _PACKAGES, text, remedy, mark.line, mark.column)
            raise CatalogueErrors([fault]) from error
    return without_keys(root, (_PACKAGES,)), packages


def _in_order(faults: Iterable[CatalogueFault]) -> list[CatalogueFault]:
    return sorted(faults, key=lambda fault: (fault.file, fault.line or 0, fault.column or 0, fault.code, fault.where))


def _findings(
    definition: CatalogueDefinition, roots: dict[str, Node]
) -> tuple[list[CatalogueFault], list[CatalogueFault], CompiledCatalogue | None]:
    """Return the faults of ``definition`` and its warnings, each with its place in one of the files, and it compiled;
    None with faults.
    """
    places = {name: FilePlaces(root) for name, root in roots.items()}
    try:
        checked = check_catalogue(definition)
    except CatalogueErrors as error:
        return [_placed(fault, places) for fault in error.faults], [], None
    return [], _in_order(_placed(warning, places) for warning in checked.warnings), checked.compiled


def _placed(fault: CatalogueFault, places: dict[str, FilePlaces]) -> CatalogueFault:
    """Return ``fault`` with its place in the file that has most of its part; of several, in the last one for a
    duplicate.
    """
    is_last = fault.code.startswith("duplicate")
    depths = {name: found.depth(fault.where, last=is_last) for name, found in places.items()}
    deepest = [name for name, depth in depths.items() if depth == max(depths.values())]
    name = deepest[-1 if is_last else 0]
    return msgspec.structs.replace(places[name].placed(fault), file=name)
