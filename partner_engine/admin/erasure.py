"""Erasing the keys of a form's sensitive answers in the admin: a page that asks for a reason and a confirmation."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from batch.errors import BatchError
from batch.key_erasure import erase_keys
from partner_engine.admin.staff import staff_actor
from presentation.formats import counted
from tenants.models import Tenant

PERMISSION: Final = "copies.erase_sensitive"
#: What has to be typed, so that nobody erases by a slip.
CONFIRMATION: Final = "erase"


def erase_view(request: HttpRequest, form: Any, context: dict[str, Any]) -> HttpResponse:
    """Ask for reason and confirmation, then erase the keys of ``form``. Raises ``PermissionDenied``."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    address = reverse("admin:forms_applicationform_change", args=(form.pk,))
    reason, fault = request.POST.get("reason", ""), ""
    if request.method == "POST" and request.POST.get("confirmation", "").strip().lower() != CONFIRMATION:
        fault = f"Type “{CONFIRMATION}” to confirm. Nothing was erased."
    elif request.method == "POST":
        tenant = Tenant.objects.get(pk=form.tenant_id)
        try:
            erased = erase_keys(form.pk, scope=tenant, actor=staff_actor(request), reason=reason)
        except BatchError as error:
            fault = str(error)
        else:
            answers, copies = counted(erased.answers, "sensitive answer"), counted(erased.copies, "copy", "copies")
            messages.success(request, f"The keys of {copies} were erased, with {answers}.")
            return redirect(address)
    context |= {"title": "Erase sensitive answers", "fault": fault, "reason": reason, "back": address}
    return render(request, "admin/forms/applicationform/erase.html", context)
