"""Words of the search as tables: words of a text, their weights, their similarity."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.spelling import ALIKE, alike, likeness, trigrams_of
from search.words import LONGEST, MOST, Weight, indexed_words_of, joined_words_of, weigh, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Copper Kettle Bistro, LLC", ["copper", "kettle", "bistro", "llc"]),
        ("Joe's Café & Joe’s café", ["joes", "cafe"]),
        ("a_b-c/d", ["a", "b", "c", "d"]),
        ("jo.smith@harbor.example", ["jo", "smith", "harbor", "example"]),
        ("STRASSE straße", ["strasse"]),
        ("722511", ["722511"]),
        ("x" * 100, ["x" * LONGEST]),
        (" \t—", []),
    ],
)
def test_a_text_is_cut_into_plain_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_a_word_has_its_best_weight_and_is_personal_only_if_nowhere_public() -> None:
    found = weigh(names="Copper Kettle", others="copper texas", personal="Jo Texas", personal_names="Jo")

    assert found == {
        "copper": Weight(3, False),
        "kettle": Weight(3, False),
        "texas": Weight(1, False),
        "jo": Weight(3, True),
    }


def test_the_words_of_one_copy_are_limited() -> None:
    assert len(weigh(names="", others=" ".join(f"w{number}" for number in range(MOST + 50)))) == MOST


def test_trigrams_are_those_of_pg_trgm() -> None:
    # SELECT show_trgm('coper')
    assert trigrams_of("coper") == {"  c", " co", "cop", "ope", "per", "er "}
    assert trigrams_of("722511") == trigrams_of("tx") == trigrams_of("w12") == frozenset()


@pytest.mark.parametrize(("wrong", "right"), [("coper", "copper"), ("kettel", "kettle"), ("resturant", "restaurant")])
def test_misspelled_words_are_similar(wrong: str, right: str) -> None:
    assert likeness(trigrams_of(wrong), trigrams_of(right)) >= ALIKE
    assert list(alike(wrong, ["harbor", right, "zebra"], most=6)) == [right]


def test_the_most_similar_come_first_up_to_the_limit() -> None:
    assert list(alike("kettel", ["kettle", "kettering", "kitten", "settle"], most=2)) == ["kettering", "kettle"]


@pytest.mark.parametrize(
    ("searched", "stored"),
    [
        ("O Brien", "O'Brien"),
        ("OBrien", "O Brien"),
        ("O Brien", "OBrien"),
        ("D Angelo", "D’Angelo"),
        ("Kjaer", "Kjær"),
        ("Dang", "Đặng"),
        ("Isik", "Işık"),
        ("IŞIK", "Işık"),
        ("ışık", "Işık"),
        ("Aegir", "Ægir"),
        ("Thor", "Þór"),
        ("Lodz", "Łódź"),
        ("小龍", "王小龍"),
        ("龍", "王小龍餐廳"),
        ("小龍", "王小龍餐廳 Bistro"),
        ("김치", "서울김치"),
        ("3D", "3-D Printing"),
        ("3-D", "3D Printing"),
        ("7eleven", "7-Eleven"),
        ("A1 Plumbing", "A-1 Plumbing"),
        ("IBM", "I.B.M. Corp"),
        ("J R Smith", "JR Smith"),
        ("Saint Johns", "St. John's"),
        ("St Johns", "Saint John’s"),
        ("Mt Vernon", "Mount Vernon"),
        ("Q15\u00ad1312", "Q151312"),
        ("Soren", "Søren"),
        ("joe", "Joe's"),
    ],
)
def test_a_name_is_found_as_others_write_it(searched: str, stored: str) -> None:
    words = indexed_words_of(stored)

    def found(sought: list[str]) -> bool:
        """Return whether every word is an indexed one, or begins one, as the query compares them."""
        return all(any(word == one or (len(one) > 1 and word.startswith(one)) for word in words) for one in sought)

    assert found(words_of(searched)) or found(joined_words_of(searched))


@given(st.text(max_size=60))
def test_a_text_is_always_found_by_itself(text: str) -> None:
    assert set(words_of(text)) <= set(indexed_words_of(text))
    assert set(joined_words_of(text)) <= set(indexed_words_of(text))
