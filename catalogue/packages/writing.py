"""Writes a carrier package as the text of its file. Pure."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import yaml

from catalogue.file_writer import write_parts
from catalogue.packages.contents import CarrierPackage, PackageHead
from rules.definition.catalogue import Carrier, Product, QuestionSet

#: Leaves on one line, everything else as a block.
_LAYOUT: Final[dict[str, Any]] = {"default_flow_style": None}


class _Parts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The parts of a package that are written as in a catalogue file."""

    package: PackageHead
    carriers: tuple[Carrier, ...]
    question_sets: tuple[QuestionSet, ...] = ()
    products: tuple[Product, ...] = ()


def write_package(package: CarrierPackage, signature: dict[str, str] | None = None) -> str:
    """Return the text of the file that ``read_package_file`` reads as ``package``."""
    parts = _Parts(
        package=package.package,
        carriers=package.carriers,
        question_sets=package.question_sets,
        products=package.products,
    )
    text = write_parts(parts)
    free: dict[str, Any] = {
        "golden": msgspec.to_builtins(package.golden),
        "simulator": package.simulator,
        "signature": signature,
    }
    for key, value in free.items():
        if value:
            text += yaml.safe_dump(
                {key: value}, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None
            )
    return text
