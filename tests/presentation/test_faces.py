"""The values that every face shows of a form whose questions a later release removed, protected and opened: real pages,
responses and messages, as a table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final
from uuid import UUID

import msgspec
import pytest
from django.test import Client
from django.urls import reverse
from structlog.testing import capture_logs

from actions.models import OutboxAction
from batch import service as batch
from batch.effects import after_commit
from batch.effects.actions_of_save import live_facts
from catalogue.releases import forget_compiled_releases
from rules.definition.catalogue import CatalogueDefinition, ProductRule, Question, Sensitivity
from search.indexer import index_copies
from tenants.access import Right, Role
from tenants.current_tenant import use_tenant
from tenants.models import ApiClient, Tenant, User
from tests.harness.api_client import Api
from tests.harness.cast import PASSWORD
from tests.harness.guests import guest_of
from tests.harness.kennel_catalogue import ANSWERS, HOUSES, KENNELS
from tests.harness.later_releases import publish_release

pytestmark = pytest.mark.django_db

#: Each question with its sensitivity in the first release and in the second (None: removed), and the word that only its
#: answers contain.
NOTES: Final[dict[str, tuple[Sensitivity, Sensitivity | None, str]]] = {
    "public_note": ("", "", "quagga"),
    "personal_note": ("pii", "pii", "okapi"),
    "secret_note": ("spi", "spi", "numbat"),
    "removed_note": ("pii", None, "bilby"),
    "closed_note": ("", "spi", "dugong"),
    "opened_note": ("pii", "", "wombat"),
    "unsealed_note": ("spi", "", "tapir"),
}
WORDS: Final = frozenset(word for _, _, word in NOTES.values())
WITHOUT_PERSONAL: Final = [right for right in Right if right is not Right.READ_PERSONAL]


def catalogue(release: int) -> CatalogueDefinition:
    """Return the kennel catalogue with the notes of this release; a product's rule reads them all."""
    known = {code: note[release] for code, note in NOTES.items() if note[release] is not None}
    notes = tuple(
        Question(code=code, label=code, type="text", sensitivity=sensitivity, indexed=True)  # type: ignore[arg-type]
        for code, sensitivity in known.items()
    )
    start, *others = KENNELS.question_sets
    care, *products = KENNELS.products
    rule = ProductRule(
        id="N1", when=" && ".join(f'{code} != "nothing"' for code in known), then="refer", why="Has notes"
    )
    return msgspec.structs.replace(
        KENNELS,
        question_sets=(msgspec.structs.replace(start, questions=(*start.questions, *notes)), *others),
        products=(msgspec.structs.replace(care, rules=(*care.rules, rule)), *products),
    )


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return the live updates of all saves, as they are published."""
    facts: list[dict[str, Any]] = []
    monkeypatch.setattr(after_commit, "_registered", [lambda saves: facts.extend(map(live_facts, saves))])
    return facts


@pytest.fixture
def copy_id(harbor: Tenant, owner: User, heard: list[dict[str, Any]]) -> Iterator[UUID]:
    """Return a form that was answered twice under the first release and saved once under the second."""
    forget_compiled_releases()
    publish_release(catalogue(0))
    actor = owner.as_actor(source="web")
    with batch.build_context(scope=harbor, actor=actor, catalogue="kennels") as context:
        notes = {code: f"{word} one" for code, (_, _, word) in NOTES.items()}
        context.changeset.apply_answers({**ANSWERS, **notes}, {"houses": HOUSES})
        context.save()
    with batch.find_and_lock(context.copy.id, scope=harbor, actor=actor) as context:
        context.changeset.apply_answers({code: f"{word} two" for code, (_, _, word) in NOTES.items()})
        context.save()
    publish_release(catalogue(1))
    with batch.find_and_lock(context.copy.id, scope=harbor, actor=actor) as context:
        context.changeset.find_answer("kennel_name").apply("Quiet Paws")
        context.save()
    yield context.copy.id
    forget_compiled_releases()


def words(text: str) -> set[str]:
    """Return the words of notes that ``text`` contains."""
    return {word for word in WORDS if word in text}


def read(client: Client, address: str, *, post: bool = False) -> str:
    """Return the page at ``address``."""
    response = client.post(address) if post else client.get(address)
    assert response.status_code == 200, (address, response.content)
    return response.content.decode()


def parts(page: str) -> dict[str, set[str]]:
    """Return the words in the document and in the revisions of the admin's page of a copy."""
    document, _, revisions = page.partition('id="staff-revisions"')
    return {"document": words(document), "revisions": words(revisions)}


PUBLIC, PERSONAL, OPENED, CLOSED = {"quagga"}, {"okapi"}, {"wombat"}, {"dugong"}
#: The shown value of a present answer with the right to personal answers and without it; and that of a past one.
TODAY: Final = (PUBLIC | PERSONAL | OPENED, PUBLIC)
PAST: Final = (PUBLIC | PERSONAL | OPENED, PUBLIC)
API: Final = {
    "/copies/{id}": TODAY,
    "/copies/{id}?at_version=2": PAST,
    "/copies/{id}/history": PAST,
    "/copies/{id}/changes?since=0": PAST,
    "/copies/{id}/explain?target=product:PA-CARE": TODAY,
    "/copies/{id}/explain?target=product:PA-CARE&at_version=2": PAST,
    "/application_forms/{id}": TODAY,
}


