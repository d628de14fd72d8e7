"""The kinds besides setting answers and undoing: what each does, what it refuses, and that a dry run ends alike."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from actions.models import OutboxAction
from batch import service as batch
from catalogue.loader import load
from catalogue.releases import publish
from copies.models import Copy, CopyRevision
from forms.models import ApplicationForm
from operations.kinds.copy_kind import CopyItem
from operations.kinds.export_forms import export_lines
from operations.kinds.kind import CHANGED, UNCHANGED, ItemEnd
from operations.kinds.registry import KINDS, UnknownKind, kind_named
from operations.kinds.tenant_export import exported_versions
from operations.models import ItemState, OperationItem
from search.models import SearchEntry
from tenants.access import Actor, MissingRight, Right, Role
from tenants.current_tenant import use_tenant
from tenants.models import Tenant, User
from tests.harness.bindings import make_busy
from tests.harness.certain_text import certain
from tests.harness.kennel_catalogue import KENNELS
from tests.harness.kind_runs import KindRun, without_ids
from tests.harness.later_releases import publish_release, with_sensitivity

pytestmark = pytest.mark.django_db


@pytest.fixture
def forms(make_form: Callable[..., UUID]) -> list[UUID]:
    return [make_form({"kennel_name": f"Kennel {number}", "owner_phone": "512-555-0100"}) for number in range(2)]


@pytest.fixture
def colleague(kennels: Tenant) -> User:
    return User.objects.create_user("next@kennels.example", "secret", role=Role.AGENT, tenant=kennels)


def items(forms: Sequence[UUID]) -> list[dict[str, Any]]:
    return [{"id": form_id} for form_id in forms]


def planned_and_done(
    operation: KindRun, code: str, forms: Sequence[UUID], arguments: dict[str, Any] | None = None
) -> list[ItemEnd]:
    """Return the ends of a run whose dry run wrote nothing and ended alike."""
    counted = (CopyRevision, OutboxAction, SearchEntry, ApplicationForm)
    with use_tenant(operation.tenant):
        before = [model.objects.count() for model in counted]
    planned = operation.run(kind_named(code), items(forms), arguments, is_dry_run=True)
    with use_tenant(operation.tenant):
        assert [model.objects.count() for model in counted] == before
    assert operation.recorded == []
    done = operation.run(kind_named(code), items(forms), arguments)
    made = {"copy_id": None, "application_form_id": None, "undo": None}
    assert [msgspec.structs.replace(end, **made) for end in without_ids(planned)] == [
        msgspec.structs.replace(end, **made) for end in without_ids(done)
    ]
    return done


def codes(ends: Sequence[ItemEnd]) -> list[str]:
    return [end.refusal.code if end.refusal else end.outcome for end in ends]


def test_every_kind_has_a_title_and_a_description_of_its_own() -> None:
    texts = [(kind.title, kind.description) for kind in KINDS.values()]

    assert len({*texts}) == len(texts)
    assert all(code == kind.code for code, kind in KINDS.items())
    with pytest.raises(UnknownKind):
        kind_named("nothing_of_the_kind")


def test_no_kind_works_without_its_right(forms: list[UUID], kennels: Tenant, agent: Actor) -> None:
    operation = KindRun(kennels, replace(agent, rights=frozenset({Right.READ_CATALOGUE})))
    arguments: dict[str, dict[str, Any]] = {"transfer_owner": {"owner_id": None}, "undo": {"operation_id": uuid4()}}
    of_copies = [kind for kind in KINDS.values() if issubclass(kind.item_type, CopyItem)]

    for kind in of_copies:
        with pytest.raises(MissingRight):
            operation.run(kind, items(forms), arguments.get(kind.code))
    with pytest.raises(MissingRight):
        operation.run(kind_named("undo"), [{"item_id": uuid4()}], arguments["undo"])


def test_a_clone_is_a_form_of_its_own(forms: list[UUID], operation: KindRun, kennels: Tenant) -> None:
    ends = planned_and_done(operation, "clone", forms)

    assert codes(ends) == [CHANGED, CHANGED]
    assert [end.result["copies"] for end in ends] == [1, 1]
    assert operation.recorded == ends
    with use_tenant(kennels):
        assert ApplicationForm.objects.count() == 4
        clone = Copy.objects.get(pk=ends[0].copy_id)
    assert (clone.copied_from_id, clone.application_form_id) == (forms[0], ends[0].application_form_id)


def test_a_renewal_begins_without_an_evaluation_date(kennels: Tenant, agent: Actor, operation: KindRun) -> None:
    with batch.build_context(scope=kennels, actor=agent, as_of="2025-01-01") as context:  # type: ignore[arg-type]
        context.changeset.apply_answers({"kennel_name": "Past"})
        context.save()
        form_id = context.form.id

    (end,) = planned_and_done(operation, "renew", [form_id])

    with use_tenant(kennels):
        assert ApplicationForm.objects.get(pk=end.application_form_id).as_of is None


def test_a_clone_that_is_not_recorded_is_not_made(forms: list[UUID], operation: KindRun, kennels: Tenant) -> None:
    operation.recorded = _Lost()

    with pytest.raises(InterruptedError):
        operation.run(kind_named("clone"), items(forms))

    with use_tenant(kennels):
        assert ApplicationForm.objects.count() == 2


class _Lost(list[ItemEnd]):
    def extend(self, ends: Any) -> None:
        raise InterruptedError


def test_copies_get_another_owner(forms: list[UUID], operation: KindRun, colleague: User, kennels: Tenant) -> None:
    ends = planned_and_done(operation, "transfer_owner", forms, {"owner_id": str(colleague.pk)})

    assert codes(ends) == [CHANGED, CHANGED]
    with use_tenant(kennels):
        assert set(Copy.objects.values_list("owner_id", flat=True)) == {colleague.pk}
    again = operation.run(kind_named("transfer_owner"), items(forms), {"owner_id": str(colleague.pk)})
    assert codes(again) == [UNCHANGED, UNCHANGED]


def test_an_owner_must_be_an_active_user_of_the_tenant(
    kennels: Tenant, agent: Actor, colleague: User, stranger: User
) -> None:
    kind = kind_named("transfer_owner")
    found = [
        kind.refuse_arguments(kind.arguments_type(owner_id=owner), tenant=kennels, actor=agent)
        for owner in (colleague.pk, None, stranger.pk, uuid4())
    ]

    assert [refusal and refusal.code for refusal in found] == [None, None, "unknown_user", "unknown_user"]


def test_archived_forms_are_gone_from_lists(forms: list[UUID], operation: KindRun) -> None:
    ends = planned_and_done(operation, "archive", forms[:1])

    assert codes(ends) == [CHANGED]
    assert codes(operation.run(kind_named("archive"), items(forms))) == ["copy_deleted", CHANGED]


@pytest.mark.parametrize(("obstacle", "code"), [("lock", "copy_locked"), ("binding", "binding_under_way")])
def test_a_form_is_not_archived_while_another_copy_is_busy(
    obstacle: str, code: str, forms: list[UUID], operation: KindRun, kennels: Tenant, agent: Actor
) -> None:
    with batch.build_copy(forms[0], scope=kennels, actor=agent) as context:
        context.save()
        second = context.copy.id
    make_busy(forms[0], obstacle, scope=kennels, actor=agent)

    ends = planned_and_done(operation, "archive", [second, forms[1]])

    assert codes(ends) == [code, CHANGED]
    assert ends[0].refusal is not None and '"Base"' in ends[0].refusal.detail
    with use_tenant(kennels):
        assert ApplicationForm.objects.get(pk=forms[0]).deleted_at is None


def test_the_last_copy_of_a_form_is_not_deleted(
    forms: list[UUID], operation: KindRun, kennels: Tenant, agent: Actor
) -> None:
    with batch.build_copy(forms[0], scope=kennels, actor=agent) as context:
        context.save()
        second = context.copy.id

    ends = operation.run(kind_named("archive"), items([second, forms[1]]), {"copies_only": True})

    assert codes(ends) == [CHANGED, "last_copy"]


def test_copies_are_decided_anew_with_the_current_release(forms: list[UUID], operation: KindRun) -> None:
    dearer = msgspec.structs.replace(
        KENNELS.products[0], rating=msgspec.structs.replace(KENNELS.products[0].rating, minimum="500")
    )
    publish(load(msgspec.structs.replace(KENNELS, products=(dearer, *KENNELS.products[1:]))), actor_id="test")
    moved = {"before": {"outcome": "eligible", "premium": 500}, "after": {"outcome": "eligible", "premium": 300}}

    compared = planned_and_done(operation, "re_evaluate", forms, {"release": 1})
    ends = planned_and_done(operation, "re_evaluate", forms)

    assert compared[0].result == {"release": 1, "eligibility": {"PA-CARE": moved}}
    assert codes(compared) == [UNCHANGED, UNCHANGED]
    assert ends[0].result["eligibility"] == {"PA-CARE": {"before": moved["after"], "after": moved["before"]}}
    assert codes(operation.run(kind_named("re_evaluate"), items(forms))) == [UNCHANGED, UNCHANGED]


def test_only_a_published_release_decides(kennels: Tenant, agent: Actor) -> None:
    kind = kind_named("re_evaluate")

    refusal = kind.refuse_arguments(kind.arguments_type(release=9), tenant=kennels, actor=agent)

    assert refusal is not None
    assert refusal.code == "unknown_release"


def test_words_are_in_the_index_again(forms: list[UUID], operation: KindRun, kennels: Tenant) -> None:
    with use_tenant(kennels):
        SearchEntry.objects.all().delete()

    ends = planned_and_done(operation, "reindex", [*forms, uuid4()])

    assert codes(ends) == [UNCHANGED, UNCHANGED, "not_found"]
    with use_tenant(kennels):
        assert set(SearchEntry.objects.values_list("pk", flat=True)) == set(forms)


def exported(ends: Sequence[ItemEnd], tenant: Tenant, actor: Actor) -> list[dict[str, Any]]:
    rows = [
        OperationItem(copy_id=end.copy_id, version_after=end.version_after, state=ItemState.COMPLETED) for end in ends
    ]
    return [json.loads(line) for line in export_lines(rows, tenant=tenant, actor=actor)]


def test_an_export_shows_the_version_of_then_as_far_as_the_reader_may_see_it(
    forms: list[UUID], operation: KindRun, kennels: Tenant, agent: Actor
) -> None:
    ends = planned_and_done(operation, "export", forms)
    with batch.find_and_lock(forms[0], scope=kennels, actor=agent) as context:
        context.changeset.apply_answers({"kennel_name": "Later"})
        context.save()
    blind = replace(agent, rights=agent.rights - {Right.READ_PERSONAL})

    seen = exported(ends, kennels, agent)
    masked = exported(ends, kennels, blind)

    assert [row["answers"]["kennel_name"]["value"] for row in seen] == ["Kennel 0", "Kennel 1"]
    assert "512" in seen[0]["answers"]["owner_phone"]["value"]
    assert "512" not in certain(masked[0]["answers"]["owner_phone"])
    with pytest.raises(MissingRight):
        exported(ends, kennels, replace(agent, rights=frozenset({Right.WRITE_FORMS})))


def test_an_export_masks_what_any_release_on_the_way_called_confidential(
    forms: list[UUID], operation: KindRun, kennels: Tenant, agent: Actor
) -> None:
    first = operation.run(kind_named("export"), items(forms[:1]))
    publish_release(with_sensitivity(kennel_name="pii"))
    with batch.find_and_lock(forms[0], scope=kennels, actor=agent) as context:
        context.changeset.apply_answers({"cat_count": 3})
        context.save()
    publish_release(with_sensitivity(kennel_name=""))
    blind = replace(agent, rights=agent.rights - {Right.READ_PERSONAL})

    [masked], [seen] = exported(first, kennels, blind), exported(first, kennels, agent)

    assert "Kennel" not in str(masked["answers"]["kennel_name"])
    assert seen["answers"]["kennel_name"]["value"] == "Kennel 0"


def test_quotes_are_requested_of_the_open_products(forms: list[UUID], operation: KindRun) -> None:
    ends = operation.run(kind_named("requote"), items(forms), {"products": ["PA-CARE"]})
    closed = operation.run(kind_named("requote"), items(forms), {"products": ["WO-CARE"]})

    assert codes(ends) == [CHANGED, CHANGED]
    assert ends[0].result["requested"] == ["PA-CARE"]
    assert codes(closed) == ["nothing_to_quote", "nothing_to_quote"]


def test_what_changed_is_exported_once(forms: list[UUID], operation: KindRun, kennels: Tenant, agent: Actor) -> None:
    kind = kind_named("tenant_export")

    def lines(ends: Sequence[ItemEnd], actor: Actor = agent) -> list[dict[str, Any]]:
        rows = [OperationItem(copy_id=end.copy_id, result=end.result, state=ItemState.COMPLETED) for end in ends]
        return [json.loads(line) for line in exported_versions(rows, tenant=kennels, actor=actor)]

    first = planned_and_done(operation, "tenant_export", forms)
    nothing = operation.next().run(kind, items(forms))
    with batch.find_and_lock(forms[0], scope=kennels, actor=agent) as context:
        context.changeset.apply_answers({"owner_phone": "512-555-0199"})
        context.save()
    second = operation.next().run(kind, items(forms))
    everything = operation.next().run(kind, items(forms), {"from_start": True})
    blind = replace(agent, rights=agent.rights - {Right.READ_PERSONAL})

    assert operation.recorded == first
    assert [end.result for end in nothing] == [{"first": None, "last": None}] * 2
    assert [end.result["first"] for end in second] == [2, None]
    ids = [line["id"] for line in lines(first) + lines(nothing) + lines(second)]
    assert ids == [f"{forms[0]}@1", f"{forms[1]}@1", f"{forms[0]}@2"]
    assert [line["version"] for line in lines(everything)] == [1, 2, 1]
    assert "0199" in certain(lines(second))
    assert "0199" not in certain(lines(second, blind))
    with pytest.raises(MissingRight):
        lines(first, replace(agent, rights=frozenset({Right.WRITE_FORMS})))
