"""Drafts in the admin: their state is always visible, and the history of a row shows what was there before."""

from __future__ import annotations

from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from catalogue.models import Catalogue, FormRule, LineOfBusiness, Release


def add_rule(kennels: Catalogue) -> FormRule:
    return FormRule.objects.create(
        catalogue=kennels, code="LONG", then="warn", when="size(kennel_name) > 40", say="Shorten it."
    )


def state_on_page(client: Client, kennels: Catalogue) -> str:
    page = client.get(reverse("admin:catalogue_catalogue_change", args=(kennels.pk,)))
    return " ".join(page.content.decode().split())


def test_the_page_of_a_catalogue_shows_the_state_of_its_draft(admin: Client, kennels: Catalogue) -> None:
    assert "Draft: no changes" in state_on_page(admin, kennels)

    LineOfBusiness.objects.filter(catalogue=kennels).update(label="Renamed")
    line_count = LineOfBusiness.objects.filter(catalogue=kennels).count()

    plural = "" if line_count == 1 else "s"
    assert f"Draft: {line_count} change{plural}, 0 faults" in state_on_page(admin, kennels)


def test_saving_a_rule_says_that_nothing_is_published(admin: Client, kennels: Catalogue) -> None:
    line = LineOfBusiness.objects.filter(catalogue=kennels).first()
    assert line is not None
    fields = {
        "catalogue": kennels.pk, "position": line.position, "code": line.code, "label": "Renamed",
        "states": line.states, "industry": line.industry,
    }  # fmt: skip

    page = admin.post(reverse("admin:catalogue_lineofbusiness_change", args=(line.pk,)), fields, follow=True)

    text = " ".join(page.content.decode().split())
    assert "Nothing is published yet. Boarding kennels: Draft: 1 change, 0 faults." in text
    assert reverse("admin:catalogue_catalogue_publish", args=(kennels.pk,)) in text
    entry = LogEntry.objects.latest("id")
    assert entry.get_change_message() == f"Label: “{line.label}” → “Renamed”."


def test_a_change_that_is_taken_back_leaves_nothing_to_publish(admin: Client, kennels: Catalogue) -> None:
    rule = add_rule(kennels)

    page = admin.post(reverse("admin:catalogue_formrule_delete", args=(rule.pk,)), {"post": "yes"}, follow=True)

    assert "now equals its current release" in page.content.decode()


def test_publishing_takes_a_note(admin: Client, kennels: Catalogue) -> None:
    LineOfBusiness.objects.filter(catalogue=kennels).update(label="Renamed")
    address = reverse("admin:catalogue_catalogue_publish", args=(kennels.pk,))

    assert 'name="notes"' in admin.get(address).content.decode()
    assert "Draft: " in admin.get(address).content.decode()
    # Looking publishes nothing.
    assert Release.objects.filter(catalogue=kennels).count() == 1
