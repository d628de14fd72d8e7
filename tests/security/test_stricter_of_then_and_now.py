"""No face shows what the stricter of two releases hides: for random sensitivities then and now, of questions of several
types, at the top and in rows, before and after the first save and the sealing run. The expectation is computed here,
from the two sensitivities alone.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from typing import Any, Final
from uuid import UUID

import msgspec
import pytest
from django.core.management import call_command
from django.test import Client

from actions.models import OutboxAction
from actions.registry import Delivered
from batch import service as batch
from batch.effects import after_commit
from batch.effects.actions_of_save import live_facts
from catalogue.releases import forget_compiled_releases
from copies.codec import decode
from copies.history import contents
from copies.models import Copy, CopyRevision
from copies.stored_versions import Content
from rules.definition.catalogue import CatalogueDefinition, Derived, FormRule, ProductRule, Question
from search.indexer import index_copies
from tenants.access import Right
from tenants.current_tenant import use_tenant
from tenants.models import ApiClient, Tenant, User
from tests.harness.api_client import Api
from tests.harness.guests import guest_of
from tests.harness.kennel_catalogue import ANSWERS, HOUSES, KENNELS
from tests.harness.later_releases import publish_release
from tests.harness.tiers import amount, seeds
from webhooks.models import WebhookEndpoint, WebhookPayload
from webhooks.payloads import publish

pytestmark = pytest.mark.django_db

LEVELS: Final = ("", "pii", "spi")
#: Sensitivity then and now; None: the question was removed.
PAIRS: Final = [(then, now) for then in LEVELS for now in (*LEVELS, None)]
WITHOUT_PERSONAL: Final = [right for right in Right if right is not Right.READ_PERSONAL]


class Note:
    """One question with its sensitivities, and the texts that only its answers contain, by time of answering."""

    def __init__(self, number: int, then: str, now: str | None, draw: random.Random) -> None:
        self.code = f"note_{number}"
        self.then, self.now = then, now
        self.in_rows = draw.random() < 0.5
        self.type = draw.choice(("text", "text", "integer"))
        self.values = [self._value(draw) for _ in range(3)]

    def _value(self, draw: random.Random) -> Any:
        if self.type == "integer":
            return draw.randrange(10_000_000, 99_999_999)
        return "".join(draw.choices("bcdfghjklmnpqrstvwxz", k=12)) + " end"

    def token(self, time: int) -> str:
        """Return the part of the value that no mask shows."""
        return str(self.values[time]).removesuffix(" end")

    def level(self, time: int) -> str:
        """Return the stricter of then and now; the last value was given under the release of now."""
        now = "spi" if self.now is None else self.now
        return now if time == 2 else max(self.then, now, key=LEVELS.index)

    def question(self, sensitivity: str) -> Question:
        return Question(code=self.code, label=self.code, type=self.type, sensitivity=sensitivity, indexed=True)  # type: ignore[arg-type]


def catalogue(notes: list[Note], *, is_later: bool) -> CatalogueDefinition:
    """Return the kennels with the notes of one release; rules and derived numbers read them."""
    known = [(note, note.now if is_later else note.then) for note in notes]
    top = tuple(note.question(level) for note, level in known if level is not None and not note.in_rows)
    rows = tuple(note.question(level) for note, level in known if level is not None and note.in_rows)
    start, houses, *others = KENNELS.question_sets
    care, *products = KENNELS.products
    numbers = [question.code for question in top if question.type == "integer"]
    texts = [question.code for question in top if question.type == "text"]
    when = " && ".join(
        [*(f'{code} != "nothing"' for code in texts), *(f"{code} > 0" for code in numbers), "has_cats == false"]
    )
    rule = ProductRule(id="N1", when=when, then="refer", why="Has notes")
    row_rules = tuple(
        FormRule(
            id=f"R-{question.code}", when=f'{question.code} != "nothing"', then="warn", at=question.code, say="Noted"
        )
        for question in rows
        if question.type == "text"
    )
    return msgspec.structs.replace(
        KENNELS,
        question_sets=(
            msgspec.structs.replace(start, questions=(*start.questions, *top)),
            msgspec.structs.replace(houses, questions=(*houses.questions, *rows)),
            *others,
        ),
        derived=tuple(Derived(code=f"d_{code}", value=f"{code} * 1", show=True) for code in numbers),
        form_rules=(*KENNELS.form_rules, *row_rules),
        products=(msgspec.structs.replace(care, rules=(*care.rules, rule)), *products),
    )


class World:
    """One form under two releases, and every face of it."""

    def __init__(self, seed: int, harbor: Tenant, owner: User, client: ApiClient) -> None:
        draw = random.Random(seed)  # noqa: S311 - a test's draw
        pairs = draw.sample(PAIRS, amount(6, full=len(PAIRS)))
        self.notes = [Note(number, then, now, draw) for number, (then, now) in enumerate(pairs, 1)]
        self.harbor, self.actor = harbor, owner.as_actor(source="web")
        self.readers = {True: Api(client), False: Api(client, WITHOUT_PERSONAL)}
        publish_release(catalogue(self.notes, is_later=False))
        with batch.build_context(scope=harbor, actor=self.actor, catalogue="kennels") as context:
            context.changeset.apply_answers({**ANSWERS, **self._given(0, rows=False)}, {"houses": HOUSES})
            context.changeset.find_pool("houses").rows[0].find_answer("house_name").apply("North")
            self._fill_row(context.changeset, 0)
            context.save()
            self.copy_id: UUID = context.copy.id
        self.save(1)
        index_copies([self.copy_id], tenant=harbor)

    def _given(self, time: int, *, rows: bool) -> dict[str, Any]:
        known = [note for note in self.notes if note.in_rows is rows]
        return {note.code: note.values[time] for note in known if time < 2 or note.now is not None}

    def _fill_row(self, changeset: Any, time: int) -> None:
        row = changeset.find_pool("houses").rows[0]
        for code, value in self._given(time, rows=True).items():
            row.find_answer(code).apply(value)

    def save(self, time: int) -> None:
        """Answer every note anew."""
        with batch.find_and_lock(self.copy_id, scope=self.harbor, actor=self.actor) as context:
            context.changeset.apply_answers(self._given(time, rows=False))
            self._fill_row(context.changeset, time)
            context.save()

    def save_another_answer(self, name: str) -> None:
        with batch.find_and_lock(self.copy_id, scope=self.harbor, actor=self.actor) as context:
            context.changeset.find_answer("kennel_name").apply(name)
            context.save()

    def hidden(self, *, sees_personal: bool) -> set[str]:
        """Return the texts that a reader must not find anywhere."""
        allowed = ("", "pii") if sees_personal else ("",)
        return {note.token(time) for note in self.notes for time in range(3) if note.level(time) not in allowed}

    def addresses(self) -> Iterator[str]:
        url = f"/copies/{self.copy_id}"
        yield from (url, f"{url}?at_version=1", f"{url}?at_version=2", f"{url}?at=2035-01-01T00:00:00Z")
        yield from (f"{url}/history", f"{url}/changes?since=0", f"{url}/changes?since=1", f"{url}/changes?since=2")
        yield from (f"{url}/needed", f"/application_forms/{self.copy_id}", "/application_forms")
        for past in ("", "&at_version=1", "&at_version=2"):
            yield from (f"{url}/explain?target={kind}:PA-CARE{past}" for kind in ("product", "premium"))
            for note in self.notes[:: amount(3, full=1) if past else 1]:
                targets = [f"question:{note.code}", *([f"derived:d_{note.code}"] if note.type == "integer" else [])]
                yield from (f"{url}/explain?target={target}{past}" for target in targets)


def found(content: str, tokens: set[str]) -> set[str]:
    """Return the ``tokens`` in ``content``, numbers with or without separators."""
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", content)
    return {token for token in tokens if token in content or token in plain}


@pytest.fixture(autouse=True)
def fresh_releases() -> Iterator[None]:
    forget_compiled_releases()
    yield
    forget_compiled_releases()


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return the live updates of all saves."""
    facts: list[dict[str, Any]] = []
    monkeypatch.setattr(after_commit, "_registered", [lambda saves: facts.extend(map(live_facts, saves))])
    return facts


