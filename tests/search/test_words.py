"""Words of the search as tables: words of a text, their weights, their similarity."""

from __future__ import annotations

import pytest

from rules.spelling import ALIKE, alike, likeness, trigrams_of
from search.words import LONGEST, MOST, Weight, weigh, words_of


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
