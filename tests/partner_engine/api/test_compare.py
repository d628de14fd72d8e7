"""``/copies/{id}/compare``: the changed answers, the outcomes, and the share of each answer in a difference."""

from __future__ import annotations

from typing import Any

import pytest

from catalogue.demo import Sample, read_samples
from tenants.access import Right
from tenants.models import ApiClient
from tests.harness.api_client import NOBODY, Api, assert_problem

pytestmark = pytest.mark.django_db
SAMPLES = {sample.id: sample for sample in read_samples()}
COPIES = [sample for sample in SAMPLES.values() if sample.copy_of == "S1" and sample.title != "Base"]


def copy_of(api: Api, base: dict[str, Any], answers: dict[str, Any], title: str = "Copy") -> dict[str, Any]:
    made = api.post(
        f"/application_forms/{base['application_form_id']}/copies", {"title": title, "from_copy": base["id"]}
    )
    assert made.status_code == 201, made.content
    changed = api.patch(f"/copies/{made.json()['id']}/answers", {"answers": answers})
    assert changed.status_code == 200, changed.content
    return made.json()


def compare(api: Api, one: dict[str, Any], *others: str) -> dict[str, Any]:
    response = api.get(f"/copies/{one['id']}/compare?with={','.join(others)}")
    assert response.status_code == 200, response.content
    return response.json()


def product(compared: dict[str, Any], code: str) -> dict[str, Any]:
    return next(line for line in compared["products"] if line["product"] == code)


def test_the_copies_of_the_restaurant_differ_as_the_catalogue_expects(api: Api, s1: Sample) -> None:
    base = api.start(s1)
    made = {
        sample.title: copy_of(
            api,
            base,
            {code: value for code, value in sample.answers.items() if value != s1.answers.get(code)},
            sample.title,
        )
        for sample in COPIES
    }
    compared = compare(api, base, *(found["id"] for found in made.values()))

    assert [copy["title"] for copy in compared["copies"]][1:] == [sample.title for sample in COPIES]
    assert {found["path"] for found in compared["differences"]} == {
        code for sample in COPIES for code, value in sample.answers.items() if value != s1.answers.get(code)
    }
    assert {found["kind"] for found in compared["differences"]} == {"answer"}
    for place, sample in enumerate(COPIES):
        alone = compare(api, base, made[sample.title]["id"])
        changed = {code for code, value in sample.answers.items() if value != s1.answers.get(code)}
        assert {found["path"] for found in alone["differences"]} == changed
        for code, expected in sample.expect.items():
            line, before = product(alone, code), s1.expect[code]
            assert [outcome["outcome"] for outcome in line["outcomes"]] == [before.outcome, expected.outcome]
            assert [outcome["premium"] for outcome in line["outcomes"]] == [before.premium, expected.premium]
            found = line["differences"][0]
            assert product(compared, code)["differences"][place] == found
            if expected.premium is None or before.premium is None:
                assert (found["difference"], found["shares"]) == (None, [])
                continue
            assert found["difference"] == expected.premium - before.premium
            assert sum(share["amount"] for share in found["shares"]) == found["difference"]
            assert found["split"] == ("exact" if found["is_read"] else "none")


def test_factors_and_terms_share_a_difference(api: Api, s1: Sample) -> None:
    base = api.start(s1)
    other = copy_of(api, base, {"mqs_gl_limit": "l2m", "mqs_bop_deductible": "d2500"})

    compared = compare(api, base, other["id"])

    # Quillmark: times 1.12 for the limit and 0.93 for the deductible, together 2553.14 of 2451.17 dollars.
    quillmark = product(compared, "QM-BOP")["differences"][0]
    assert {share["paths"][0]: share["amount"] for share in quillmark["shares"]} == shares_of(1.12, 0.93, 2451)
    assert sum(share["amount"] for share in quillmark["shares"]) == 102
    effects = {found["path"]: found["effects"][0] for found in compared["differences"]}
    assert effects["mqs_gl_limit"]["QM-BOP"] == quillmark["shares"][0]["amount"]
    assert "our estimate" in compared["note"]


def shares_of(limit: float, deductible: float, premium: float) -> dict[str, int]:
    """Return the mean effects of both orders, in dollars that are not tied to one rounding."""
    first = premium * (limit - 1), premium * limit * (deductible - 1)
    second = premium * deductible * (limit - 1), premium * (deductible - 1)
    return {
        "mqs_gl_limit": round((first[0] + second[0]) / 2),
        "mqs_bop_deductible": round((first[1] + second[1]) / 2),
    }


def test_a_decline_names_its_reason_and_the_way_back(api: Api, s1: Sample) -> None:
    base = api.start(s1)
    other = copy_of(api, base, {"mqs_gl_liquor_pct": 35})

    compared = compare(api, base, other["id"])

    found = product(compared, "QM-BOP")["differences"][0]
    assert found["difference"] is None
    assert [(reason["rule"], reason["effect"]) for reason in found["only_here"]] == [("QB5", "decline")]
    assert found["way_back"] == "Eligible again at 30% or less."
    assert not product(compared, "LF-BOP")["differences"][0]["is_read"]
    assert product(compared, "LF-BOP")["differences"][0]["difference"] == 0


def test_versions_of_one_copy_are_compared(api: Api, s1: Sample) -> None:
    copy = api.start(s1)
    api.patch(f"/copies/{copy['id']}/answers", {"answers": {"mqs_bop_bi": "b12"}})

    compared = compare(api, copy, f"{copy['id']}@1")

    assert [(found["version"]) for found in compared["copies"]] == [2, 1]
    (difference,) = compared["differences"]
    assert [answer["value"] for answer in difference["answers"]] == ["b12", s1.answers["mqs_bop_bi"]]
    assert difference["answers"][0]["updated_at"] > difference["answers"][1]["updated_at"]
    assert product(compared, "QM-BOP")["differences"][0]["difference"] == 2451 - 2598


