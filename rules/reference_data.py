"""Reference data of the rules, from files of the program: the industry codes of NAICS 2022, and those of NAICS 2017
that are no longer valid. Pure.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

_NAICS: Final = Path(__file__).parent / "data" / "naics_2022.csv"
#: The codes of NAICS 2017 that NAICS 2022 no longer has, with their titles and their successors.
_OLD_NAICS: Final = Path(__file__).parent / "data" / "naics_2017.csv"
#: The names and codes of the states, the District of Columbia and the territories (USPS, Publication 28).
_STATES: Final = """
Alabama AL, Alaska AK, Arizona AZ, Arkansas AR, California CA, Colorado CO, Connecticut CT, Delaware DE
District of Columbia DC, Florida FL, Georgia GA, Hawaii HI, Idaho ID, Illinois IL, Indiana IN, Iowa IA
Kansas KS, Kentucky KY, Louisiana LA, Maine ME, Maryland MD, Massachusetts MA, Michigan MI, Minnesota MN
Mississippi MS, Missouri MO, Montana MT, Nebraska NE, Nevada NV, New Hampshire NH, New Jersey NJ, New Mexico NM
New York NY, North Carolina NC, North Dakota ND, Ohio OH, Oklahoma OK, Oregon OR, Pennsylvania PA
Rhode Island RI, South Carolina SC, South Dakota SD, Tennessee TN, Texas TX, Utah UT, Vermont VT, Virginia VA
Washington WA, West Virginia WV, Wisconsin WI, Wyoming WY, American Samoa AS, Guam GU
Northern Mariana Islands MP, Puerto Rico PR, Virgin Islands VI
"""


class OldIndustry(NamedTuple):
    """An industry of NAICS 2017 that was divided, merged or renumbered; ``successors`` are codes of NAICS 2022."""

    title: str
    successors: tuple[str, ...]


@cache
def industries() -> Mapping[str, str]:
    """Return the NAICS 2022 codes of two to six digits with their titles."""
    with _NAICS.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        return MappingProxyType({row[0]: row[1] for row in rows if row})


def is_industry(code: str) -> bool:
    """Return whether ``code`` is a six-digit NAICS code."""
    return len(code) == 6 and code in industries()


@cache
def old_industries() -> Mapping[str, OldIndustry]:
    """Return the six-digit codes of NAICS 2017 that NAICS 2022 no longer has."""
    with _OLD_NAICS.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        return MappingProxyType(
            {row["code"]: OldIndustry(row["title"], tuple(row["successors"].split())) for row in rows}
        )


@cache
def state_names() -> Mapping[str, str]:
    """Return the names of the states and territories in small letters, with their codes."""
    entries = (entry.rsplit(" ", 1) for entry in re.split(r"[,\n]\s*", _STATES.strip()))
    return MappingProxyType({name.lower(): code for name, code in entries})
