"""A person's data in the admin: found in the forms of the tenant in view, exported, and erased."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from encryption.key_ring import KeyServiceUnavailable
from operations.erasure.certificates import ErasureUnderWay
from operations.persons.identity import Person, UnclearPerson
from operations.persons.person_erasure import erase_person, plan_erasure
from operations.persons.person_export import export_person
from operations.persons.search import find_forms
from partner_engine.admin.staff import staff_actor
from tenants.current_tenant import current_scope

PERMISSION: Final = "operations.erase_person"
#: An export opens sealed answers, so it needs the permission to reveal them too; so does a search in them.
_REVEAL: Final = "copies.reveal_sensitive"
_FIELDS: Final = ("email", "phone", "name", "born")
_TEMPLATE: Final = "admin/persons.html"


def persons(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Ask for the person (GET); list their forms, export them, or erase them (POST). Raises ``PermissionDenied``."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    scope = current_scope()
    tenant = scope.tenant if scope is not None else None
    entered = {name: request.POST.get(name, "").strip()[:300] for name in _FIELDS}
    shown = {**context, "title": "A person's data", "chosen": tenant, "entered": entered}
    shown["may_export"] = request.user.has_perm(_REVEAL)
    if request.method != "POST" or tenant is None:
        return render(request, _TEMPLATE, shown)
    actor = staff_actor(request)
    try:
        person = _person(entered)
        forms = find_forms(person, tenant=tenant, actor=actor, opens_sealed=shown["may_export"])
    except (UnclearPerson, KeyServiceUnavailable) as refused:
        return render(request, _TEMPLATE, {**shown, "fault": str(refused)}, status=422)
    step = request.POST.get("step", "")
    if step == "export":
        if not shown["may_export"]:
            raise PermissionDenied
        export = export_person(person, forms, tenant=tenant, actor=actor)
        response = HttpResponse(export.as_json(), content_type="application/json")
        response.headers["Content-Disposition"] = 'attachment; filename="person.json"'
        response.headers["Cache-Control"] = "no-store"
        return response
    planned = plan_erasure(forms)
    shown |= {"planned": planned, "has_searched": True}
    if step != "erase":
        return render(request, _TEMPLATE, shown)
    if request.POST.get("confirmation", "") != str(len(planned)):
        shown["fault"] = f"Type {len(planned)}, the number of forms, to confirm. Nothing was erased."
        return render(request, _TEMPLATE, shown, status=422)
    try:
        outcome = erase_person(person, planned, tenant=tenant, actor=actor)
    except ErasureUnderWay as refused:
        return render(request, _TEMPLATE, {**shown, "fault": str(refused)}, status=409)
    return render(request, _TEMPLATE, {**shown, "planned": [], "outcome": outcome, "entered": {}})


def _person(entered: dict[str, str]) -> Person:
    """Return the person. Raises ``UnclearPerson``."""
    try:
        born = date.fromisoformat(entered["born"]) if entered["born"] else None
    except ValueError as error:
        raise UnclearPerson("Enter the date of birth as 1980-12-31.") from error
    return Person(email=entered["email"], phone=entered["phone"], name=entered["name"], born=born)
