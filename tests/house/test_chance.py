"""No test fails by chance: a few digits are found by accident in ids, moments and hashes."""

import re
from pathlib import Path

from tests.harness.certain_text import certain

TESTS = Path(__file__).resolve().parents[1]
#: A look for two to six digits in something other than what ``certain`` leaves.
_BY_CHANCE = re.compile(r"""assert b?["']\d{2,6}["'] not in (?!certain\()(?!operation\["responses"\])""")


def test_short_numbers_are_looked_for_in_certain_texts() -> None:
    found = [
        f"{path.name}:{number}"
        for path in sorted(TESTS.rglob("test_*.py"))
        if " not in " in (text := path.read_text(encoding="utf-8"))
        for number, line in enumerate(text.splitlines(), 1)
        if _BY_CHANCE.search(line)
    ]

    assert found == []


def test_what_chance_makes_is_left_out() -> None:
    made = ("0193c1a2-7f00-7000-8000-000000005120", "2026-11-29T20:16:01.990512Z", "2026-11-29 20:16:01.005120+00:00")
    made += ("datetime.datetime(2026, 11, 29, 20, 16, 1, 990512)", "5120" * 16, "0.05120", "a-5120_" * 8)

    assert "512" not in certain(*made)
    assert certain({"phone": "512-555-0101"}, b"512", "$5,120.00") == "{'phone': '512-555-0101'}\n512\n$5,120.00"
