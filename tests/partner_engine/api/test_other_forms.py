"""Three forms of other lines of business, in ``demo/``: loaded, published, filled over HTTP as people type, decided and
priced as computed by hand.
"""

from __future__ import annotations

from typing import Any

import pytest

from catalogue.demo import DEMO_FOLDER
from catalogue.files import read_catalogue
from catalogue.loader import load
from catalogue.releases import publish
from tests.harness.api_client import Api

pytestmark = pytest.mark.django_db

AS_OF = "2026-06-01"


def put_up(name: str) -> None:
    publish(load(read_catalogue(DEMO_FOLDER / f"{name}.yaml")), actor_id="test", notes="")


def start(api: Api, catalogue: str, answers: dict[str, Any], pools: dict[str, Any] | None = None) -> dict[str, Any]:
    body = {"catalogue": catalogue, "as_of": AS_OF, "answers": answers, "answer_pools": pools or {}}
    response = api.post("/application_forms", body)
    assert response.status_code == 201, response.content
    return response.json()


def row(**answers: Any) -> dict[str, Any]:
    pools = {code: value for code, value in answers.items() if isinstance(value, list)}
    return {"answers": {code: value for code, value in answers.items() if code not in pools}, "answer_pools": pools}


def change(api: Api, copy: dict[str, Any], **answers: Any) -> dict[str, Any]:
    response = api.patch(f"/copies/{copy['id']}/answers", {"answers": answers})
    assert response.status_code == 200, response.content
    return api.get(f"/copies/{copy['id']}").json()


def outcomes(copy: dict[str, Any]) -> dict[str, tuple[str, int | None]]:
    return {code: (found["outcome"], found["premium"]) for code, found in copy["eligibility"].items()}


PACKAGE: dict[str, Any] = {
    "applicant_name": "Copper Kettle Bistro LLC",
    "entity": "LLC",
    "members": "2",
    "tax_number": "EIN 00-0000001",
    "industry": "722511",
    "street": "1 Demo Way",
    "city": "Austin",
    "state": "texas",
    "zip": "78701-1234",
    "phone": "(512) 555-0134 x12",
    "started": "3/1/15",
    "operations": "A neighborhood bistro, lunch and dinner",
    "staff_full_time": "12",
    "revenue": "$1.2 million",
    "lines_wanted": ["Property", "gl", "wc"],
    "transaction": "quote",
    "effective": "7/1/26",
    "expiration": "7/1/27",
    "q_subsidiary": "no",
    "q_safety": "yes",
    "q_flammables": "no",
    "q_cancelled": "no",
    "q_bankrupt": False,
    "q_foreign": False,
    "gl_trigger": "Occurrence",
    "gl_occurrence": "1,000,000",
    "gl_recall": False,
    "gl_subs": False,
    "wc_limit": "e500",
    "wc_mod": "0.9",
    "wc_union": False,
    "wc_volunteers": False,
    "wc_leased": False,
}
BUILDING = row(
    bld_use="Restaurant", bld_year="2010", bld_construction="masonry", bld_area="3,200", bld_limit="400k",
    bld_contents="$100,000", bld_valuation="rc", bld_causes="special", bld_sprinkler="100 %",
)  # fmt: skip
PREMISES = row(
    prem_street="1 Demo Way", prem_city="Austin", prem_state="TX", prem_zip="78701", prem_interest="owner",
    buildings=[BUILDING],
)  # fmt: skip
HAZARD = row(haz_premises="1 Demo Way", haz_class="16900", haz_basis="sales", haz_exposure="800 000")
PAYROLLS = [
    row(wr_state="TX", wr_class="9082", wr_staff=10, wr_payroll="300k"),
    row(wr_state="OK", wr_class="Clerical office", wr_staff=2, wr_payroll="50,000"),
]


def package(api: Api, **pools: Any) -> dict[str, Any]:
    put_up("commercial_package")
    return start(
        api, "commercial_package", PACKAGE, {"premises": [PREMISES], "hazards": [HAZARD], "payrolls": PAYROLLS, **pools}
    )


def test_the_package_is_filled_as_people_type_and_priced(api: Api) -> None:
    copy = package(api)

    assert copy["needed"]["quote"] == []
    # 3.1 * 500,000 / 1000 * 0.85; 2.4 * 800,000 / 1000; (1.1 * 300,000 + 0.2 * 50,000) / 100 * 0.9.
    assert outcomes(copy) == {
        "BL-PROPERTY": ("eligible", 1318),
        "BL-GL": ("eligible", 1920),
        "RR-GL": ("locked", None),
        "CH-WC": ("eligible", 3060),
    }
    assert copy["answers"]["phone"]["value"] in ("+15125550134 x12", "••••")
    assert copy["answers"]["started"]["value"] == "2015-03-01"
    assert copy["derived"]["term_days"] == {"value": 365, "label": "Days of the policy term"}
    assert copy["derived"]["tiv"] == {"value": 500_000, "label": "Total insured value"}
    assert "tax_number" not in copy["needed"]["bind"]


def test_a_sole_owner_of_the_package_needs_no_tax_number(api: Api) -> None:
    copy = package(api)
    without = change(api, copy, tax_number=None)
    alone = change(api, copy, entity="individual", members=None)

    assert "tax_number" in without["needed"]["bind"]
    assert "tax_number" not in alone["needed"]["bind"]