def test_rows_are_compared_wherever_they_are(api: Api, s1: Sample) -> None:
    base = api.start(s1)
    other = copy_of(api, base, {})
    row = base["answer_pools"]["locations"][0]["id"]
    added = {"answers": {"mqs_loc_street": "9 Elm St", "mqs_loc_state": "TX", "mqs_loc_zip": "78702"}}
    api.patch(
        f"/copies/{other['id']}/answers",
        {"answer_pools": {"locations": [{"id": row, "answers": {"mqs_loc_coast_miles": 141}}, added]}},
    )

    differences = compare(api, base, other["id"])["differences"]

    assert [(found["kind"], found["path"].partition("/")[0]) for found in differences] == [
        ("answer", "locations"),
        ("row", "locations"),
    ]
    assert differences[0]["paths"] == [f"locations/{row}/mqs_loc_coast_miles"] * 2
    assert differences[1]["rows"][0] is None
    assert differences[1]["rows"][1]["answers"]["mqs_loc_street"]["value"] == "9 Elm St"


def test_a_question_that_only_one_copy_asks_is_a_difference_of_visibility(api: Api, s1: Sample) -> None:
    base = api.start(s1)
    other = copy_of(api, base, {"mqs_lobs": ["bop"]})

    differences = {found["path"]: found for found in compare(api, base, other["id"])["differences"]}

    assert differences["mqs_lobs"]["kind"] == "answer"
    assert differences["mqs_wc_xmod"]["kind"] == "visibility"
    assert differences["mqs_wc_xmod"]["answers"][1] is None
    assert differences["mqs_wc_xmod"]["effects"] == [{}]


def test_copies_of_different_forms_are_compared(api: Api, s1: Sample) -> None:
    base, other = api.start(s1), api.start(s1)

    compared = compare(api, base, other["id"])

    # The rows are matched by their key fields.
    assert {found["kind"] for found in compared["differences"]} <= {"answer"}
    assert all("/" not in found["path"] or found["paths"][0] != found["paths"][1] for found in compared["differences"])
    # Sealed answers were given at two times: they may differ, and nobody compares them.
    assert {found["answers"][0].get("sensitive") for found in compared["differences"]} <= {"spi"}


def test_secret_answers_are_neither_shown_nor_compared(api: Api, s1: Sample) -> None:
    base = api.start(s1)
    same = copy_of(api, base, {})
    guessed = copy_of(api, base, {"mqs_fein": "00-0000001"})
    api.patch(f"/copies/{base['id']}/answers", {"answers": {"mqs_has_fein": True}})

    assert "mqs_fein" not in {found["path"] for found in compare(api, base, same["id"])["differences"]}
    response = api.get(f"/copies/{base['id']}/compare?with={guessed['id']}")
    fein = next(found for found in response.json()["differences"] if found["path"] == "mqs_fein")
    assert all(answer["value"].startswith("••••") for answer in fein["answers"])
    assert "000000001" not in response.content.decode().replace("-", "")


def test_a_guess_at_a_personal_answer_is_no_answer(demo: None, harbor_client: ApiClient) -> None:
    clerk = Api(harbor_client, [Right.READ_FORMS, Right.WRITE_FORMS, Right.SET_AS_OF])
    owner = Api(harbor_client)
    base = owner.start(SAMPLES["S1"])
    path = next(
        code for code, answer in base["answers"].items() if answer.get("sensitive") == "pii" and answer["value"]
    )
    right_guess = copy_of(clerk, base, {path: base["answers"][path]["value"]})

    hidden = compare(clerk, base, right_guess["id"])["differences"]

    assert [found["path"] for found in hidden] == [path]
    assert {answer["value"] for answer in hidden[0]["answers"]} == {"••••"}
    assert compare(owner, base, right_guess["id"])["differences"] == []


@pytest.mark.parametrize(
    ("others", "status"),
    [
        ("", 400),
        ("{id}", 400),
        ("nobody", 400),
        ("{id}@", 400),
        ("{id}@0", 400),
        ("{id}@x", 400),
        ("{id}@1,{id}@1", 400),
        (f"{{id}}@1,{NOBODY},{NOBODY}@1,{NOBODY}@2", 400),
        (NOBODY, 404),
    ],
)
def test_wrong_references_are_refused(api: Api, s1: Sample, others: str, status: int) -> None:
    identity = api.start(s1)["id"]

    response = api.get(f"/copies/{identity}/compare?with={others.format(id=identity)}")

    assert_problem(response, status, "invalid_query" if status == 400 else "not_found")


def test_a_version_that_does_not_exist_is_not_found(api: Api, s1: Sample) -> None:
    identity = api.start(s1)["id"]

    assert api.get(f"/copies/{identity}/compare?with={identity}@99").status_code == 404
    assert api.get(f"/copies/{identity}/compare?with={identity}@1&version=99").status_code == 404


def test_foreign_and_deleted_copies_are_not_found(api: Api, foreigner: Api, s1: Sample) -> None:
    base, foreign = api.start(s1), foreigner.start(s1)
    deleted = copy_of(api, base, {})
    api.delete(f"/copies/{deleted['id']}")

    for identity in (foreign["id"], deleted["id"]):
        assert_problem(api.get(f"/copies/{base['id']}/compare?with={identity}"), 404, "not_found")
