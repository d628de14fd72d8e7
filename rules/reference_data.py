"""Reference data of the rules, from files of the program: NAICS 2022 industry codes, and the states of ZIP codes.
Pure.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

_NAICS: Final = Path(__file__).parent / "data" / "naics_2022.csv"
#: Runs of three-digit ZIP prefixes, first and last of each, by state (USPS, three-digit ZIP code prefix groups).
_RUNS: Final = """
AL 350-352 354-369|AK 995-999|AZ 850-853 855-857 859-860 863-865|AR 716-729|CA 900-908 910-928 930-961|CO 800-816
CT 060-069|DE 197-199|DC 200 202-205 569|FL 320-339 341-342 344 346-347 349|GA 300-319 398-399|HI 967-968|ID 832-838
IL 600-620 622-629|IN 460-479|IA 500-516 520-528|KS 660-662 664-679|KY 400-418 420-427|LA 700-701 703-708 710-714
ME 039-049|MD 206-212 214-219|MA 010-027 055|MI 480-499|MN 550-551 553-567|MS 386-397|MO 630-631 633-641 644-658
MT 590-599|NE 680-681 683-693|NV 889-891 893-895 897-898|NH 030-038|NJ 070-089|NM 870-875 877-884|NY 005 100-149
NC 270-289|ND 580-588|OH 430-459|OK 730-731 734-741 743-749|OR 970-979|PA 150-196|RI 028-029|SC 290-299|SD 570-577
TN 370-385|TX 733 750-770 772-799 885|UT 840-847|VT 050-054 056-059|VA 201 220-246|WA 980-986 988-994|WV 247-268
WI 530-532 534-535 537-549|WY 820-831|PR 006-007 009|VI 008|GU 969
"""
#: ZIP codes outside the state of their first three digits.
_EXCEPTIONS: Final = {"06390": "NY", "83414": "WY"}


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


def states_of_zip(code: str) -> frozenset[str]:
    """Return the states that a ZIP code can be in; empty if there is no such ZIP code."""
    if code in _EXCEPTIONS:
        return frozenset((_EXCEPTIONS[code],))
    return _states_by_prefix().get(code[:3], frozenset())


@cache
def _states_by_prefix() -> Mapping[str, frozenset[str]]:
    states: dict[str, frozenset[str]] = {}
    for entry in _RUNS.replace("\n", "|").strip("|").split("|"):
        state, *runs = entry.split()
        for run in runs:
            first, _, last = run.partition("-")
            for prefix in range(int(first), int(last or first) + 1):
                states[f"{prefix:03}"] = states.get(f"{prefix:03}", frozenset()) | {state}
    return MappingProxyType(states)
