"""A guess and a hit have the same response, history and version, for random values of questions that the caller may not
read: by API, in rows, in dry runs and on a guest's page.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import pytest
from django.test import Client

from catalogue.releases import forget_compiled_releases
from rules.definition.catalogue import CatalogueDefinition, Question
from tenants.access import Right
from tenants.models import ApiClient, Tenant
from tests.harness.api_client import Api
from tests.harness.guests import guest_of
from tests.harness.kennel_catalogue import ANSWERS, KENNELS
from tests.harness.later_releases import publish_release
from tests.harness.tiers import IS_FULL, seeds

pytestmark = pytest.mark.django_db

WITHOUT_PERSONAL: Final = [right for right in Right if right is not Right.READ_PERSONAL]
LETTERS: Final = "bcdfghjklmnpqrstvwxz"


def text(draw: random.Random) -> str:
    """Return a word whose end, which a mask shows, is always the same."""
    return "".join(draw.choices(LETTERS, k=10)) + "stop"


def day(draw: random.Random) -> str:
    return f"19{draw.randrange(50, 99)}-{draw.randrange(1, 13):02d}-{draw.randrange(1, 29):02d}"


def truth(draw: random.Random) -> bool:
    return draw.random() < 0.5


def state(draw: random.Random) -> str:
    return draw.choice(("TX", "OH"))


#: Question type, its sensitivity, and the maker of its values. The ends that a mask shows are equal.
KINDS: Final = [
    ("text", "pii", text),
    ("text", "spi", text),
    ("date", "pii", day),
    ("date", "spi", day),
    ("boolean", "spi", truth),
    ("boolean", "pii", truth),
    ("choice", "pii", state),
    ("choice", "spi", state),
]


@pytest.fixture
def guessers(harbor_client: ApiClient, harbor: Tenant) -> Iterator[tuple[Api, Api]]:
    """Return a caller who started the forms and one without the right to personal answers."""
    forget_compiled_releases()
    publish_release(catalogue())
    yield Api(harbor_client), Api(harbor_client, WITHOUT_PERSONAL)
    forget_compiled_releases()


def catalogue() -> CatalogueDefinition:
    """Return the kennels with one question of each kind at the top, and one in the rows that must be unique."""
    start, houses, *others = KENNELS.question_sets

    def questions(prefix: str, validate: tuple[str, ...] = ()) -> tuple[Question, ...]:
        return tuple(
            Question(
                code=f"{prefix}_{number}",
                label=f"{prefix} {number}",
                type=kind,
                sensitivity=level,  # type: ignore[arg-type]
                choices="states" if kind == "choice" else "",
                validate=validate,
                required="quote",
                indexed=True,
            )
            for number, (kind, level, _) in enumerate(KINDS)
            if not validate or kind in ("text", "date")
        )

    return msgspec.structs.replace(
        KENNELS,
        question_sets=(
            msgspec.structs.replace(start, questions=(*start.questions, *questions("top"))),
            msgspec.structs.replace(houses, questions=(*houses.questions, *questions("row", ("unique_in_pool",)))),
            *others,
        ),
    )


def without_marks(content: str) -> str:
    """Return ``content`` without ids and times."""
    content = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "<id>", content)
    content = re.sub(r"[0-9a-f]{32}", "<id>", content)
    return re.sub(r"\d{4}-\d\d-\d\dT[0-9:.]+(Z|\+00:00)", "<time>", content)


class Form:
    """A form of the guessed values, with two rows."""

    def __init__(self, owner: Api, values: dict[str, Any], rows: list[dict[str, Any]]) -> None:
        body = {
            "catalogue": "kennels",
            "answers": {**ANSWERS, **values},
            "answer_pools": {
                "houses": [
                    {"answers": {"house_name": name, "runs": 20, **row}}
                    for name, row in zip(("North", "South"), rows, strict=True)
                ]
            },
        }
        response = owner.post("/application_forms", body)
        assert response.status_code == 201, response.content
        self.copy = response.json()
        self.url = f"/copies/{self.copy['id']}"
        self.rows = [row["id"] for row in self.copy["answer_pools"]["houses"]]

    def answer(self, guesser: Api, place: str, value: Any, *, dry: bool) -> list[Any]:
        """Submit ``value`` and return everything that the guesser can observe afterwards."""
        where, code = place.split(":")
        body: dict[str, Any] = {"answers": {code: value}}
        if where == "row":
            body = {"answer_pools": {"houses": [{"id": self.rows[1], "answers": {code: value}}]}}
        response = guesser.patch(f"{self.url}/answers{'?dry_run=true' if dry else ''}", body)
        reads = ("", "/changes?since=0", "/changes?since=1", "/history", "/needed", "?at_version=1")
        seen = [guesser.get(self.url + read) for read in reads]
        seen += [guesser.get(f"/application_forms/{self.copy['id']}"), guesser.get(f"/search?q={self.copy['id']}")]
        return [
            (answered.status_code, version_of(answered), without_marks(answered.content.decode()))
            for answered in (response, *seen)
        ]


def version_of(response: Any) -> str:
    """Return the version in a response's entity tag, "" for the digest of a content, which contains ids."""
    tag = response.headers.get("ETag", "")
    return tag if len(tag) < 9 else ""


