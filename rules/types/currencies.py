"""The signs, codes and names by which people write currencies. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

#: The signs of each currency besides its code, in capitals; several currencies share some.
_SIGNS: Final[Mapping[str, tuple[str, ...]]] = {
    "USD": ("$", "US$", "U.S.$", "DOLLAR", "DOLLARS"),
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
_KNOWN: Final = sorted({sign for code in _SIGNS for sign in (code, *_SIGNS[code])}, key=len, reverse=True)
_SIGN: Final = "|".join(map(re.escape, _KNOWN))
_BEFORE: Final = re.compile(rf"({_SIGN}) ?(?=[-+(.0-9\u2212]|{_SIGN})(.*)", re.IGNORECASE)
_BEHIND: Final = re.compile(rf"(.*?[-.0-9)a-z]) ?({_SIGN})", re.IGNORECASE)


def own_signs(currency: str) -> frozenset[str]:
    """Return the signs and the code that mean ``currency``, in capitals."""
    return frozenset((currency, *_SIGNS.get(currency, ())))


def split_currency(text: str) -> tuple[frozenset[str], str]:
    """Return the currency signs before and behind an amount, in capitals, and the amount without them."""
    found = []
    while before := _BEFORE.fullmatch(text):
        found.append(before[1].upper())
        text = before[2]
    while behind := _BEHIND.fullmatch(text):
        found.append(behind[2].upper())
        text = behind[1].rstrip()
    return frozenset(found), text
