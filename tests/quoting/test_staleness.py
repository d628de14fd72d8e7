"""Submitting one copy to a carrier makes its quotes on the form's other copies stale."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from structlog.contextvars import bound_contextvars

from actions.kinds import MarkQuotesStale
from actions.models import OutboxAction
from actions.registry import Delivered, RetryAfter, handler_of
from actions.relay import drain
from batch import service as batch
from batch.changes.changeset import Changeset
from batch.locks.copy_lock import CopyLock, holder_of
from copies.models import Copy
from forms.models import QuoteRequest
from quoting import staleness
from tenants.access import Actor
from tenants.current_tenant import use_tenant
from tenants.models import Tenant
from tests.harness.outboxes import delivered
from tests.harness.quotes import quote_of

pytestmark = pytest.mark.django_db


def save(copy_id: UUID, scope: Tenant, actor: Actor, change: Callable[[Changeset], object]) -> None:
    with batch.find_and_lock(copy_id, scope=scope, actor=actor) as context:
        change(context.changeset)
        context.save()


def submit(copy_id: UUID, scope: Tenant, actor: Actor) -> None:
    save(copy_id, scope, actor, lambda changeset: changeset.quote_requests.request("PA-CARE").queue())
    save(copy_id, scope, actor, lambda changeset: next(iter(changeset.quote_requests)).submit(payload_hash="1"))


def quote(copy_id: UUID, scope: Tenant, actor: Actor) -> None:
    def take(changeset: Changeset) -> None:
        (request,) = changeset.quote_requests
        request.receive(quote_of(request))

    save(copy_id, scope, actor, take)


def state_of(copy_id: UUID, scope: Tenant) -> str:
    with use_tenant(scope):
        return QuoteRequest.objects.get(copy_id=copy_id).state


@pytest.fixture(autouse=True)
def one_current_quote(kennels: Tenant) -> None:
    """Let the tenant want one current quote per form and carrier."""
    kennels.quotes_staleness = True
    kennels.save()


@pytest.fixture
def copies(make_form: Callable[..., UUID], kennels: Tenant, agent: Actor) -> tuple[UUID, UUID]:
    """Return two copies of one form; the first holds a quote."""
    form_id = make_form()
    with batch.build_copy(form_id, scope=kennels, actor=agent) as context:
        context.save()
        other = context.copy.id
    submit(form_id, kennels, agent)
    quote(form_id, kennels, agent)
    return form_id, other


def test_the_other_copys_quote_becomes_stale_when_the_relay_runs(
    copies: tuple[UUID, UUID], kennels: Tenant, agent: Actor
) -> None:
    first, second = copies
    drain("default")
    assert state_of(first, kennels) == "quoted"

    with bound_contextvars(correlation_id="asked-again"):
        submit(second, kennels, agent)
    drain("default")

    assert (state_of(first, kennels), state_of(second, kennels)) == ("stale", "submitted")
    with use_tenant(kennels):
        assert not OutboxAction.objects.filter(kind="mark_quotes_stale").exists()


def test_a_repeated_delivery_marks_once(copies: tuple[UUID, UUID], kennels: Tenant, agent: Actor) -> None:
    first, second = copies
    submit(second, kennels, agent)
    drain("default")
    with use_tenant(kennels):
        version = Copy.objects.get(id=first).version

        handler_of("mark_quotes_stale")(_delivered(second, kennels))

        assert Copy.objects.get(id=first).version == version


def test_a_copy_in_a_save_is_retried(
    copies: tuple[UUID, UUID], kennels: Tenant, agent: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = copies
    monkeypatch.setattr(staleness, "_WAIT_SECONDS", 0.0)

    with (
        CopyLock(kennels.pk, first, wait=0, holder=holder_of(agent)),
        use_tenant(kennels),
        pytest.raises(RetryAfter),
    ):
        staleness.mark_quotes_stale(_delivered(second, kennels))

    assert state_of(first, kennels) == "quoted"


def test_other_copies_keep_their_quotes_unless_the_tenant_wants_it(
    copies: tuple[UUID, UUID], kennels: Tenant, agent: Actor
) -> None:
    kennels.quotes_staleness = False
    kennels.save()
    submit(copies[1], kennels, agent)

    drain("default")

    assert state_of(copies[0], kennels) == "quoted"


def test_a_locked_copy_keeps_its_quote(copies: tuple[UUID, UUID], kennels: Tenant, agent: Actor) -> None:
    first, second = copies
    save(first, kennels, agent, lambda changeset: changeset.copy.lock())

    with use_tenant(kennels):
        staleness.mark_quotes_stale(_delivered(second, kennels))

    assert state_of(first, kennels) == "quoted"


def _delivered(copy_id: UUID, tenant: Tenant) -> Delivered:
    with use_tenant(tenant):
        carrier = QuoteRequest.objects.values_list("carrier", flat=True)[0]
    return delivered(MarkQuotesStale(copy_id=str(copy_id), carrier=carrier), tenant)
