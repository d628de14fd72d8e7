"""Loads the demo: two tenants with people and API clients under fixed sign-ins. Only with DEMO=1; a second run changes nothing."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from tenants.access import Role
from tenants.models import ApiClient, Tenant, User

PASSWORD: Final = "demo"  # noqa: S105 - the demo's, refused in production with DEMO itself
TENANTS: Final = {"harbor": "Harbor Agency", "summit": "Summit Brokers"}
AGENTS: Final = {
    "agent@harbor.example": ("harbor", "Robin Agent"),
    "second@harbor.example": ("harbor", "Sam Second"),
    "agent@summit.example": ("summit", "Alex Summit"),
}
STAFF: Final = "staff@partner-engine.example"


class Command(BaseCommand):
    """``manage.py seed_demo``."""

    help = "Load the demo tenants, people and API clients (only with DEMO=1; safe to run again)."

    def handle(self, *args: Any, **options: Any) -> None:
        """Load what is missing."""
        if not settings.DEMO:
            raise CommandError("The demo has known passwords: it is loaded only with DEMO=1.")
        with transaction.atomic():
            for code, name in TENANTS.items():
                tenant, _ = Tenant.objects.get_or_create(code=code, defaults={"name": name})
                _seed_client(tenant)
            for email, (code, full_name) in AGENTS.items():
                _seed_user(email, full_name=full_name, role=Role.AGENT, tenant=Tenant.objects.get(code=code))
            _seed_user(STAFF, full_name="Demo Staff", role=Role.STAFF, is_staff=True, is_superuser=True)
        self.stdout.write("Demo tenants, people and API clients are there.")


def _seed_user(email: str, **fields: Any) -> None:
    if not User.objects.filter(email=email).exists():
        User.objects.create_user(email, PASSWORD, **fields)


def _seed_client(tenant: Tenant) -> None:
    ApiClient.objects.get_or_create(
        client_id=f"{tenant.code}-demo",
        defaults={
            "name": f"{tenant.name} demo client",
            "tenant": tenant,
            "client_secret": f"{tenant.code}-demo-secret",
            "client_type": ApiClient.CLIENT_CONFIDENTIAL,
            "authorization_grant_type": ApiClient.GRANT_CLIENT_CREDENTIALS,
        },
    )
