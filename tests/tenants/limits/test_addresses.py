"""IPv6 addresses count as the network that one caller has for itself."""

from __future__ import annotations

import pytest

from tenants.limits.addresses import counted_address
from tenants.limits.check import address_subject, visitor_subject


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix:", "unix:"),
        ("", ""),
    ],
)
def test_an_address_counts_as_its_network(address: str, counted: str) -> None:
    assert counted_address(address) == counted


def test_other_addresses_of_the_same_network_are_the_same_caller() -> None:
    for subject in (address_subject, visitor_subject):
        assert subject("2001:db8::1") == subject("2001:db8::ffff:1")
        assert subject("2001:db8::1") != subject("2001:db8:0:1::1")