@pytest.mark.parametrize("seed", seeds(3))
@pytest.mark.parametrize("dry", [False, True])
def test_hits_look_like_guesses(guessers: tuple[Api, Api], seed: int, dry: bool) -> None:
    owner, guesser = guessers
    draw = random.Random(seed)  # noqa: S311 - a test's draw
    values = {f"top_{number}": make(draw) for number, (_, _, make) in enumerate(KINDS)}
    unique = [number for number, (kind, _, _) in enumerate(KINDS) if kind in ("text", "date")]
    rows = [{f"row_{number}": KINDS[number][2](draw) for number in unique} for _ in range(2)]
    places = [f"top:top_{number}" for number in range(len(KINDS))] + [f"row:row_{number}" for number in unique]

    # In the quick tier every other place; the dry runs take those between.
    for place in places if IS_FULL else places[dry::2]:
        where, code = place.split(":")
        make = KINDS[int(code.rpartition("_")[2])][2]
        hit = values[code] if where == "top" else rows[1][code]
        guess = next(value for value in iter(lambda make=make: make(draw), None) if value != hit)
        # The value of another row, which must be unique, is a hit too.
        hits = [hit] if where == "top" else [hit, rows[0][code]]
        expected = Form(owner, values, rows).answer(guesser, place, guess, dry=dry)
        assert expected[0][0] == 200
        assert json.loads(expected[0][2])["changes"] != []
        for value in hits:
            assert Form(owner, values, rows).answer(guesser, place, value, dry=dry) == expected, (place, value)


def test_who_may_read_an_answer_may_compare_it(guessers: tuple[Api, Api]) -> None:
    owner, _ = guessers
    draw = random.Random(7)  # noqa: S311 - a test's draw
    values = {f"top_{number}": make(draw) for number, (_, _, make) in enumerate(KINDS)}
    form = Form(owner, values, [{}, {}])

    same = owner.patch(f"{form.url}/answers", {"answers": {"top_0": values["top_0"]}}).json()

    assert (same["version"], same["changes"]) == (1, [])


def test_a_row_given_twice_is_told_to_those_who_may_read_it(guessers: tuple[Api, Api]) -> None:
    owner, guesser = guessers
    form = Form(owner, {}, [{"row_0": "Same thing"}, {"row_0": "Same thing"}])

    seen = [
        {message["code"]: message["kind"] for message in reader.get(form.url).json()["messages"]}
        for reader in (owner, guesser)
    ]

    assert seen[0]["unique_in_pool"] == "warn"
    assert "unique_in_pool" not in seen[1]
    warning = {"path": f"houses/{form.rows[0]}/row_0", "code": "unique_in_pool"}
    assert guesser.post(f"{form.url}/confirmations", warning).status_code == 422
    assert owner.post(f"{form.url}/confirmations", warning).status_code == 200


def test_a_guests_guess_looks_like_a_hit(guessers: tuple[Api, Api], harbor: Tenant) -> None:
    owner, _ = guessers
    seen = []
    for value in ("Hidden stop", "Wrong stop!"):
        form = Form(owner, {"top_0": "Hidden stop"}, [{}, {}])
        guest, _ = guest_of(harbor, form.copy["id"])
        seen.append(guest_answers(guest, form.copy["id"], {"top_0": value}))

    # What the guest has given they see afterwards, so the pages differ in it alone.
    assert seen[0].replace("Hidden stop", "") == seen[1].replace("Wrong stop!", "")


def guest_answers(guest: Client, copy_id: str, given: dict[str, Any]) -> str:
    headers = {"HX-Request": "true", "X-Copy-Version": "2"}
    response = guest.post(f"/guest/{copy_id}/answers", {"answers": json.dumps(given)}, headers=headers)
    assert response.status_code == 200, response.content
    events = json.loads(response.headers["HX-Trigger"])
    return without_marks(json.dumps(events) + response.content.decode())
