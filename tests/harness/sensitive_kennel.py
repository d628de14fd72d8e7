"""A kennel's form with a secret, a personal and a hidden answer."""

from __future__ import annotations

from uuid import UUID

from batch import service as batch
from tenants.models import Tenant, User
from tests.harness.kennel_catalogue import ANSWERS, HOUSES

SSN = "078-05-1120"
PHONE = "+16142013344"


def start_kennel(tenant: Tenant, user: User, *, name: str = "Happy Tails") -> UUID:
    """Return the id of a form with sensitive answers, saved twice."""
    actor = user.as_actor(source="web")
    sensitive = {"owner_ssn": SSN, "owner_phone": PHONE, "has_cats": True, "cat_count": 60}
    with batch.build_context(scope=tenant, actor=actor, title="Base", catalogue="kennels") as context:
        context.changeset.apply_answers({**ANSWERS, **sensitive, "kennel_name": name}, {"houses": HOUSES})
        context.save()
        form_id = context.form.id
    with batch.find_and_lock(form_id, scope=tenant, actor=actor) as context:
        context.changeset.find_answer("has_cats").apply(False)
        context.save()
    return form_id
