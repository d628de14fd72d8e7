"""Shadow rules of a release are recorded for open copies, counted, shown to staff, and to nobody else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from io import StringIO
from typing import Any

import msgspec
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from msgspec.structs import replace

from actions.maintenance import emit_hourly_actions
from catalogue import releases
from catalogue.files import read_catalogue, write_catalogue
from catalogue.loader import load
from catalogue.models import Release
from catalogue.releases import read_definition
from decisions.impact import NOTHING, reach_of
from decisions.models import ShadowRecord
from decisions.shadow import count_shadow_rules, record_shadow_rules
from rules.definition.catalogue import CatalogueDefinition, FormRule, ProductRule
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User
from tests.harness.api_client import Api
from tests.harness.later_releases import publish_release
from tests.harness.moments import DATED, run_actions, with_rule
from verify_decision import verify

pytestmark = pytest.mark.django_db

Start = Callable[..., dict[str, Any]]
MARK = "Under discussion"
RULE = ProductRule(id="S1", when='state == "TX"', then="decline", why=MARK, shadow=True)


def shadowed() -> CatalogueDefinition:
    """Return the dated kennels with two shadow rules."""
    message = FormRule(id="F1", when="runs > 100", then="error", at="runs", say=MARK, shadow=True)
    return replace(with_rule(DATED, RULE), form_rules=(*DATED.form_rules, message))


def record(tenant: Tenant) -> bool:
    with use_tenant(tenant):
        return record_shadow_rules(tenant, seconds=60.0)


def records(tenant: Tenant) -> list[ShadowRecord]:
    with use_tenant(tenant):
        return list(ShadowRecord.objects.all())


def counts(release: Release) -> dict[str, tuple[int, int, int]]:
    found = count_shadow_rules(release.pk, releases.get(release.pk).compiled)
    return {name: (one.fired, one.not_fired, one.unknown) for name, one in found.items()}


def test_the_results_are_counted_per_release_and_follow_the_copies(start: Start, api: Api, kennels: Tenant) -> None:
    copy, _ = start(), start(state="OH")
    release = publish_release(shadowed())

    record(kennels)

    assert counts(release) == {"F1": (0, 2, 0), "PA-CARE/S1": (1, 1, 0)}
    [named] = count_shadow_rules(release.pk, releases.get(release.pk).compiled)["PA-CARE/S1"].copies
    assert str(named[1]) == copy["id"]
    assert api.patch(f"/copies/{copy['id']}/answers", {"answers": {"state": "OH"}}).status_code == 200
    record(kennels)
    assert counts(release) == {"F1": (0, 2, 0), "PA-CARE/S1": (0, 2, 0)}
    assert len(records(kennels)) == 2
    later = publish_release(replace(shadowed(), title="Later"))
    record(kennels)
    assert counts(release) == counts(later)


def test_a_copy_is_recorded_once_for_each_version(start: Start, kennels: Tenant) -> None:
    start()
    publish_release(shadowed())
    record(kennels)
    [before] = records(kennels)

    assert record(kennels) is False

    assert [row.recorded_at for row in records(kennels)] == [before.recorded_at]


def test_a_release_with_shadow_rules_alone_decides_no_copy_anew(start: Start, api: Api, kennels: Tenant) -> None:
    copy = start()
    before = api.get(f"/copies/{copy['id']}").json()

    publish_release(shadowed())
    run_actions()

    after = api.get(f"/copies/{copy['id']}").json()
    assert reach_of(DATED, shadowed()) == NOTHING
    assert (after["version"], after["eligibility"]) == (before["version"], before["eligibility"])


def test_nothing_of_a_shadow_rule_reaches_a_caller(start: Start, api: Api, kennels: Tenant) -> None:
    copy = start()
    publish_release(shadowed())
    run_actions()
    record(kennels)

    pages = (
        f"/copies/{copy['id']}",
        f"/copies/{copy['id']}/explain?target=product:PA-CARE",
        f"/copies/{copy['id']}/history",
        "/catalogue",
    )
    for page in pages:
        response = api.get(page)
        assert response.status_code == 200, page
        assert not [text for text in (MARK, '"S1"', '"F1"') if text in response.content.decode()], page
    assert api.get(f"/copies/{copy['id']}/explain?target=message:F1").status_code == 422


def test_an_exported_decision_has_the_release_without_shadow_rules(start: Start, api: Api, kennels: Tenant) -> None:
    publish_release(shadowed())
    copy = start(owner_phone="+16142013344")

    response = api.get(f"/copies/{copy['id']}/decision")

    exported = response.json()["release"]
    content = base64.b64decode(exported["content"])
    assert hashlib.sha256(content).hexdigest() == exported["checksum"]
    assert msgspec.json.decode(content, type=CatalogueDefinition) == DATED
    assert verify(response.content).faults == []


def test_the_hourly_action_records(start: Start, kennels: Tenant) -> None:
    start()
    release = publish_release(shadowed())
    run_actions()

    assert counts(release)["F1"] == (0, 0, 0)

    emit_hourly_actions("default")
    run_actions()

    assert counts(release)["F1"] == (0, 1, 0)


def test_the_command_records_and_counts(start: Start, kennels: Tenant) -> None:
    start()
    publish_release(DATED)
    with pytest.raises(CommandError, match="never been published"):
        call_command("shadow_rules", "other")
    assert "no shadow rules" in run_command()

    publish_release(shadowed())

    assert run_command().splitlines() == [
        "F1: 0 fired, 1 not, 0 unknown",
        "PA-CARE/S1: 1 fired, 0 not, 0 unknown",
    ]


def run_command() -> str:
    out = StringIO()
    call_command("shadow_rules", "kennels", stdout=out)
    return out.getvalue()


def test_staff_see_counts_at_the_release_and_reasons_at_the_copy(
    start: Start, kennels: Tenant, staff: User, sign_in: Callable[[User], Client]
) -> None:
    copy = start()
    release = publish_release(shadowed())
    record(kennels)
    browser = sign_in(staff)

    of_release = browser.get(reverse("admin:catalogue_release_change", args=(release.pk,))).content.decode()
    of_copy = browser.get(reverse("admin:copies_copy_change", args=(copy["id"],))).content.decode()

    assert "PA-CARE/S1" in of_release
    assert "1\n" in of_release
    assert copy["id"] in of_release
    assert "Shadow rule, without effect: decline, Under discussion" in of_copy


def test_shadow_rules_survive_file_draft_and_release(db: None) -> None:
    assert read_catalogue(write_catalogue(shadowed())) == shadowed()
    release = releases.publish(load(shadowed()), actor_id="test")

    assert read_definition(release) == shadowed()
