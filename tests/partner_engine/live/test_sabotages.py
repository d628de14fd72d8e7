"""The tests of admission detect servers with sabotaged sockets."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from catalogue.models import Release
from tests.harness.sabotaged_sockets import SABOTAGES, application_with
from tests.harness.socket_client import Listener
from tests.harness.web_servers import serve
from tests.partner_engine.live import test_copies, test_revocation

pytestmark = [pytest.mark.fault, pytest.mark.django_db(transaction=True)]

#: Sabotage, the test that must detect it, and its arguments.
FOUND_BY: list[tuple[str, Callable[..., None], dict[str, Any]]] = [
    ("any_origin", test_copies.test_admission, {}),
    ("kept_tickets", test_copies.test_a_ticket_opens_one_socket, {}),
    ("kept_tickets", test_copies.test_of_many_concurrent_uses_of_a_ticket_one_succeeds, {}),
    ("every_right", test_copies.test_a_right_lost_before_its_ticket_was_used, {}),
    ("blind_watch", test_revocation.test_the_end_of_a_session, {"end": test_revocation.sign_out}),
    ("blind_watch", test_revocation.test_the_end_of_a_token, {"end": test_revocation.revoke}),
    ("blind_watch", test_revocation.test_a_closed_socket_receives_nothing_more, {}),
    ("slow_watch", test_revocation.test_the_end_of_a_session, {"end": test_revocation.deactivate}),
    ("slow_watch", test_revocation.test_the_end_of_a_token, {"end": test_revocation.take_scope}),
]


@pytest.fixture
def sabotage(request: pytest.FixtureRequest) -> str:
    """Return the name of the sabotage that the test is about."""
    return str(request.node.callspec.params["found"][0])


@pytest.fixture
def port(transactional_db: None, demo: Release, sabotage: str) -> Iterator[int]:
    """Serve with the sabotage, where the other tests have the product's server."""
    with serve(application=application_with(sabotage)) as port:
        yield port


@pytest.mark.parametrize("found", FOUND_BY, ids=lambda found: f"{found[0]}-{found[1].__name__}")
def test_it_is_detected(
    request: pytest.FixtureRequest,
    port: int,
    found: tuple[str, Callable[..., None], dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, test, given = found
    # What does not come is not waited for any longer.
    monkeypatch.setattr(Listener, "patience", 5.0)
    wanted = inspect.signature(test).parameters.keys() - given.keys()
    arguments = {name: request.getfixturevalue(name) for name in wanted}

    with pytest.raises((AssertionError, TimeoutError)):
        test(**arguments, **given)


def test_each_sabotage_is_detected_by_some_test() -> None:
    assert {name for name, _, _ in FOUND_BY} == SABOTAGES.keys()
