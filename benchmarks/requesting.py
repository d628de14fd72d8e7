"""What HTTP adds to a save: the same change in process, by ``PATCH``, and by the form page; and a read of nothing.

Requests pass the whole middleware with real sessions and tokens, without a server and a network in front.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any, Final

from django.http import HttpResponse
from django.test import Client, override_settings
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from batch import service as batch
from benchmarks.figures import Figure, figure, milliseconds
from benchmarks.forms import ACTOR, SavedForm, Size, save_form, value_at
from benchmarks.rounds import Contender, interleave, ratios
from tenants.access import Right, Role
from tenants.models import ApiClient, User

SIZE: Final = Size(answers=150, rules=60)
#: Arguments of ``measure`` for a run that only shows that everything works.
QUICK: Final = {"size": Size(answers=60, rules=20)}
_numbers = count(1)
#: The question whose answer changes, a text.
CODE: Final = "q6"


def measure(rounds: int, *, size: Size = SIZE) -> list[Figure]:
    """Return the times of a save and of requests, and the ratio of ``PATCH`` to the save in process."""
    first = save_form(size)
    form, shown = (save_form(size, published=(first.tenant.catalogue, first.compiled)) for _ in range(2))
    program = _program(form)
    work: dict[str, Callable[[int], object]] = {
        "save in process": lambda call: _save(first, call),
        "PATCH": lambda call: _patch(program, form, call),
        "form page": _page(shown),
        "GET /me": lambda call: _checked(program.get("/api/v1/me")),
    }
    contenders = [Contender(name=name, run=run, repeats=21, warm_up=6) for name, run in work.items()]
    # The limits would refuse most of these requests.
    with override_settings(RATE_LIMIT_FACTOR=0):
        times = interleave(contenders, rounds=rounds)
    what = f"one answer of {size.answers}"
    figures = [figure(f"{what}: {name}", "ms", milliseconds(times[name])) for name in work]
    between = ratios(times["PATCH"], times["save in process"])
    return [*figures, figure(f"{what}: PATCH / save in process", "times", between, goal="<= 2")]


def _value(call: int) -> Any:
    return value_at(CODE, variant=call % 2 + 1)


def _save(form: SavedForm, call: int) -> None:
    with batch.find_and_lock(form.id, scope=form.tenant, actor=ACTOR) as context:
        context.changeset.apply_answers({CODE: _value(call)}, {})
        context.save()


def token_of(form: SavedForm) -> str:
    """Return a token of an API client of the form's tenant, with all rights."""
    client = ApiClient.objects.create(
        name="Bench", tenant=form.tenant, allowed_scopes=list(Right), client_secret=secrets.token_urlsafe(12)
    )
    token = secrets.token_urlsafe(24)
    get_access_token_model().objects.create(
        token=token, application=client, expires=timezone.now() + timedelta(hours=1), scope=" ".join(Right)
    )
    return token


def _program(form: SavedForm) -> Client:
    """Return a client with the token of an API client of the form's tenant."""
    return Client(SERVER_NAME="localhost", headers={"Authorization": f"Bearer {token_of(form)}"})


def _patch(client: Client, form: SavedForm, call: int) -> None:
    body = json.dumps({"answers": {CODE: _value(call)}})
    _checked(client.patch(f"/api/v1/copies/{form.id}/answers", body, content_type="application/json"))


def _page(form: SavedForm) -> Callable[[int], object]:
    """Return the request of an agent's form page that saves the answer of a call."""
    user = User.objects.create_user(
        f"requests{next(_numbers)}@{form.tenant.code}.example", role=Role.AGENT, tenant=form.tenant, full_name="Bench"
    )
    client = Client(SERVER_NAME="localhost")
    client.force_login(user, backend="tenants.backends.EmailBackend")
    shown = {"version": 1}

    def answer(call: int) -> None:
        headers = {"HX-Request": "true", "X-Copy-Version": str(shown["version"]), "Accept-Encoding": "gzip"}
        values = {"answers": json.dumps({CODE: str(_value(call))})}
        response = _checked(client.post(f"/forms/{form.id}/answers", values, headers=headers))
        shown["version"] = json.loads(response.headers["HX-Trigger"])["copy-saved"]["version"]

    return answer


def _checked(response: Any) -> HttpResponse:
    assert response.status_code == 200, response.content
    return response  # type: ignore[no-any-return]