def assert_nothing_shown(world: World, agent: Client, guest: Client, staff: Client) -> None:
    """Check every reading face for what its reader must not see."""
    for sees_personal, api in world.readers.items():
        hidden = world.hidden(sees_personal=sees_personal)
        for address in world.addresses():
            content = api.get(address).content.decode()
            assert found(content, hidden) == set(), (address, sees_personal)
        for token in hidden:
            results = api.get(f"/search?q={token}").json()["results"]
            assert results == [], (token, sees_personal)
    id_ = world.copy_id
    pages = [
        (agent, f"/forms/{id_}", True),
        (agent, f"/forms/{id_}/history", True),
        (agent, f"/forms/{id_}/why?target=PA-CARE", True),
        (guest, f"/guest/{id_}/form", False),
        (staff, f"/admin/copies/copy/{id_}/change/", False),
    ]
    for client, address, sees_personal in pages:
        response = client.get(address)
        assert response.status_code == 200, address
        assert found(response.content.decode(), world.hidden(sees_personal=sees_personal)) == set(), address


def stored(world: World) -> str:
    """Return everything that is stored of the form, as text."""
    with use_tenant(world.harbor):
        texts = [
            str(row)
            for row in (
                *Copy.objects.values_list("search_text", "search_personal", "summary"),
                *OutboxAction.objects.values_list("payload", flat=True),
                *WebhookPayload.objects.values_list("body", flat=True),
            )
        ]
        for row in Copy.objects.all():
            versions = [Content.of(bytes(row.document), bytes(row.evaluation))]
            versions += [content for _, content in contents(row.pk)]
            texts += [part.decode("utf-8", "replace") for content in versions for part in content]
        texts += [str(decode(bytes(row.changes), list)) for row in CopyRevision.objects.all()]
    return "\n".join(texts)


