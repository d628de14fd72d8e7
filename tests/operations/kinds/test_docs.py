"""The table of docs/operations.md lists the kinds as they are."""

from __future__ import annotations

import re

import msgspec

from house.place import CHECKOUT
from operations.kinds.registry import KINDS


def test_the_table_lists_every_kind_with_its_fields_and_its_right() -> None:
    page = (CHECKOUT / "docs" / "operations.md").read_text(encoding="utf-8")
    section = page.split("\n## Kinds\n", 1)[1]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:3] == "| `"]

    found = {
        row[0].strip("`"): (row[1], *(set(re.findall(r"`(\w+)`", cell)) for cell in row[2:4]), *row[4:]) for row in rows
    }

    assert found == {
        code: (
            kind.title,
            {field.name for field in msgspec.structs.fields(kind.item_type)},
            {field.name for field in msgspec.structs.fields(kind.arguments_type)},
            f"`{kind.right}`",
            "yes" if kind.can_undo else "no",
        )
        for code, kind in KINDS.items()
    }
