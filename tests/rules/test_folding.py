"""Names that people take for the same are equal after folding."""

from __future__ import annotations

import pytest

from rules.folding import fold
from rules.nearest import nearest


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Kjær", "Kjaer"),
        ("Đặng", "Dang"),
        ("Işık", "Isik"),
        ("IŞIK", "ışık"),
        ("İstanbul", "istanbul"),
        ("Ægir", "AEGIR"),
        ("Þór", "Thor"),
        ("Łódź", "lodz"),
        ("Straße", "STRASSE"),
        ("Ħamrun", "Hamrun"),
        ("Ŧ", "t"),
        ("Œuvre", "oeuvre"),
        ("O’Brien", "O'BRIEN"),
        ("Anna\u200b", "anna"),
        ("co\u00adoperate", "cooperate"),
        ("ﬁ", "fi"),
        ("Ｆｕｌｌ", "full"),
        ("ɨ", "i"),
    ],
)
def test_two_spellings_of_a_name_are_equal(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_other_scripts_stay_as_they_are() -> None:
    assert (fold("김치"), fold("小龍"), fold("Ιωάννης")) == ("김치", "小龍", fold("ιωαννης"))


@pytest.mark.parametrize(
    ("value", "meant"),
    [("mqs_busines_name", "mqs_business_name"), ("MQS-EMAIL", "mqs_email"), ("x" * 500, ""), (3, ""), ("", "")],
)
def test_the_nearest_code_is_found(value: object, meant: str) -> None:
    assert nearest(value, ("mqs_business_name", "mqs_email", "mqs_fein")) == meant


def test_a_label_names_its_code() -> None:
    assert nearest("texas", ("TX", "OH"), labels={"TX": "Texas", "OH": "Ohio"}) == "TX"
