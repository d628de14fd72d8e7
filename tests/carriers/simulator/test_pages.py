"""The pages of the simulator: the list of carriers, what each received, and the underwriter's desk."""

from __future__ import annotations

from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from tests.harness.carrier_simulator import CarrierSimulator
from tests.harness.simulated_calls import RESTAURANT, Caller

RISK = {**RESTAURANT, "business_name": "<b>Kettle</b> & Co", "site_survey": True}


def page(simulator: CarrierSimulator, path: str, **form: str) -> str:
    content = urlencode(form).encode() if form else None
    with urlopen(f"{simulator.url}{path}", content) as response:  # noqa: S310
        return str(response.read().decode())


def test_the_list_counts_what_each_carrier_received(carrier_simulator: CarrierSimulator) -> None:
    caller = Caller(carrier_simulator, "OH")
    caller.submit("t-1", "OH-BOP")
    caller.submit("t-2", "OH-XX")

    text = page(carrier_simulator, "/")

    assert "Owl Hollow Specialty" in text
    assert "submit 202: 1, submit 422: 1, token 200: 1" in text


def test_the_desk_shows_what_was_sent_and_proposes_the_premium(carrier_simulator: CarrierSimulator) -> None:
    Caller(carrier_simulator, "OH").submit("t-1", "OH-BOP", RISK)

    text = page(carrier_simulator, "/desk/OH")

    assert "OH-BOP for &lt;b&gt;Kettle&lt;/b&gt; &amp; Co" in text
    assert 'value="4460"' in text
    assert "<b>Kettle" not in text
    assert "demo-oh-secret" not in text


def test_an_underwriter_answers_at_the_desk(carrier_simulator: CarrierSimulator) -> None:
    caller = Caller(carrier_simulator, "OH")
    caller.submit("t-1", "OH-BOP", RISK)

    text = page(
        carrier_simulator,
        "/desk/OH/t-1",
        status="quoted",
        premium="5100",
        reason="Fine",
        subjectivity="Send the survey",
    )

    quote = caller.find("t-1").json()
    assert "No request is waiting." in text
    assert (quote["status"], quote["premium"]["amount"], quote["is_bindable"]) == ("quoted", 5_100, True)
    assert [each["text"] for each in quote["subjectivities"]] == ["Send the survey"]
    assert [each["text"] for each in quote["reasons"]] == ["Fine"]


@pytest.mark.parametrize(
    "form", [{"status": "quoted", "premium": ""}, {"status": "quoted", "premium": "12.5"}, {"status": "bound"}]
)
def test_an_incomplete_answer_is_refused(carrier_simulator: CarrierSimulator, form: dict) -> None:
    caller = Caller(carrier_simulator, "OH")
    caller.submit("t-1", "OH-BOP", RISK)

    with pytest.raises(HTTPError, match="422"):
        page(carrier_simulator, "/desk/OH/t-1", **form)

    assert caller.find("t-1").json()["status"] == "received"


def test_a_list_is_bounded(carrier_simulator: CarrierSimulator) -> None:
    caller = Caller(carrier_simulator, "QM")
    for _ in range(210):
        caller.find("none")

    assert len(carrier_simulator.received("QM")) == 200
    assert carrier_simulator.counts("QM")["find"] == 210


def test_the_reference_is_shown_without_another_server(carrier_simulator: CarrierSimulator) -> None:
    text = page(carrier_simulator, "/docs")

    assert "https://" not in text
    assert "SwaggerUIBundle" in page(
        carrier_simulator, "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"
    )


def test_an_unknown_carrier_has_no_desk(carrier_simulator: CarrierSimulator) -> None:
    with pytest.raises(HTTPError, match="404"):
        page(carrier_simulator, "/desk/XX")
