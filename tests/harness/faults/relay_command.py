"""``manage.py relay`` with the tests' own kind registered."""

from __future__ import annotations

from django.core.management import call_command

from tests.harness.faults import celery_worker

if __name__ == "__main__":
    assert celery_worker.REGISTRY.find("ring")
    call_command("relay", every=0.2)
