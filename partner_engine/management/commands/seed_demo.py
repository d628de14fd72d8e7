"""`manage.py seed_demo`: create the demo's tenants, people, API clients, catalogue and forms.

Its passwords are public, so it runs only with DEMO=1. It creates only what is missing, so it is safe to run again.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from batch import service as batch
from carriers.links.demo import create_demo_links
from catalogue import releases
from catalogue.demo import Sample, load_demo_catalogue, read_samples
from forms.models import ApplicationForm
from quoting.models import CarrierAppointment, ProducerLicense
from tenants.access import Actor, Role
from tenants.current_tenant import use_tenant
from tenants.flags import BATCH_OPERATIONS, COPIES
from tenants.models import ApiClient, Flag, Tenant, User, every_right

PASSWORD: Final = "demo"  # noqa: S105 - public on purpose; production refuses DEMO
TENANTS: Final = {"harbor": "Harbor Insurance Partners", "summit": "Summit Brokers"}
AGENTS: Final = {
    "agent@harbor.example": ("harbor", "Robin Hale"),
    "second@harbor.example": ("harbor", "Sam Ortega"),
    "agent@summit.example": ("summit", "Alex Winter"),
}
#: They also manage their agency: its profile and its webhooks.
ADMINISTRATORS: Final = {"admin@harbor.example": ("harbor", "Dana Brooks")}
STAFF: Final = "staff@partner-engine.example"
#: The first day of all licenses and appointments.
_LICENSED: Final = date(2020, 1, 1)
#: The states without a general appointment, by carrier.
_NOT_APPOINTED: Final = {("QM", "OH"), ("VC", "OH")}
#: The creator of the sample forms, for the tenant of this agent.
AUTHOR: Final = "agent@harbor.example"


class Command(BaseCommand):
    """Loads the demo data."""

    help = "Load the demo's tenants, people, API clients, catalogue and forms (only with DEMO=1; safe to run again)."

    def handle(self, *args: Any, **options: Any) -> None:
        """Create the missing demo data. Raises ``CommandError`` without DEMO=1."""
        if not settings.DEMO:
            raise CommandError("The passwords of the demo are public; set DEMO=1 to load it.")
        with transaction.atomic():
            _seed_people()
            _seed_flags()
        _seed_catalogue()
        _seed_permissions()
        _seed_links()
        forms = _seed_forms(User.objects.get_by_natural_key(AUTHOR))
        self.stdout.write(f"The demo is loaded: {len(TENANTS)} tenants, {forms} new forms.")


def _seed_people() -> None:
    for code, name in TENANTS.items():
        profile = {"name": name, "phone": "(614) 555-0100", "email": f"desk@{code}.example"}
        tenant, _ = Tenant.objects.get_or_create(code=code, defaults=profile)
        ApiClient.objects.get_or_create(
            client_id=f"{code}-demo",
            defaults={
                "client_secret": f"{code}-demo-secret",
                "name": f"{name} (demo)",
                "tenant": tenant,
                "allowed_scopes": every_right(),
            },
        )
    for role, people in ((Role.AGENT, AGENTS), (Role.TENANT_ADMIN, ADMINISTRATORS)):
        for email, (code, full_name) in people.items():
            _seed_user(email, full_name=full_name, role=role, tenant=Tenant.objects.get(code=code))
    _seed_user(STAFF, full_name="Jo Keller", role=Role.STAFF, is_staff=True, is_superuser=True)


def _seed_flags() -> None:
    """Turn copies on for the tenant with the sample forms; staff can compare with the other one, where they are off."""
    flag, is_new = Flag.objects.get_or_create(name=COPIES, defaults={"note": "On for the demo's first tenant."})
    if is_new:
        flag.tenants.add(User.objects.get_by_natural_key(AUTHOR).tenant)
    Flag.objects.get_or_create(name=BATCH_OPERATIONS, defaults={"everyone": True, "note": "On for the demo."})


def _seed_catalogue() -> None:
    without = Tenant.objects.filter(code__in=TENANTS, catalogue="")
    # Loading replaces the draft, so it runs only until the tenants have the catalogue, to keep changes of staff.
    if without.exists():
        release = load_demo_catalogue(actor_id="seed_demo")
        for tenant in without:
            tenant.catalogue = release.catalogue.code
            tenant.save(update_fields=["catalogue"])


def _seed_links() -> None:
    """Lead the links of the demo's carriers to the simulator, if one runs."""
    url: str = settings.CARRIERS.simulator_url
    if url:
        for catalogue in set(Tenant.objects.filter(code__in=TENANTS).values_list("catalogue", flat=True)):
            create_demo_links(catalogue, simulator_url=url)


