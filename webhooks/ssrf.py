"""The SSRF guard: the addresses to which webhooks may be sent, so that no request reaches our own network. Pure.

An address is checked by its number, after any embedded address is unwrapped; a name is checked again by its addresses
when the connection is made (``network``). Anything not in the tables is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias
from urllib.parse import urlsplit

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

MAX_URL: Final = 2_000
#: Ports of endpoints on the internet; in allowed networks every port is permitted.
STANDARD_PORTS: Final = (443, 8443)

#: IANA's IPv4 special-purpose registry (RFC 6890 and later), with multicast and reserved addresses, and 168.63.129.16:
#: a public number at which each machine of Azure reaches its own host.
_SPECIAL_V4: Final = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24",
        "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",
        "240.0.0.0/4",
    )
)  # fmt: skip
#: The only globally routed IPv6 block (RFC 4291), apart from the special blocks in it.
_GLOBAL_V6: Final = IPv6Network("2000::/3")
_SPECIAL_V6: Final = tuple(
    IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20")
)
_TEREDO: Final = IPv6Network("2001::/32")
_SIX_TO_FOUR: Final = IPv6Network("2002::/16")
_NAT64: Final = IPv6Network("64:ff9b::/96")
#: Interface ids of ISATAP (RFC 5214), the upper half of the last 64 bits.
_ISATAP: Final = (0x0000_5EFE, 0x0200_5EFE)
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.IGNORECASE)
#: Programs read a last label of digits differently (``127.1``, ``0x7f.1``), so it is refused as a name.
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)
_LOCAL_NAMES: Final = ("localhost", "local", "internal", "intranet", "lan", "home.arpa", "localdomain")


class RefusedAddress(Exception):
    """The address is refused. The message states why, and reveals nothing of our own network."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Guard:
    """The rules of one installation: ``allowed`` networks of its own (development), and the ``ports`` elsewhere."""

    allowed: tuple[Network, ...] = ()
    ports: tuple[int, ...] = STANDARD_PORTS

    def check_url(self, url: str) -> None:
        """Raise ``RefusedAddress`` unless ``url`` is acceptable for an endpoint, as far as the URL alone shows."""
        if not 0 < len(url) <= MAX_URL or not url.isascii() or re.search(r"[\x00-\x20\x7f\\]", url):
            raise RefusedAddress(f"The address must have 1 to {MAX_URL} visible ASCII characters and no backslash.")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise RefusedAddress("This is not a valid address.") from error
        if parts.scheme not in ("https", "http"):
            raise RefusedAddress("The address must start with https://.")
        if "@" in parts.netloc:
            raise RefusedAddress("The address must not contain a user name or a password.")
        if parts.fragment:
            raise RefusedAddress("The address must not contain a part after '#'.")
        if port is None:
            port = 443 if parts.scheme == "https" else 80
        self._check_host(parts.hostname or "", port, is_plain=parts.scheme == "http")

    def check_address(self, address: str, port: int, *, is_plain: bool) -> None:
        """Raise ``RefusedAddress`` unless a connection to ``address`` (as a resolver returns it) is allowed.

        ``is_plain`` means without TLS: only into allowed networks.
        """
        try:
            found = ip_address(address)
        except ValueError as error:
            raise RefusedAddress("The address is not valid.") from error
        found = unwrapped(found)
        if any(found in network for network in self.allowed if network.version == found.version):
            return
        if not is_public(found):
            raise RefusedAddress("The address must be on the public internet.")
        if is_plain:
            raise RefusedAddress(
                "The address must start with https://, so that nobody can read the events on their way."
            )
        if port not in self.ports:
            raise RefusedAddress(f"The port must be one of {', '.join(map(str, self.ports))}.")

    def _check_host(self, host: str, port: int, *, is_plain: bool) -> None:
        literal = _literal(host)
        if literal is not None:
            self.check_address(str(literal), port, is_plain=is_plain)
            return
        labels = host.split(".")
        if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels) or _NUMBER.fullmatch(labels[-1]):
            raise RefusedAddress("The host is not a valid name or IP address.")
        if self.allowed:
            return  # The name may resolve into one of them; its addresses decide.
        if len(labels) == 1 or any(f".{host}".lower().endswith(f".{name}") for name in _LOCAL_NAMES):
            raise RefusedAddress("The host must be on the public internet.")
        if is_plain:
            raise RefusedAddress(
                "The address must start with https://, so that nobody can read the events on their way."
            )
        if port not in self.ports:
            raise RefusedAddress(f"The port must be one of {', '.join(map(str, self.ports))}.")


def guard_of(networks: Iterable[str], ports: Sequence[int] = STANDARD_PORTS) -> Guard:
    """Return the guard that allows ``networks`` ("127.0.0.0/8", "::1/128"). Raises ``ValueError``."""
    return Guard(allowed=tuple(ip_network(text.strip()) for text in networks if text.strip()), ports=tuple(ports))


def is_public(address: Address) -> bool:
    """Return whether ``address``, and every address embedded in it, is routed on the public internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_V4)
    if address.scope_id is not None:
        return False
    if not all(is_public(inner) for inner in _embedded(address)):
        return False
    if address in _NAT64 or address.ipv4_mapped is not None:
        return True
    return address in _GLOBAL_V6 and not any(address in network for network in _SPECIAL_V6)


def unwrapped(address: Address) -> Address:
    """Return the IPv4 address of an IPv4-mapped one, any other unchanged."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None and address.scope_id is None:
        return address.ipv4_mapped
    return address


def _embedded(address: IPv6Address) -> Iterator[Address]:
    """Yield the IPv4 addresses to which a packet to ``address`` may be forwarded."""
    number = int(address)
    last = IPv4Address(number & 0xFFFF_FFFF)
    if address.ipv4_mapped is not None or address in _NAT64:
        yield last
    if address in _SIX_TO_FOUR:
        yield IPv4Address((number >> 80) & 0xFFFF_FFFF)
    if address in _TEREDO:
        yield IPv4Address((number >> 64) & 0xFFFF_FFFF)
        yield IPv4Address(~number & 0xFFFF_FFFF)
    if (number >> 32) & 0xFFFF_FFFF in _ISATAP:
        yield last


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
