"""Lists of the admin, its own pages, and a row of each kind that staff work with: axe and pictures in every look."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.urls import reverse
from playwright.sync_api import Browser

from carriers.models import CarrierProduct
from catalogue.loader import load
from catalogue.models import Question, QuestionSet
from catalogue.releases import publish
from partner_engine.admin.site import site
from tenants.flags import BATCH_OPERATIONS
from tenants.models import Tenant, User
from tests.harness.agency_world import make_world
from tests.harness.form_driver import Driver
from tests.harness.kennel_catalogue import KENNELS
from tests.harness.page_addresses import own_pages_of_admin
from tests.harness.switched_on import switch_on

pytestmark = [pytest.mark.browser, pytest.mark.slow]


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
    question = Question.objects.get(code="dogs", question_set__catalogue=catalogue)
    Question.objects.filter(pk=question.pk).update(label="Number of dogs on a usual day")
    world = make_world(owner)
    found = {
        "copies_copy_change": world.restaurant,
        "forms_applicationform_change": world.restaurant,
        "catalogue_questionset_change": QuestionSet.objects.get(code="houses").pk,
        "catalogue_question_change": question.pk,
        "carriers_carrierproduct_change": CarrierProduct.objects.get(code="PA-CARE").pk,
        "catalogue_catalogue_change": catalogue.pk,
        "catalogue_catalogue_publish": catalogue.pk,
        "catalogue_release_change": release.pk,
        "tenants_tenant_change": harbor.pk,
        "tenants_user_change": owner.pk,
    }
    return {name: reverse(f"admin:{name}", args=(pk,)) for name, pk in found.items()}


def test_pages_of_staff_in_every_look(desk: Driver, owner: User, harbor: Tenant) -> None:
    switch_on(BATCH_OPERATIONS)
    lists = {
        f"{model._meta.label_lower.replace('.', '_')}_list": reverse(
            f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
        )
        for model in site._registry
    }
    own = {address.strip("/").replace("/", "-"): address for address in own_pages_of_admin() if "logout" not in address}
    faults = []

    for name, address in {**own, **rows(owner, harbor), **lists}.items():
        response = desk.page.goto(f"{desk.server}{address}")
        if response is None or response.status != 200 or not response.headers["content-type"].startswith("text/html"):
            continue
        desk.page.wait_for_load_state("networkidle")
        try:
            desk.check_in_every_look(name if name.startswith("admin") else f"admin-{name}")
        except AssertionError as fault:
            faults.append(str(fault))

    assert faults == []
    assert desk.faults == []
