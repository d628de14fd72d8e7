"""``manage.py relay`` with the tests' own kind registered."""

from __future__ import annotations

from django.core.management import call_command

from tests.faults import celeried

if __name__ == "__main__":
    assert celeried.REGISTRY.find("ring")
    call_command("relay", every=0.2)
