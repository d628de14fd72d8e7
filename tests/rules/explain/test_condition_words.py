"""Conditions and values of the rule language in plain English."""

from __future__ import annotations

import re

import pytest

from rules.explain.condition_words import ConditionWords
from rules.language.checker import parse
from tests.harness.boarding_catalogue import boarding
from tests.harness.edit_scripts import demo_catalogue

WORDS = ConditionWords(boarding())


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("exotic", "“Exotic pets?” is Yes"),
        ("!exotic", "“Exotic pets?” is No"),
        ("exotic == false", "“Exotic pets?” is No"),
        ("income > 900000", "“Income” is more than $900,000"),
        ("900000.5 <= income", "“Income” is $900,000.5 or more"),
        ("!(income >= 5)", "“Income” is less than $5"),
        ("!(income > 5)", "“Income” is not more than $5"),
        ('limit != "high"', "“Limit” is not High"),
        ('!(limit != "high")', "“Limit” is High"),
        ('home_state in ["TX", "OH"]', "“State” is Texas or Ohio"),
        ('!(home_state in ["TX"])', "“State” is not Texas"),
        ('"care" in wanted', "“Cover” includes Animal care"),
        ('!("care" in wanted)', "“Cover” does not include Animal care"),
        ('"care" in wanted || "fire" in wanted', "“Cover” includes Animal care or Fire"),
        ('limit == "low" || limit == "high"', "“Limit” is Low or High"),
        ("wanted == []", "“Cover” is empty"),
        ("wanted != []", "“Cover” is not empty"),
        ("answered(vet_fee)", "“Vet's fee” is answered"),
        ("!answered(vet_fee)", "“Vet's fee” is not answered"),
        ('opened < date("2026-01-31")', "“Opened” is before 1/31/2026"),
        ('opened >= date("2026-01-31")', "“Opened” is 1/31/2026 or later"),
        ("opened <= as_of", "“Opened” is the date of the decision or earlier"),
        ("year(opened) < 2020", "the year of “Opened” is less than 2020"),
        ("days(opened, as_of) > 30", "the days from “Opened” to the date of the decision is more than 30"),
        (
            'exotic && (limit == "high" || income > 5)',
            "“Exotic pets?” is Yes and (“Limit” is High or “Income” is more than $5)",
        ),
        ("!(exotic && vet)", "it is not so that “Exotic pets?” is Yes and “Vet on call?” is Yes"),
        ('industry.startsWith("722")', "“Industry” is in 722 (Food Services and Drinking Places)"),
        ('kennel_name.contains("zoo")', "“Name” contains zoo"),
        ("kennels.exists(k, k.share > 50)", "in at least one row of “Houses”, “Share” is more than 50%"),
        ("!kennels.exists(k, k.share > 50)", "in no row of “Houses”, “Share” is more than 50%"),
        (
            'kennels.exists(k, k.pets.exists(p, p.species == "snake"))',
            "in at least one row of “Guests”, “Species” is Snake",
        ),
        ("kennels.all(k, k.is_heated)", "in every row of “Houses”, “Heated?” is Yes"),
        ("count(kennels) > 2", "the number of rows of “Houses” is more than 2"),
        (
            'count(kennels.filter(k, k.street == "x")) > 2',
            "the number of rows of “Houses” in which “Street” is x is more than 2",
        ),
        (
            "sum(kennels.map(k, sum(k.pets.map(p, p.weight)))) >= 80",
            "the total of “Weight” in “Guests” is 80 or more",
        ),
        ("max(kennels.map(k, k.share)) > 80", "the largest “Share” in “Houses” is more than 80%"),
        ("income / heads > 1000", "“Income” divided by “Heads” is more than 1,000"),
        ("rated_income > 1000", "“Rated income” is more than $1,000"),
        ("true", "this is always so"),
        ('kennel_name.matches("^[A-Z]")', '“Name”.matches("^[A-Z]")'),
    ],
)
def test_conditions_are_in_words(condition: str, words: str) -> None:
    assert WORDS.condition(parse(condition)) == words


def test_every_condition_of_the_demo_is_in_words_without_codes_or_notation() -> None:
    catalogue = demo_catalogue()
    words = ConditionWords(catalogue)
    nodes = [
        *(question.when.term.node for question in catalogue.questions.values() if question.when),
        *(part.when.term.node for part in catalogue.sets.values() if part.when),
        *(rule.when.term.node for rule in catalogue.form_rules),
        *(rule.when.term.node for product in catalogue.products.values() for rule in product.rules),
        *(factor.when.term.node for product in catalogue.products.values() for factor in product.factors),
    ]

    texts = [words.condition(node) for node in nodes]
    texts += [words.value(part.value.term.node) for part in catalogue.derived.values()]

    assert len(texts) > 100
    wrong = [text for text in texts if re.search(r"[a-z]_[a-z]|==|&&|\|\||\w\(\w+,|\.\w+\(", text)]
    assert wrong == []
