"""Reads a carrier package from its file, with the line and column of every fault. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import yaml

from catalogue.file_shape import read_shape
from catalogue.packages.contents import CarrierPackage
from catalogue.yaml_nodes import SAFE_LOADER, Mapping, Mark, Node, UnreadableFile, read_nodes
from rules.definition.faults import CatalogueErrors, CatalogueFault

#: Parts whose values have any shape; they are read as plain YAML.
_FREE: Final = ("golden", "simulator", "signature")
_START: Final = Mark(1, 1)


class PackageFile(NamedTuple):
    """A package with its signature, None where it is unsigned, and the tree of its file."""

    package: CarrierPackage
    signature: dict[str, str] | None
    root: Node


def read_package_file(source: Path | str, *, name: str = "") -> PackageFile:
    """Return the package in ``source``, a file's path or its text; ``name`` is the file's name in faults.

    Raises ``CatalogueErrors`` with every fault, ``OSError`` if the file cannot be read.
    """
    try:
        text = source.read_text(encoding="utf-8-sig") if isinstance(source, Path) else source.removeprefix("\ufeff")
        root = read_nodes(text)
    except UnreadableFile as error:
        raise _errors(name, _fault(error.code, str(error), error.remedy, error.mark)) from error
    except UnicodeDecodeError as error:
        raise _errors(name, _fault("bad_yaml", "The file is not UTF-8.", "Save it as UTF-8.", _START)) from error
    free: dict[str, Any] = yaml.load(text, Loader=SAFE_LOADER) if isinstance(root, Mapping) else {}  # noqa: S506 - a safe one
    structured = without_keys(root, _FREE)
    data, faults = read_shape(structured, CarrierPackage)
    if data is None or faults:
        raise _errors(name, *faults)
    data |= {key: free[key] for key in ("golden", "simulator") if free.get(key)}
    try:
        package = msgspec.convert(data, CarrierPackage)
        signature = msgspec.convert(free.get("signature"), dict[str, str] | None)
    except msgspec.ValidationError as error:
        shown = _fault("wrong_shape", f"{error}.", "Compare it with an exported package.", _START)
        raise _errors(name, shown) from error
    own = list(_own_faults(package, structured))
    if own:
        raise _errors(name, *own)
    return PackageFile(package, signature, structured)


def _own_faults(package: CarrierPackage, root: Node) -> Iterator[CatalogueFault]:
    """Yield the faults of parts that are not the carrier's own."""
    code, mark = package.package.carrier, root.mark
    if [carrier.code for carrier in package.carriers] != [code]:
        yield _fault("wrong_carrier", f"A package has exactly the carrier {code!r}.", "Remove any other.", mark)
    for product in package.products:
        if product.carrier != code:
            text = f"The product {product.code!r} is of the carrier {product.carrier!r}."
            yield _fault("wrong_carrier", text, f"A package has only products of {code!r}.", mark)
    own = {product.code for product in package.products}
    for question_set in package.question_sets:
        for question in question_set.questions:
            if not question.products or not own.issuperset(question.products):
                text = f"The question {question.code!r} is not asked for products of {code!r} alone."
                yield _fault("foreign_question", text, "Name the products that ask it, or leave it out.", mark)


def without_keys(root: Node, keys: tuple[str, ...]) -> Node:
    """Return ``root`` without the entries at ``keys``."""
    if not isinstance(root, Mapping):
        return root
    kept = [key for key in root.values if key not in keys]
    return Mapping(root.mark, {key: root.keys[key] for key in kept}, {key: root.values[key] for key in kept})


def _errors(name: str, *faults: CatalogueFault) -> CatalogueErrors:
    return CatalogueErrors([msgspec.structs.replace(fault, file=name) for fault in faults])


def _fault(code: str, text: str, remedy: str, mark: Mark) -> CatalogueFault:
    return CatalogueFault(code, "", text, remedy, mark.line, mark.column)
