"""The page of proposed answers: its preview, both orders, a conflict; and the proposals at their questions."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec
import pytest
from django.test import Client

from batch import service as batch
from batch.changes.proposals import ProposedValue, propose
from batch.context import BatchContext
from tenants.models import User
from tests.harness.page_client import Page, StartForm

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(owner: User, sign_in: Callable[[User], Client]) -> Client:
    return sign_in(owner)


@pytest.fixture
def copy_id(start_form: StartForm, owner: User) -> str:
    """Return a copy with two values of a document beside its answers."""
    assert owner.tenant is not None
    copy_id = start_form({"mqs_business_name": "Copper Kettle", "mqs_annual_revenue": 480_000})
    values = [
        ProposedValue(path="mqs_annual_revenue", value="$990,000", locator="page 2", confidence=0.7),
        ProposedValue(path="mqs_mail_state", value="TX", confidence=0.97),
    ]
    with batch.find_and_lock(copy_id, scope=owner.tenant, actor=owner.as_actor(source="web")) as context:
        propose(context.changeset, values, type_="document", name="acord-125.pdf")
        context.save()
    return copy_id


def picks(content: str) -> list[str]:
    return re.findall(r'name="pick"\s+value="([^"]+)"', content)


def test_a_proposal_is_accepted_or_dismissed_at_its_question(
    client: Client, copy_id: str, read: Callable[[str], BatchContext]
) -> None:
    page = Page(client, copy_id)
    shown = page.show()
    assert "from acord-125.pdf, page 2 (70% sure)" in shown
    assert re.search(r"Review \d proposed answer", shown)
    codes = re.findall(r'data-confirm="(\w+)"\s+data-code="((?:proposed|dismissed):[^"]+)"', shown)
    assert len(codes) == 4
    orders = {(path, code.partition(":")[0]): code for path, code in codes}

    assert (
        page.order("confirm", "mqs_annual_revenue", code=orders["mqs_annual_revenue", "dismissed"]).status_code == 200
    )
    assert page.order("confirm", "mqs_mail_state", code=orders["mqs_mail_state", "proposed"]).status_code == 200

    answers = read(copy_id).changeset.document.answers
    assert (answers["mqs_annual_revenue"].value, answers["mqs_annual_revenue"].proposed) == (480_000, None)
    assert (answers["mqs_mail_state"].value, answers["mqs_mail_state"].proposed) == ("TX", None)
    history = client.get(f"/forms/{copy_id}/history").content.decode()
    assert "proposed by acord-125.pdf (97% sure)" in history
    assert "proposal dismissed" in history


def test_all_of_a_set_are_accepted_after_a_preview(
    client: Client, copy_id: str, read: Callable[[str], BatchContext]
) -> None:
    content = client.get(f"/forms/{copy_id}/proposed").content.decode()
    assert "in place of <bdi>$480,000</bdi>" in content
    assert len(picks(content)) == 2
    assert (
        "Nothing is proposed in this question set"
        in client.get(f"/forms/{copy_id}/proposed?set=qs_auto").content.decode()
    )

    done = client.post(f"/forms/{copy_id}/proposed/settle", {"order": "accept", "pick": picks(content)})

    assert (done.status_code, done.url) == (302, f"/forms/{copy_id}")  # type: ignore[attr-defined]
    answers = read(copy_id).changeset.document.answers
    assert (answers["mqs_annual_revenue"].value, answers["mqs_mail_state"].value) == (990_000, "TX")
    again = client.post(f"/forms/{copy_id}/proposed/settle", {"order": "accept", "pick": picks(content)})
    assert (again.status_code, "Nothing was changed" in again.content.decode()) == (409, True)


def test_the_page_states_that_some_no_longer_fit(client: Client, copy_id: str, owner: User) -> None:
    assert owner.tenant is not None
    with batch.find_and_lock(copy_id, scope=owner.tenant, actor=owner.as_actor(source="web")) as context:
        propose(context.changeset, [ProposedValue(path="mqs_mail_state", value="OH")], type_="model", name="reader")
        answer = context.changeset.document.answers["mqs_mail_state"]
        assert answer.proposed is not None
        # As a release leaves it that takes the choice away.
        answer.proposed = msgspec.structs.replace(answer.proposed, value="Texahoma")
        context.save()

    content = client.get(f"/forms/{copy_id}/proposed").content.decode()

    assert "some no longer fit their questions" in content
    assert "moves no product" not in content


def test_too_many_are_refused_and_none_is_accepted(
    client: Client, copy_id: str, read: Callable[[str], BatchContext]
) -> None:
    chosen = picks(client.get(f"/forms/{copy_id}/proposed").content.decode())

    refused = client.post(f"/forms/{copy_id}/proposed/settle", {"order": "accept", "pick": chosen * 451})

    assert (refused.status_code, "Choose at most 900" in refused.content.decode()) == (422, True)
    assert read(copy_id).changeset.document.answers["mqs_mail_state"].value is None


@pytest.mark.parametrize(
    ("body", "status"),
    [({"order": "accept"}, 422), ({"order": "nothing", "pick": "a b"}, 400), ({"order": "accept", "pick": "ab"}, 400)],
)
def test_a_malformed_order_is_refused(client: Client, copy_id: str, body: dict[str, str], status: int) -> None:
    assert client.post(f"/forms/{copy_id}/proposed/settle", body).status_code == status


def test_a_refused_proposal_names_its_question(
    client: Client, copy_id: str, owner: User, read: Callable[[str], BatchContext]
) -> None:
    assert owner.tenant is not None
    with batch.find_and_lock(copy_id, scope=owner.tenant, actor=owner.as_actor(source="web")) as context:
        answer = context.changeset.document.answers["mqs_mail_state"]
        assert answer.proposed is not None
        # As a release leaves it that takes the choice away.
        answer.proposed = msgspec.structs.replace(answer.proposed, value="Texahoma")
        context.changeset.copy.rename("Texahoma")
        context.save()
    label = read(copy_id).release.compiled.questions["mqs_mail_state"].question.label
    chosen = picks(client.get(f"/forms/{copy_id}/proposed").content.decode())

    refused = client.post(f"/forms/{copy_id}/proposed/settle", {"order": "accept", "pick": chosen})

    assert refused.status_code == 422
    assert f"Nothing was changed. {label}: This is not one of the choices." in refused.content.decode()
    assert read(copy_id).changeset.document.answers["mqs_annual_revenue"].value == 480_000


def test_the_card_counts_anew_when_a_row_with_proposals_is_removed_or_put_back(
    client: Client, start_form: StartForm, owner: User, read: Callable[[str], BatchContext]
) -> None:
    assert owner.tenant is not None
    copy_id = start_form({"mqs_lobs": ["bop"]}, {"locations": [{}, {}]})
    first, second = (row.path for row in read(copy_id).changeset.find_pool("locations").rows)
    with batch.find_and_lock(copy_id, scope=owner.tenant, actor=owner.as_actor(source="web")) as context:
        values = [
            ProposedValue(path=f"{row}/mqs_loc_city", value="Waco") for row in (first, second)
        ]  # fmt: skip
        propose(context.changeset, values, type_="document", name="acord-125.pdf")
        context.save()
    page = Page(client, copy_id, version=2)
    counted = re.compile(r"Review\s+(\d)\s+proposed\s+answer")

    removed = page.order("remove", second).content.decode()
    page.version = 3
    back = page.order("put-back", second, version=2).content.decode()

    assert (counted.findall(removed), counted.findall(back)) == (["1"], ["2"])
