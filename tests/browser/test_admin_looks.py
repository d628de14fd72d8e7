"""Lists of the admin, its own pages, and a row of each kind that staff work with: axe and pictures in every look."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Page

from carriers.models import CarrierProduct
from catalogue.loader import load
from catalogue.models import Question, QuestionSet
from catalogue.releases import publish
from partner_engine.admin.site import site
from tenants.current_tenant import across_tenants
from tenants.flags import BATCH_OPERATIONS
from tenants.models import Tenant, User
from tests.harness.agency_world import make_world
from tests.harness.form_driver import Driver
from tests.harness.kennel_catalogue import KENNELS
from tests.harness.page_addresses import own_pages_of_admin
from tests.harness.switched_on import switch_on
from tests.harness.tiers import amount

pytestmark = [pytest.mark.browser, pytest.mark.slow]

#: The pages with pictures.
PICTURED: Final = frozenset(
    {
        "admin", "admin-operation-charts", "admin-locks", "admin-second-factor", "admin_copy", "admin_form",
        "admin_catalogue", "admin_publish", "admin_question", "admin_product", "admin_release", "admin_tenant",
        "admin_forms", "admin_quotes", "admin_operations", "admin_catalogues",
    }
)  # fmt: skip
#: The names of pictures of lists.
NAMES: Final = {
    "ApplicationForm": "admin_forms",
    "QuoteRequest": "admin_quotes",
    "BatchOperation": "admin_operations",
    "Catalogue": "admin_catalogues",
}


@pytest.fixture
def desk(browser: Browser, server: str, staff: User) -> Iterator[Driver]:
    """Return a member of staff with every permission, signed in."""
    with browser.new_context(viewport={"width": 1440, "height": 980}, reduced_motion="reduce") as context:
        driver = Driver(context.new_page(), server)
        driver.enter(staff)
        yield driver
        context.close()


def rows(owner: User, harbor: Tenant) -> dict[str, str]:
    """Return the addresses of one row of each kind, with something on each."""
    catalogue = load(KENNELS)
    release = publish(catalogue, actor_id="test")
    question = Question.objects.get(code="kennel_name", question_set__catalogue=catalogue)
    Question.objects.filter(pk=question.pk).update(label="Name of the kennel")
    world = make_world(owner)
    found = {
        "admin_copy": ("copies_copy_change", world.restaurant),
        "admin_form": ("forms_applicationform_change", world.restaurant),
        "admin_set": ("catalogue_questionset_change", QuestionSet.objects.get(code="houses").pk),
        "admin_question": ("catalogue_question_change", question.pk),
        "admin_product": ("carriers_carrierproduct_change", CarrierProduct.objects.get(code="PA-CARE").pk),
        "admin_catalogue": ("catalogue_catalogue_change", catalogue.pk),
        "admin_publish": ("catalogue_catalogue_publish", catalogue.pk),
        "admin_release": ("catalogue_release_change", release.pk),
        "admin_tenant": ("tenants_tenant_change", harbor.pk),
        "admin_user": ("tenants_user_change", owner.pk),
        "admin_changes": ("tenants_user_history", owner.pk),
    }
    return {name: reverse(f"admin:{view}", args=(pk,)) for name, (view, pk) in found.items()}


def other_rows(known: set[str]) -> dict[str, str]:
    """Return the pages of one row of every other model that has rows."""
    found = {}
    for model in site._registry:
        with across_tenants(using="default"):
            row = model._default_manager.first()
        view = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
        prefix = reverse(view, args=("x",)).removesuffix("x/change/")
        if row is not None and not any(address.startswith(prefix) for address in known):
            found[f"one_{model._meta.model_name}"] = reverse(view, args=(row.pk,))
    return found


def load_again(page: Page) -> None:
    """Load the page again: the admin chooses its theme when it is loaded."""
    page.reload()
    page.wait_for_load_state("networkidle")


def test_pages_of_staff_in_every_look(desk: Driver, owner: User, harbor: Tenant) -> None:
    switch_on(BATCH_OPERATIONS)
    lists = {
        NAMES.get(model.__name__, model.__name__): reverse(
            f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
        )
        for model in site._registry
    }
    shown = rows(owner, harbor)
    own = {address.strip("/").replace("/", "-"): address for address in own_pages_of_admin() if "logout" not in address}
    pages = {**own, **shown, **lists, **other_rows(set(shown.values()))}
    faults = []

    for name, address in dict(list(pages.items())[:: amount(8, full=1)]).items():
        # Parts of pages are no pages, and for an empty response Chromium shows none.
        response = desk.page.request.get(f"{desk.server}{address}")
        if response.status != 200 or "<html" not in response.text():
            continue
        desk.page.goto(f"{desk.server}{address}")
        try:
            desk.check_in_every_look(
                name.replace("_", "-") if name in PICTURED else "", opened=partial(load_again, desk.page)
            )
        except AssertionError as fault:
            faults.append(str(fault))

    assert not faults, "\n".join(faults)
    assert desk.faults == []
