"""The signs, codes and names by which people write currencies. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

#: The signs of each currency besides its code, in capitals; several currencies share some.
_SIGNS: Final[Mapping[str, tuple[str, ...]]] = {
    "USD": ("$", "US$", "US $", "U.S.$", "DOLLAR", "DOLLARS"),
    "CAD": ("$", "C$", "CA$", "CAN$", "DOLLAR", "DOLLARS"),
    "AUD": ("$", "A$", "AU$", "DOLLAR", "DOLLARS"),
    "NZD": ("$", "NZ$", "DOLLAR", "DOLLARS"),
    "SGD": ("$", "S$", "SG$"),
    "HKD": ("$", "HK$"),
    "MXN": ("$", "MX$", "MEX$", "PESOS"),
    "GBP": ("£", "UK£", "POUNDS"),
    "EUR": ("€", "EURO", "EUROS"),
    "JPY": ("¥", "JP¥", "YEN"),
    "CNY": ("¥", "CN¥", "RMB"),
    "CHF": ("FR.", "SFR.", "FRANKEN"),
    "INR": ("₹", "RS.", "RS"),
    "KRW": ("₩",),
    "ILS": ("₪",),
    "TRY": ("₺",),
    "RUB": ("₽",),
    "UAH": ("₴",),
    "NGN": ("₦",),
    "PHP": ("₱",),
    "BRL": ("R$",),
    "SEK": ("KR",),
    "NOK": ("KR",),
    "DKK": ("KR",),
    "PLN": ("ZŁ",),
    "CZK": ("KČ",),
    "ZAR": (),
    "AED": (),
    "SAR": (),
    "THB": ("฿",),
}
_KNOWN: Final = frozenset(sign for code in _SIGNS for sign in (code, *_SIGNS[code]))


def own_signs(currency: str) -> frozenset[str]:
    """Return the signs and the code that mean ``currency``, in capitals."""
    return frozenset((currency, *_SIGNS.get(currency, ())))


def split_currency(text: str, currency: str) -> tuple[frozenset[str], str]:
    """Return the signs of known currencies, and of ``currency``, before and behind an amount, in capitals, and the
    amount without them.
    """
    sign_before, sign_behind = _patterns(currency)
    found = []
    while before := sign_before.fullmatch(text):
        found.append(before[1].upper())
        text = before[2]
    while behind := sign_behind.fullmatch(text):
        found.append(behind[2].upper())
        text = behind[1].rstrip()
    return frozenset(found), text


@lru_cache(maxsize=32)
def _patterns(currency: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the patterns of an amount behind a sign and before one; longer signs come first."""
    signs = "|".join(map(re.escape, sorted(_KNOWN | {currency}, key=len, reverse=True)))
    before = rf"({signs}) ?(?=[-+(.0-9\u2212]|{signs})(.*)"
    return re.compile(before, re.IGNORECASE), re.compile(rf"(.*?[-.0-9)a-z]) ?({signs})", re.IGNORECASE)
