"""A guest reaches nothing but what their link names: random links, every route, every answer and row of a form."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any, Final

import pytest
from django.test import Client

from batch import service as batch
from batch.changes.guest_scope import GuestScope
from batch.changes.mutators import guest_links
from batch.errors import OutsideGuestLink
from catalogue.releases import forget_compiled_releases
from copies.changes import Cause
from copies.document import Document, walk_answers, walk_containers
from copies.paths import Path, join_path
from guests.service import access_guest
from scenarios.version_undo import LeftPart, undo_version
from tenants.access import system_actor
from tenants.models import Tenant, User
from tests.harness.guests import follow
from tests.harness.kennel_catalogue import ANSWERS, KENNELS
from tests.harness.later_releases import publish_release
from tests.harness.tiers import seeds

pytestmark = pytest.mark.django_db

HOUSES: Final = [
    {
        "answers": {"house_name": name, "runs": runs},
        "answer_pools": {"fences": [{"answers": {"fence_feet": feet}}]},
    }
    for name, runs, feet in (("Numbat", 171, 98431.25), ("Quagga", 182, 98432.25))
]
#: The word by which a page would show each value.
WORDS: Final = ("Numbat", "Quagga", "98431.25", "98432.25", "201-3344", "2013344", "812910")
TYPED: Final = {
    "kennel_name": "Typed", "lines": ["care"], "state": "OH", "trade": "541110", "owner_ssn": "987-65-4329",
    "owner_phone": "614-555-0102", "has_cats": "true", "cat_count": "7", "house_name": "Typed", "runs": "9",
    "fence_feet": "9",
}  # fmt: skip


class World:
    """One form with a guest whose link names ``scope``."""

    def __init__(self, harbor: Tenant, owner: User, question_sets: list[str], questions: list[str]) -> None:
        self.harbor, self.actor = harbor, owner.as_actor(source="web")
        answers = {
            **ANSWERS,
            "owner_phone": "614-201-3344",
            "owner_ssn": "987-65-4321",
            "has_cats": True,
            "cat_count": 81,
        }
        with batch.build_context(scope=harbor, actor=self.actor, catalogue="kennels") as context:
            context.changeset.apply_answers(answers, {"houses": HOUSES})
            context.save()
            self.copy_id = context.copy.id
        #: Rows by their number, because their ids are new in each form.
        self.rows = {f"{number}": row.id for number, row in enumerate(self.document().answer_pools["houses"])}
        self.questions = [self.real(path) for path in questions]
        with batch.find_and_lock(self.copy_id, scope=harbor, actor=system_actor("tests")) as context:
            from_agent = dict.fromkeys(self.questions, "Please look again")
            link, secret = context.changeset.guest_links.issue(
                valid_for=guest_links.LONGEST, question_sets=question_sets, questions=from_agent
            )
            self.link_id = link.id
            context.save()
        self.client = Client()
        assert follow(self.client, self.copy_id, secret).status_code == 200
        self.scope = GuestScope.of(question_sets, self.questions)

    def real(self, path: str) -> str:
        pool, _, rest = path.partition("/")
        number, _, code = rest.partition("/")
        return f"{pool}/{self.rows[number]}/{code}" if rest else path

    def document(self) -> Document:
        context = batch.find(self.copy_id, scope=self.harbor, actor=self.actor)
        self.catalogue, self.version = context.release.compiled, context.version
        return context.read_only_changeset().document

    def outside(self) -> dict[str, Any]:
        """Return everything that the link does not name, by path."""
        document = self.document()
        found: dict[str, Any] = {
            path: (answer.value, answer.sealed, answer.answered_by)
            for path, answer in walk_answers(document)
            if not self.scope.has(self.catalogue, path) and answer.is_answered
        }
        for path, _ in walk_containers(document):
            if path and not self.scope.has(self.catalogue, path):
                found[path] = "row"
        return found

    def hidden_words(self) -> set[str]:
        """Return the words of the values that the guest may not see."""
        texts: dict[str, set[str]] = {}
        for path, answer in walk_answers(self.document()):
            texts.setdefault(str(answer.value), set()).add(path)
        shown = {text for text, paths in texts.items() if any(self.scope.has(self.catalogue, path) for path in paths)}
        return {word for word in WORDS if not any(word in text or text.endswith(word) for text in shown)}

    def request(self, name: str, values: dict[str, Any] | None = None) -> Any:
        headers = {"HX-Request": "true", "X-Copy-Version": str(self.version)}
        send = self.client.get if values is None else self.client.post
        return send(f"/guest/{self.copy_id}/{name}", values or {}, headers=headers)

    def order(self, order: str, path: str) -> int:
        return int(self.request("rows", {"order": order, "path": path, "version": str(self.version)}).status_code)


@pytest.fixture(autouse=True)
def kennels(db: None) -> Iterator[None]:
    forget_compiled_releases()
    publish_release(KENNELS)
    yield
    forget_compiled_releases()


PLACES: Final = [
    "kennel_name", "lines", "state", "trade", "owner_ssn", "owner_phone", "has_cats", "cat_count",
    "houses/0/house_name", "houses/0/runs", "houses/1/house_name", "houses/1/runs",
]  # fmt: skip


def draw_scope(seed: int) -> tuple[list[str], list[str]]:
    draw = random.Random(seed)  # noqa: S311 - a test's draw
    sets = draw.sample(["start", "houses", "fences"], draw.randrange(3))
    return sets, draw.sample(PLACES, draw.randrange(0 if sets else 1, 4))


@pytest.mark.parametrize("seed", seeds(4))
def test_a_guest_reaches_nothing_but_what_the_link_names(seed: int, harbor: Tenant, owner: User) -> None:
    world = World(harbor, owner, *draw_scope(seed))
    before, hidden = world.outside(), world.hidden_words()
    assert_shows_nothing(world, hidden)

    paths = [path for path, _ in walk_answers(world.document())]
    for path in paths:
        assert_takes_only_what_is_asked(world, path)
    for container, _ in list(walk_containers(world.document())):
        for pool in {"": ["houses"], "houses": ["fences"]}.get(Path(container).pool if container else "", []):
            path = join_path(container, pool)
            assert world.order("add", path) == (200 if world.scope.has(world.catalogue, path) else 403), path
        if container:
            is_asked = world.scope.has(world.catalogue, container)
            assert (world.order("duplicate", container) in (200, 422)) is is_asked, container
            assert world.order("put-back", container) != 200, container
    for path, row in list(walk_containers(world.document())):
        if path:
            may = world.scope.has_row(world.catalogue, Path(path).pool, row)
            assert world.order("remove", path) in ((200, 404, 422) if may else (403, 422)), path
    assert world.request("done", {}).status_code == 204

    assert {path: world.outside().get(path) for path in before} == before
    assert_shows_nothing(world, hidden)


def assert_shows_nothing(world: World, hidden: set[str]) -> None:
    """Check that no route shows a value or a question that the guest is not asked about."""
    document = world.document()
    asked = {Path(path).code for path, _ in walk_answers(document) if world.scope.has(world.catalogue, path)}
    labels = {known.question.label for code, known in world.catalogue.questions.items() if code not in asked}
    # A row without a visible title is called after its pool.
    labels -= {"House"}
    addresses = ["form", "parts", *(f"row?path={path}" for path, _ in walk_containers(document) if path)]
    for address in addresses:
        content = world.request(address).content.decode()
        found = {word for word in hidden if word in content} | {label for label in labels if f">{label}<" in content}
        assert found == set(), address
    world.version = 1
    response = world.request("parts")
    assert {word for word in hidden if word in response.content.decode()} == set()
    theirs = json.loads(response.headers["HX-Trigger"])["copy-saved"]["theirs"]
    assert [path for path in theirs if not world.scope.has(world.catalogue, path)] == []


def assert_takes_only_what_is_asked(world: World, path: str) -> None:
    world.document()
    typed = TYPED[Path(path).code]
    response = world.request("answers", {"answers": json.dumps({path: typed})})
    taken = json.loads(response.headers["HX-Trigger"])["answers-taken"]
    marked = world.order("unknown", path)
    if world.scope.has(world.catalogue, path):
        assert (response.status_code, taken["faults"]) == (200, []), path
        assert marked == 200, path
    else:
        assert (taken["taken"], taken["conflicts"]) == ([], {}), path
        assert taken["faults"] == [{"path": path, "text": OutsideGuestLink.sentence}]
        assert marked == 403, path


def test_a_guess_outside_looks_like_a_hit(harbor: Tenant, owner: User) -> None:
    world = World(harbor, owner, ["fences"], [])
    answers = []

    for typed in ("TX", "OH", "nonsense", None):
        response = world.request("answers", {"answers": json.dumps({"state": typed})})
        answers.append((response.status_code, json.loads(response.headers["HX-Trigger"])["answers-taken"]))

    assert answers[0][1]["faults"][0]["text"] == OutsideGuestLink.sentence
    assert answers == answers[:1] * 4
    known, unknown = f"houses/{world.rows['0']}", "houses/01935ad0-1f7e-7c32-9d3e-5f0a6d1c2b10"
    assert {world.order("remove", path) for path in (known, unknown)} == {403}


def test_the_batch_itself_refuses_what_a_page_would_forget(harbor: Tenant, owner: User) -> None:
    world = World(harbor, owner, [], ["state"])
    guest = access_guest(world.copy_id, world.client.cookies["guest"].value)

    with batch.find_and_lock(world.copy_id, scope=harbor, actor=guest.actor) as context:
        for write in (
            lambda: context.changeset.find_answer("kennel_name").apply("Typed"),
            lambda: context.changeset.apply_answers({"kennel_name": "Happy Tails"}),
            lambda: context.changeset.find_pool("houses").add(),
            lambda: context.changeset.find_pool("houses").rows[0].remove(),
        ):
            with pytest.raises(OutsideGuestLink):
                write()
        assert context.changeset.find_answer("state").apply("OH")
        context.save()


def test_a_guest_whose_link_has_ended_changes_nothing(harbor: Tenant, owner: User) -> None:
    world = World(harbor, owner, [], [])
    guest = access_guest(world.copy_id, world.client.cookies["guest"].value)
    with batch.find_and_lock(world.copy_id, scope=harbor, actor=world.actor) as context:
        context.changeset.guest_links.find(world.link_id).revoke()
        context.save()

    with (
        batch.find_and_lock(world.copy_id, scope=harbor, actor=guest.actor) as context,
        pytest.raises(OutsideGuestLink),
    ):
        context.changeset.find_answer("state").apply("OH")


@pytest.mark.parametrize(
    ("question_sets", "questions", "typed"),
    [
        (["start"], [], {"kennel_name": "Typed", "state": "OH"}),
        ([], ["state"], {"state": "OH"}),
        # What the rules hide lies outside of the link.
        ([], ["has_cats"], {"has_cats": "false"}),
        (["houses"], [], {"houses/0/runs": "9"}),
        ([], ["houses/1/runs"], {"houses/1/runs": "9"}),
    ],
)
def test_a_guest_undoes_and_does_again_what_they_saved(
    harbor: Tenant, owner: User, question_sets: list[str], questions: list[str], typed: dict[str, str]
) -> None:
    world = World(harbor, owner, question_sets, questions)
    answers = json.dumps({world.real(path): value for path, value in typed.items()})
    states = [values_of(world)]
    saved = json.loads(world.request("answers", {"answers": answers}).headers["HX-Trigger"])["copy-saved"]
    states.append(values_of(world))

    for again in range(2):
        response = world.request("rows", {"order": "undo", "path": "", **saved["undo"]})
        assert (response.status_code, "HX-Trigger" in response.headers) == (200, True)
        saved = json.loads(response.headers["HX-Trigger"])["copy-saved"]
        assert values_of(world) == states[again]

    assert states[0] != states[1]


def test_a_guest_undoes_nothing_outside_of_their_link(harbor: Tenant, owner: User) -> None:
    world = World(harbor, owner, [], ["state"])
    before = world.version
    with batch.find_and_lock(world.copy_id, scope=harbor, actor=world.actor) as context:
        context.changeset.apply_answers({"kennel_name": "Of the agent", "state": "OH"})
        context.changeset.find_row(f"houses/{world.rows['0']}").remove()
        context.save()
        after = context.version
    guest = access_guest(world.copy_id, world.client.cookies["guest"].value)
    outside = world.outside()

    with batch.find_and_lock(world.copy_id, scope=harbor, actor=guest.actor) as context:
        taken = undo_version(context, before=before, after=after, cause=Cause("undo_save", str(after)))
        context.save()

    assert taken.paths == ["state"]
    refused = ["kennel_name", f"houses/{world.rows['0']}"]
    assert sorted(taken.left, key=lambda part: refused.index(part.path)) == [
        LeftPart(path, OutsideGuestLink.code) for path in refused
    ]
    assert values_of(world)["state"] == "TX"
    assert world.outside() == outside


def values_of(world: World) -> dict[str, Any]:
    """Return the values of the shown answers by path."""
    answers = walk_answers(world.document())
    return {path: answer.value for path, answer in answers if answer.active and answer.is_answered}