def _seed_permissions() -> None:
    """Record licenses and appointments for tenants without any. They gate no sample's open product; Quillmark's
    liability product and all of Vellum are not appointed in Ohio.
    """
    for tenant in Tenant.objects.filter(code__in=TENANTS):
        with use_tenant(tenant):
            if ProducerLicense.objects.exists() or CarrierAppointment.objects.exists():
                continue
            definition = releases.current(tenant.catalogue, tenant_id=tenant.pk).compiled.definition
            states = tuple(definition.choices["states"])
            ProducerLicense.objects.bulk_create(
                ProducerLicense(tenant_id=tenant.id, state=state, number=f"{state}-100{place:02}", valid_from=_LICENSED)
                for place, state in enumerate(states)
            )
            CarrierAppointment.objects.bulk_create(
                CarrierAppointment(
                    tenant_id=tenant.id,
                    carrier=carrier.code,
                    states=[state for state in states if (carrier.code, state) not in _NOT_APPOINTED],
                    producer_code=f"{carrier.code}-{tenant.code}",
                    valid_from=_LICENSED,
                )
                for carrier in definition.carriers
            )
            CarrierAppointment.objects.create(
                tenant_id=tenant.id,
                carrier="QM",
                states=["OH"],
                products=["QM-BOP"],
                producer_code=f"QM-{tenant.code}",
                valid_from=_LICENSED,
            )


def _seed_user(email: str, **fields: Any) -> None:
    if not User.objects.filter(email=email).exists():
        User.objects.create_user(email, PASSWORD, **fields)


def _seed_forms(author: User) -> int:
    """Create the sample forms and copies unless the author's tenant has forms; return the number of forms."""
    scope, actor = author.tenant, author.as_actor(source="web")
    assert scope is not None  # noqa: S101 - an agent
    with use_tenant(scope):
        if ApplicationForm.objects.exists():
            return 0
    started: dict[str, UUID] = {}
    for sample in read_samples():
        if sample.copy_of and sample.is_base:
            _name(sample, started[sample.copy_of], scope=scope, actor=actor)
        elif sample.copy_of:
            _add_copy(sample, started[sample.copy_of], scope=scope, actor=actor)
        else:
            started[sample.id] = _start(sample, scope=scope, actor=actor)
    return len(started)


def _start(sample: Sample, *, scope: Tenant, actor: Actor) -> UUID:
    with batch.build_context(scope=scope, actor=actor, title=sample.title, as_of=sample.as_of) as context:
        context.changeset.apply_answers(sample.answers, sample.answer_pools)
        context.save()
        return context.form.id


def _name(sample: Sample, form_id: UUID, *, scope: Tenant, actor: Actor) -> None:
    with batch.find_and_lock(form_id, scope=scope, actor=actor) as context:
        context.changeset.copy.rename(sample.title)
        context.save()


def _add_copy(sample: Sample, form_id: UUID, *, scope: Tenant, actor: Actor) -> None:
    with batch.build_copy(form_id, scope=scope, actor=actor, title=sample.title) as context:
        # Everything else is part of the copied document.
        context.changeset.apply_answers(sample.changed)
        context.save()
