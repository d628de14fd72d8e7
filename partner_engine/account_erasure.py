"""Erases the account of a user who left: no name, address or second factor is left; what they did stays, by nobody's
name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import structlog
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.apps import apps
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from operations.erasure import certificates, traces
from operations.models import Erasure
from operations.persons.authors import FORMER, forget_author
from partner_engine.user_sessions import end_all_sessions
from tenants.access import Actor
from tenants.history import HistoryRow
from tenants.managers import TenantModel
from tenants.models import AccountMail, User

log = structlog.get_logger(__name__)


class AccountRefused(Exception):
    """The account cannot be erased; the sentence says why."""


def erase_account(user: User, *, actor: Actor) -> Erasure:
    """Erase the account of ``user`` at their tenant for good; return the certificate.

    The user can no longer sign in from the first step on. A copy in use keeps the name; then the certificate has
    ``left`` and stays open until the same order is repeated. Raises ``AccountRefused`` for staff.
    """
    tenant = user.tenant
    if tenant is None:
        raise AccountRefused("Accounts of staff are not erased: switch the account off.")
    certificate = certificates.begin(Erasure.Subject.ACCOUNT, user.pk, tenant=tenant, actor=actor, count=dict)
    names = _names(user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    end_all_sessions(user)
    counts = forget_author(user.pk, names, tenant=tenant, actor=actor) if names else {}
    if names:
        counts |= _in_shared_tables(user, names)
    for name, number in counts.items():
        certificate.counts[name] = certificate.counts.get(name, 0) + number
    left = counts.get("left", 0)
    if not left:
        certificate.counts.pop("left", None)
        _anonymize(user)
        certificates.finish(certificate)
    certificate.save(update_fields=["counts"])
    log.info("audit.account_erased", user_id=str(user.pk), certificate=str(certificate.pk), left=left)
    return certificate


def is_erased(user: User) -> bool:
    """Return whether nothing of the account is left but its id."""
    return user.email == _no_address(user)


def _names(user: User) -> tuple[str, ...]:
    return () if is_erased(user) else tuple(name for name in (user.email, user.full_name) if name)


def _no_address(user: User) -> str:
    return f"{user.pk.hex}@erased.invalid"


def _in_shared_tables(user: User, names: tuple[str, ...]) -> dict[str, int]:
    """Erase the user from histories, mails that wait, failed sign-ins, devices and the admin's log."""
    email = names[0]
    counts = {model._meta.db_table: model.objects.filter(user=user).delete()[0] for model in (TOTPDevice, StaticDevice)}
    for model in (AccessAttempt, AccessFailureLog, AccessLog):
        counts[model._meta.db_table] = model.objects.filter(username__iexact=email).delete()[0]
    counts[AccountMail._meta.db_table] = AccountMail.objects.filter(email__iexact=email).delete()[0]
    for history in _histories():
        done = history.objects.filter(history_user_id=str(user.pk)).exclude(actor_label=FORMER)
        counts[history._meta.db_table] = done.update(actor_label=FORMER)
    of_user = User.history.filter(id=user.pk)
    counts["tenants_user versions"] = of_user.update(email=_no_address(user), full_name=FORMER)
    counts["admin log"] = traces.clear_admin_log([user.pk])
    return counts


def _histories() -> Iterator[Any]:
    """Yield the histories in the shared database; those of tenants' tables are among the tenants' rows."""
    for model in apps.get_models():
        if issubclass(model, HistoryRow) and not issubclass(model, TenantModel):
            yield model


def _anonymize(user: User) -> None:
    """Take name, address and password from the account; its id stays, by which forms name their owner."""
    user.set_unusable_password()
    changed: dict[str, Any] = {
        "email": _no_address(user),
        "full_name": FORMER,
        "is_active": False,
        "password": user.password,
        "last_login": None,
    }
    # Not ``save``: the history would keep the row.
    User.objects.filter(pk=user.pk).update(**changed)
