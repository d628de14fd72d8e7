"""The network that an address counts as. Pure."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Final

#: The prefix of the smallest IPv6 network that one household or server gets: it has 2^64 addresses of its own.
_PREFIX: Final = 64


@lru_cache(maxsize=4096)
def counted_address(address: str) -> str:
    """Return ``address`` as limits count it: an IPv6 address as its /64 network, a mapped IPv4 address as that; all
    else is unchanged.
    """
    try:
        known = ip_address(address.strip("[]"))
    except ValueError:
        return address
    if not isinstance(known, IPv6Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    # A scope such as %eth0 is no part of a network.
    return str(IPv6Network((int(known), _PREFIX), strict=False))
