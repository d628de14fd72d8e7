"""Times in requests: any offset, and milliseconds where the product has microseconds; codings of bodies."""

from __future__ import annotations

from datetime import datetime

import pytest

from catalogue.demo import Sample
from tests.harness.api_client import Api, assert_problem

pytestmark = pytest.mark.django_db

OFFSETS = ["%2B00:00", "%2B14:00", "%2B15:59", "%2B16:00", "-16:00", "%2B23:59", "-23:59"]
DAYS = ["2026-11-28T06:00:00", "0001-01-01T00:00:00", "9999-12-31T23:59:59.999999"]


@pytest.mark.parametrize("day", DAYS)
def test_no_offset_fails(api: Api, s1: Sample, day: str) -> None:
    copy = api.start(s1)["id"]

    for offset in OFFSETS:
        moment = f"{day}{offset}"
        for path in (
            f"/copies/{copy}?at={moment}",
            f"/copies/{copy}/needed?at={moment}",
            f"/copies/{copy}/explain?target=QM-BOP&at={moment}",
            f"/application_forms?updated_since={moment}",
            f"/application_forms?order=updated&updated_since={moment}",
            f"/search?q=kettle&updated_since={moment}",
        ):
            assert api.get(path).status_code in (200, 404), path


@pytest.mark.parametrize("offset", ["+16:00", "-23:59"])
def test_no_offset_in_a_replay_fails(api: Api, offset: str) -> None:
    endpoint = api.post("/webhook_endpoints", {"url": "https://example.com/x", "event_types": ["*"]}).json()["id"]

    period = {"since": f"2026-11-28T06:00:00{offset}", "until": f"2026-11-29T06:00:00{offset}"}

    assert api.post(f"/webhook_endpoints/{endpoint}/replay", period).status_code == 202


def test_a_moment_is_the_end_of_its_millisecond(api: Api, s1: Sample) -> None:
    copy = api.start(s1)["id"]
    for number in range(6):
        api.patch(f"/copies/{copy}/answers", {"answers": {"mqs_full_time_emp": 10 + number}})
    versions = api.get(f"/copies/{copy}/history").json()["results"]

    for version in versions:
        at = datetime.fromisoformat(version["created_at"])
        # JavaScript's new Date(x).toISOString() cuts microseconds.
        cut = at.replace(microsecond=at.microsecond // 1_000 * 1_000, tzinfo=None).isoformat(timespec="milliseconds")

        assert api.get(f"/copies/{copy}?at={cut}Z").json()["version"] >= version["version"]
        assert api.get(f"/copies/{copy}?at={version['created_at']}").json()["version"] == version["version"]


def test_a_version_that_does_not_exist_has_its_code(api: Api, s1: Sample) -> None:
    copy = api.start(s1)["id"]

    assert_problem(api.get(f"/copies/{copy}?at_version=99"), 404, "no_such_version")
    assert_problem(api.get(f"/copies/{copy}?at=2020-01-01T00:00:00Z"), 404, "no_such_version")


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "GZIP", "identity, gzip", "x"])
def test_a_coded_body_is_refused_with_what_is_accepted(api: Api, coding: str) -> None:
    response = api.post("/application_forms", {"title": "x"}, Content_Encoding=coding)

    assert_problem(response, 415, "unsupported_content_encoding")
    assert response["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("coding", ["identity", "Identity"])
def test_an_identical_body_is_accepted(api: Api, coding: str) -> None:
    assert api.post("/application_forms", {"title": "x"}, Content_Encoding=coding).status_code == 201