def test_the_package_declines_by_a_rate_that_is_missing_and_opens_the_surplus_product(api: Api) -> None:
    copy = package(api, payrolls=[row(wr_state="TX", wr_class="5403", wr_staff=1, wr_payroll=1000)])
    declined = change(api, copy, gl_recall=True)

    assert outcomes(declined)["CH-WC"] == ("decline", None)
    assert [reason["rule"] for reason in declined["eligibility"]["CH-WC"]["reasons"]] == ["comp_class"]
    assert outcomes(declined)["BL-GL"] == ("decline", None)
    assert outcomes(declined)["RR-GL"] == ("eligible", 7200)


def test_missouri_is_not_asked_about_cancellations(api: Api) -> None:
    copy = package(api)
    moved = change(api, copy, state="MO", zip="63101", q_cancelled=None)

    assert "q_cancelled" in copy["answers"]
    assert "q_cancelled" not in moved["answers"]
    assert moved["needed"]["quote"] == []


def test_the_package_warns_about_what_is_unusual_and_asks_nothing_for_it(api: Api) -> None:
    copy = change(api, package(api), revenue="25M", wc_mod=1.6)

    assert [(found["path"], found["code"]) for found in copy["messages"] if found["kind"] == "warn"] == [
        ("revenue", "max"),
        ("wc_mod", "max"),
    ]
    assert copy["needed"]["quote"] == []
    assert outcomes(copy)["CH-WC"] == ("decline", None)


CYBER: dict[str, Any] = {
    "company": "Thornbury Clinics Ltd",
    "country": "United Kingdom",
    "cover": ["cyber"],
    "sector": "health",
    "postcode": "BS35 1HF",
    "domain": "thornbury.example.com",
    "staff": "20",
    "revenue": "£4.25M",
    "us_share": "30 %",
    "data_kinds": ["health", "contact"],
    "data_records": "r2",
    "data_encrypted": "all",
    "mfa_email": "Everywhere",
    "mfa_remote": "Everywhere",
    "mfa_admin": "Everywhere",
    "backups": "offline",
    "backups_tested": "yes",
    "detection": True,
    "patch_days": 14,
    "call_back": True,
    "training": True,
    "limit": "1,000,000",
    "retention": "5,000",
    "start": "7/1/2026",
}


def test_cyber_is_priced_in_pounds(api: Api) -> None:
    put_up("cyber")
    copy = start(api, "cyber", CYBER)

    assert copy["needed"]["quote"] == []
    # By revenue 1,912.50 and by staff 240, times 1.6, 1.35, 1.8 and 0.9.
    assert outcomes(copy) == {"TH-UK": ("eligible", 7532), "LI-US": ("decline", None)}
    assert copy["answers"]["revenue"]["value"] == 4_250_000
    assert {"contact", "phone_uk"} <= set(copy["needed"]["bind"])
    reached = change(api, copy, phone_uk="+44 1454 555 010")
    assert {"contact", "phone_uk"}.isdisjoint(reached["needed"]["bind"])


def test_cyber_has_no_price_while_a_factor_is_unknown(api: Api) -> None:
    put_up("cyber")
    copy = start(api, "cyber", {code: value for code, value in CYBER.items() if code not in ("us_share", "sector")})

    assert outcomes(copy)["TH-UK"][1] is None
    assert {"us_share", "sector"} <= set(copy["needed"]["quote"])


def test_cyber_refuses_dollars_and_clients_that_pay_too_much(api: Api) -> None:
    put_up("cyber")
    copy = start(api, "cyber", CYBER, {"clients": [row(client_name="NHS", client_revenue="5M")]})
    refused = api.patch(f"/copies/{copy['id']}/answers", {"answers": {"revenue": "$4,250,000"}})

    assert [(error["path"], error["code"]) for error in refused.json()["errors"]] == [("revenue", "wrong_currency")]
    assert [(found["path"], found["code"]) for found in copy["messages"]] == [("clients", "clients_fit")]
    assert "clients" in copy["needed"]["quote"]


def test_cyber_in_the_us_is_another_product_with_other_questions(api: Api) -> None:
    put_up("cyber")
    american = {**CYBER, "country": "US", "zip": "02139", "phone_us": "617-555-0134", "backups": "Online only"}
    copy = start(api, "cyber", {code: value for code, value in american.items() if code != "postcode"})

    assert outcomes(copy) == {"TH-UK": ("decline", None), "LI-US": ("eligible", 3400)}
    assert "postcode" not in copy["answers"]


def test_the_family_portrait_computes_and_sells_nothing(api: Api) -> None:
    put_up("family_portrait")
    disease = {"own_disease": "Diabetes", "own_disease_age": "40-49"}
    relative = row(
        rel_relation="Mother", rel_name="Ada Example", rel_living="No", rel_cause="Stroke", rel_death_age="60 or older",
        relative_diseases=[row(rd_disease="Diabetes", rd_age="50-59"), row(rd_disease="Stroke", rd_age="60 or older")],
    )  # fmt: skip
    copy = start(
        api,
        "family_portrait",
        {
            "own_name": "Robin Example",
            "own_sex": "female",
            "own_born": "May 14, 1980",
            "own_height": "70",
            "own_height_unit": "inches",
            "own_weight": "180",
            "own_weight_unit": "pounds",
        },
        {"own_diseases": [{"answers": disease}], "relatives": [relative]},
    )

    assert copy["needed"] == {"quote": [], "bind": []}
    assert copy["eligibility"] == {}
    assert copy["answers"]["own_sex"]["value"] == "LA3-6"
    assert copy["derived"] == {
        "body_mass_index": {"value": 25.8, "label": "Body mass index"},
        "same_disease": {"value": 1, "label": "Family members with a disease of yours"},
    }