@pytest.mark.parametrize("path", API)
def test_the_api(harbor_client: ApiClient, copy_id: UUID, path: str) -> None:
    readers = [Api(harbor_client), Api(harbor_client, WITHOUT_PERSONAL)]

    seen = []
    for reader in readers:
        response = reader.get(path.format(id=copy_id))
        assert response.status_code == 200, response.content
        seen.append(words(response.content.decode()))

    assert tuple(seen) == API[path]


def test_past_masks_are_shown_unchanged(harbor_client: ApiClient, copy_id: UUID) -> None:
    api = Api(harbor_client)

    now, then = api.get(f"/copies/{copy_id}").json(), api.get(f"/copies/{copy_id}?at_version=2").json()

    shown = ("value", "sensitive", "masked")
    expected = {
        "secret_note": ("••••  two", "spi", True),
        "unsealed_note": ("••••  two", "spi", True),
        "removed_note": ("••••", "spi", True),
    }
    # The save under the second release has sealed it; the version before holds no mask.
    closed = [("••••  two", "spi", True), ("••••", "spi", True)]
    for copy, closed_note in zip((now, then), closed, strict=True):
        expected["closed_note"] = closed_note
        assert {code: tuple(copy["answers"][code][key] for key in shown) for code in expected} == expected


def test_agents_pages(sign_in: Callable[[User], Client], owner: User, copy_id: UUID) -> None:
    agent = sign_in(owner)

    assert words(read(agent, f"/forms/{copy_id}")) == TODAY[0]
    assert words(read(agent, f"/forms/{copy_id}/history")) == PAST[0]
    assert words(read(agent, f"/forms/{copy_id}/why?target=PA-CARE")) == TODAY[0]


def test_the_guests_page(harbor: Tenant, copy_id: UUID) -> None:
    guest, _ = guest_of(harbor, copy_id)

    assert words(read(guest, f"/guest/{copy_id}/form")) == TODAY[1]


def test_the_admin(sign_in: Callable[[User], Client], staff: User, copy_id: UUID) -> None:
    junior = User.objects.create_superuser("junior@partner-engine.example", PASSWORD)
    assert junior.role == Role.STAFF

    page = read(sign_in(junior), f"/admin/copies/copy/{copy_id}/change/")
    personal = read(sign_in(staff), f"/admin/copies/copy/{copy_id}/personal/", post=True)

    assert parts(page) == {"document": TODAY[1], "revisions": PAST[1]}
    assert parts(personal) == {"document": TODAY[0], "revisions": PAST[0]}


def test_messages_for_all_readers(harbor: Tenant, owner: User, copy_id: UUID, heard: list[dict[str, Any]]) -> None:
    with batch.find_and_lock(copy_id, scope=harbor, actor=owner.as_actor(source="web")) as context:
        given = {code: f"{word} three" for code, (_, now, word) in NOTES.items() if now is not None}
        context.changeset.apply_answers(given)
        with capture_logs() as logs:
            context.save()
    with use_tenant(harbor):
        events = list(OutboxAction.objects.order_by("id").values_list("version", "payload"))

    # A live update is gone once it was sent. An event that waits loses what became secret; a change names no value that
    # was personal before it.
    assert [words(str(facts)) for facts in heard] == [PUBLIC | CLOSED, PUBLIC | CLOSED, set(), PUBLIC]
    told = [words(str([payload for made, payload in events if made == version])) for version in (1, 2, 3, 4)]
    assert told == [PUBLIC, PUBLIC, set(), PUBLIC]
    assert words(str(logs)) == set()


def test_search(harbor: Tenant, harbor_client: ApiClient, copy_id: UUID) -> None:
    index_copies([copy_id], tenant=harbor)

    def found(reader: Api) -> set[str]:
        return {word for word in WORDS if reader.get(f"/search?q={word}").json()["results"]}

    assert found(Api(harbor_client)) == TODAY[0]
    assert found(Api(harbor_client, WITHOUT_PERSONAL)) == TODAY[1]


@pytest.mark.parametrize(("sensitivity", "is_shown"), [("", True), ("pii", False), ("spi", False)])
def test_the_insureds_name_in_lists(
    sign_in: Callable[[User], Client],
    harbor_client: ApiClient,
    staff: User,
    owner: User,
    copy_id: UUID,
    sensitivity: Sensitivity,
    is_shown: bool,
) -> None:
    base = catalogue(1)
    start, *others = base.question_sets
    questions = tuple(
        msgspec.structs.replace(question, sensitivity=sensitivity) if question.code == "kennel_name" else question
        for question in start.questions
    )
    sets = (msgspec.structs.replace(start, questions=questions), *others)
    publish_release(msgspec.structs.replace(base, question_sets=sets, title="Boarding kennels again"))

    def is_named(page: str) -> bool:
        return "Quiet Paws" in page

    readers = (Api(harbor_client), Api(harbor_client, WITHOUT_PERSONAL))
    # A summary is one for all readers, so it names no insured whose name is personal; the form has the answer itself.
    for path in ("/application_forms", f"/search?q={copy_id}"):
        assert [is_named(reader.get(path).content.decode()) for reader in readers] == [is_shown] * 2, path
    form = [is_named(reader.get(f"/application_forms/{copy_id}").content.decode()) for reader in readers]
    assert form == [sensitivity != "spi", is_shown]
    assert is_named(read(sign_in(owner), reverse("web:forms"))) is is_shown
    for path in ("copies/copy/", "forms/applicationform/", f"forms/applicationform/{copy_id}/change/"):
        assert is_named(read(sign_in(staff), f"/admin/{path}")) is is_shown, path
