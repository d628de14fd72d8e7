"""Writes a carrier package as the text of its file. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import yaml

from catalogue.file_writer import write_parts
from catalogue.packages.contents import CarrierPackage, PackageHead
from rules.definition.catalogue import Carrier, Product, QuestionSet, SurplusRule

#: Leaves on one line, everything else as a block.
_LAYOUT: Final[dict[str, Any]] = {"default_flow_style": None}
#: The signature at the end of a file.
_SIGNATURE: Final = re.compile(r"^signature:.*\Z", re.MULTILINE | re.DOTALL)


class _Parts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The parts of a package that are written as in a catalogue file."""

    package: PackageHead
    carriers: tuple[Carrier, ...]
    question_sets: tuple[QuestionSet, ...] = ()
    products: tuple[Product, ...] = ()
    surplus: tuple[SurplusRule, ...] = ()


def write_package(package: CarrierPackage, signature: dict[str, str] | None = None) -> str:
    """Return the text of the file that ``read_package_file`` reads as ``package``."""
    parts = _Parts(
        package=package.package,
        carriers=package.carriers,
        question_sets=package.question_sets,
        products=package.products,
        surplus=package.surplus,
    )
    text = write_parts(parts)
    text += plain_lines("golden", msgspec.to_builtins(package.golden)) + plain_lines("simulator", package.simulator)
    return signed_text(text, signature) if signature else text


def signed_text(text: str, signature: Mapping[str, str]) -> str:
    """Return ``text``, a package's file, with ``signature`` in place of an earlier one."""
    return _SIGNATURE.sub("", text) + plain_lines("signature", dict(signature))


def plain_lines(key: str, value: Any) -> str:
    """Return the lines of one key with plain data, "" without any."""
    if not value:
        return ""
    return str(yaml.safe_dump({key: value}, sort_keys=False, allow_unicode=True, width=120, **_LAYOUT))