@pytest.mark.parametrize("seed", seeds(3))
def test_no_face_shows_what_the_stricter_hides(
    seed: int,
    harbor: Tenant,
    harbor_client: ApiClient,
    owner: User,
    staff: User,
    sign_in: Callable[[User], Client],
    heard: list[dict[str, Any]],
) -> None:
    world = World(seed, harbor, owner, harbor_client)
    guest, _ = guest_of(harbor, world.copy_id)
    agent, admin = sign_in(owner), sign_in(staff)
    with use_tenant(harbor):
        WebhookEndpoint.objects.create(
            tenant_id=harbor.id,
            url="https://partner.example/hook",
            event_types=["*"],
            secret=b"x",
            created_at="2026-01-01T00:00:00Z",
            created_by="test",
        )
    deliver(harbor, versions=(1,))  # one event is stored as a payload already, the others wait

    release = publish_release(catalogue(world.notes, is_later=True))
    assert_nothing_shown(world, agent, guest, admin)
    deliver(harbor, versions=(2, 3))
    told = world.hidden(sees_personal=False)
    assert found(payloads(harbor), told) == set()

    heard.clear()
    world.save_another_answer("Quiet Paws")
    assert_nothing_shown(world, agent, guest, admin)
    world.save(2)
    assert_nothing_shown(world, agent, guest, admin)
    assert found(str(heard), told) == set()
    with use_tenant(harbor):
        events = str(list(OutboxAction.objects.filter(version__gt=3).values_list("payload", flat=True)))
    assert found(events, told) == set()

    shown = world.readers[True].get(f"/copies/{world.copy_id}").content.decode()
    visible = {note.token(2) for note in world.notes if note.now in ("", "pii")}
    assert found(shown, visible) == visible
    assert any("seal_answers" in notice for notice in release.notices)

    call_command("seal_answers", "--json")
    secret = {note.token(time) for note in world.notes for time in range(3) if note.now == "spi" and note.then != "spi"}
    assert found(stored(world), secret) == set()
    assert_nothing_shown(world, agent, guest, admin)


def deliver(tenant: Tenant, *, versions: tuple[int, ...]) -> None:
    """Turn the waiting events of these versions into payloads, as the relay does."""
    with use_tenant(tenant):
        waiting = OutboxAction.objects.filter(kind="publish_webhook", version__in=versions).order_by("id")
        for row in waiting:
            publish(
                Delivered(
                    id=row.id,
                    kind=row.kind,
                    payload=row.payload,
                    payload_version=row.payload_version,
                    tenant=tenant,
                    copy_id=row.copy_id,
                    version=row.version,
                    correlation_id=row.correlation_id,
                    attempt=1,
                    created_at=row.created_at,
                )
            )


def payloads(tenant: Tenant) -> str:
    with use_tenant(tenant):
        return "\n".join(WebhookPayload.objects.values_list("body", flat=True))
