"""Which tax IDs, Social Security numbers, VINs, phone numbers, e-mail and web addresses can exist. Pure.

Test identities (FEIN prefix 00, SSN 987-65-4320 to -4329, phone 555-0100 to -0199) are reserved for advertising and
tests; a catalogue may allow them.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

#: Prefixes that the IRS has not assigned to a campus (irs.gov, "How EINs are assigned and valid EIN prefixes").
_NO_EIN_PREFIXES: Final = frozenset("00 07 08 09 17 18 19 28 29 49 69 70 78 79 89 96 97".split())
#: Numbers that were printed in advertisements and are void.
_VOID_SSNS: Final = frozenset({"078-05-1120", "219-09-9999"})
_SSN: Final = re.compile(r"(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}", re.ASCII)
_TEST_SSN: Final = re.compile(r"987-65-432\d", re.ASCII)
_PHONE: Final = re.compile(r"[2-9](?!11)\d{2}[2-9](?!11)\d{6}", re.ASCII)
_TEST_PHONE: Final = re.compile(r"\d{3}55501\d{2}", re.ASCII)
_EMAIL: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@(?=.{4,253}\Z)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{1,62}"
)
_HOST: Final = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}")
_VIN: Final = re.compile(r"[A-HJ-NPR-Z0-9]{17}", re.ASCII)
_VIN_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VIN_VALUES: Final = dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ", (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9), strict=True)
)


def is_ein(text: str, allow_test: bool) -> bool:
    """Tell whether ``text`` (``12-3456789``) has a prefix that the IRS gives out."""
    if not re.fullmatch(r"[0-9]{2}-[0-9]{7}", text):
        return False
    return text[:2] not in _NO_EIN_PREFIXES or (allow_test and text.startswith("00"))


def is_ssn(text: str, allow_test: bool) -> bool:
    """Tell whether ``text`` (``123-45-6789``) can be a Social Security number: no area 000, 666 or 9xx, no group 00,
    no serial 0000.
    """
    if allow_test and _TEST_SSN.fullmatch(text):
        return True
    return bool(_SSN.fullmatch(text)) and text not in _VOID_SSNS


def is_phone(text: str, allow_test: bool) -> bool:
    """Tell whether ten digits follow the North American numbering plan."""
    return bool(_PHONE.fullmatch(text)) and (allow_test or not _TEST_PHONE.fullmatch(text))


def is_vin(text: str, _allow_test: bool = False) -> bool:
    """Tell whether the ninth sign of a VIN is its check digit (49 CFR 565.15: weighted sum modulo 11, ten is X)."""
    if not _VIN.fullmatch(text):
        return False
    remainder = (
        sum(int(_VIN_VALUES.get(sign, sign)) * weight for sign, weight in zip(text, _VIN_WEIGHTS, strict=True)) % 11
    )
    return text[8] == ("X" if remainder == 10 else str(remainder))


def is_email(text: str) -> bool:
    """Tell whether ``text`` has the shape of an e-mail address at a domain."""
    local = text.partition("@")[0]
    return bool(_EMAIL.fullmatch(text)) and not (local.startswith(".") or local.endswith(".") or ".." in local)


def is_url(text: str) -> bool:
    """Tell whether ``text`` is a web address at a domain."""
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and not re.search(r"\s", text) and bool(_HOST.fullmatch(host))
