"""Values in declines and their records are masked as every other value; carriers' own words are kept as they came."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from batch import service as batch
from carriers.links.wire import QuoteStatus, Reason
from catalogue import releases
from forms.models import Declination
from presentation.visibility import Reader, Visibility
from quoting.decline_shapes import DeclinesShape
from quoting.declines import declines_of
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.certain_text import certain
from tests.harness.kennel_catalogue import KENNELS
from tests.harness.later_releases import publish_release, with_sensitivity
from tests.harness.quotes import quote_of

pytestmark = pytest.mark.django_db
MakeForm = Callable[..., UUID]
MANY_CATS = {"has_cats": True, "cat_count": 120}


def act(form_id: UUID, scope: Tenant, actor: Actor) -> None:
    with batch.find_and_lock(form_id, scope=scope, actor=actor) as context:
        context.changeset.quote_requests.request("WO-CARE")
        context.save()


def shown(form_id: UUID, scope: Tenant, actor: Actor, reader: Reader) -> DeclinesShape:
    catalogue = releases.current("kennels").compiled
    return declines_of(batch.find(form_id, scope=scope, actor=actor), Visibility(catalogue, reader))


def values(found: DeclinesShape) -> tuple[str, str]:
    """Return the number of cats as it is shown now, and in the record."""
    (line,), (record,) = found.lines, found.records
    return line.declines[0].reasons[0].values[0].value, record.declines[0].reasons[0].values[0].value


def test_a_personal_value_is_shown_to_readers_with_the_right(
    make_form: MakeForm, kennels: Tenant, agent: Actor
) -> None:
    publish_release(with_sensitivity(cat_count="pii"))
    form_id = make_form(MANY_CATS)
    act(form_id, kennels, agent)

    assert values(shown(form_id, kennels, agent, Reader(sees_personal=True))) == ("120", "120")
    assert not any("120" in value for value in values(shown(form_id, kennels, agent, Reader())))


def test_a_value_stays_as_confidential_as_it_was_and_becomes_as_confidential_as_it_is(
    make_form: MakeForm, kennels: Tenant, agent: Actor
) -> None:
    publish_release(with_sensitivity(cat_count="pii"))
    was_personal = make_form(MANY_CATS)
    act(was_personal, kennels, agent)
    publish_release(KENNELS)
    was_public = make_form(MANY_CATS)
    act(was_public, kennels, agent)

    assert not any("120" in value for value in values(shown(was_personal, kennels, agent, Reader())))
    assert values(shown(was_public, kennels, agent, Reader())) == ("120", "120")
    publish_release(with_sensitivity(cat_count="spi"))
    assert "120" not in certain(values(shown(was_public, kennels, agent, Reader(sees_personal=True)))[1])


def test_a_secret_value_is_never_stored_open(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    publish_release(with_sensitivity(cat_count="spi"))
    form_id = make_form(MANY_CATS)
    act(form_id, kennels, agent)

    with use_tenant(kennels):
        assert "120" not in certain(Declination.objects.get().inputs)


def test_a_carriers_words_are_recorded_and_shown(make_form: MakeForm, kennels: Tenant, agent: Actor) -> None:
    form_id = make_form(MANY_CATS)
    words = "<script>alert(1)</script> Not our trade"
    with batch.find_and_lock(form_id, scope=kennels, actor=agent) as context:
        request = context.changeset.quote_requests.request("PA-CARE")
        request.queue()
        request.submit(payload_hash="1")
        assert request.receive(quote_of(request, status=QuoteStatus.DECLINED, reasons=(Reason(code="x", text=words),)))
        context.save()
    act(form_id, kennels, agent)

    found = shown(form_id, kennels, agent, Reader(sees_personal=True))

    assert found.lines[0].declines[0].words == words
    assert found.records[0].declines[0].words == words
