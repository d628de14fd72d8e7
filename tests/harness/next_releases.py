"""Random next releases of a catalogue: choices and parts go, types and limits narrow, codes are renamed."""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any

import msgspec

from rules.definition.catalogue import CatalogueDefinition
from rules.definition.compiler import compile_catalogue
from rules.definition.faults import CatalogueErrors
from rules.definition.model import CompiledCatalogue

Plain = dict[str, Any]
#: The types that a type can become; some answers fit both, some do not.
_NARROWER = {
    "text": ["zip", "phone", "naics", "fein", "vin", "choice", "long_text", "email"],
    "money": ["integer", "year"],
    "integer": ["year", "money"],
    "zip": ["naics", "text"],
    "naics": ["zip", "text"],
    "choice": ["zip", "text"],
    "date": ["text"],
}


def narrowed(definition: CatalogueDefinition, random: Random) -> CompiledCatalogue:
    """Return ``definition`` compiled after some changes that earlier answers may not survive."""
    plain: Plain = msgspec.to_builtins(definition)
    done = 0
    for _ in range(40):
        tried = json.loads(json.dumps(plain))
        random.choice(_CHANGES)(tried, random)
        try:
            compile_catalogue(msgspec.convert(tried, CatalogueDefinition))
        except CatalogueErrors:
            continue  # a text names what the change took away
        plain, done = tried, done + 1
        if done == 6:
            break
    return compile_catalogue(msgspec.convert(plain, CatalogueDefinition))


def renamed(definition: CatalogueDefinition, random: Random) -> tuple[CatalogueDefinition, dict[str, str]]:
    """Return ``definition`` with some questions, pools and sets renamed, and the new codes by the old ones."""
    text = msgspec.json.encode(definition).decode()
    plain: Plain = json.loads(text)
    codes = [item["code"] for item in plain["question_sets"]]
    codes += [question["code"] for item in plain["question_sets"] for question in item["questions"]]
    codes += [item["pool"]["code"] for item in plain["question_sets"] if item.get("pool")]
    chosen = {code: f"{code}_new" for code in random.sample(codes, random.randint(1, len(codes)))}
    # Texts name codes as whole words.
    text = re.sub(r"\b\w+\b", lambda word: chosen.get(word[0], word[0]), _without_types(text))
    plain = json.loads(_with_types(text))
    old = {new: code for code, new in chosen.items()}
    for part in plain["question_sets"]:
        for item in (part, part.get("pool") or {}, *part["questions"]):
            if item.get("code") in old:
                item["was"] = old[item["code"]]
    return msgspec.convert(plain, CatalogueDefinition), chosen


def _without_types(text: str) -> str:
    """Protect the values that equal codes by chance: the random catalogues' ``lines`` are a list and a question."""
    return re.sub(r'"(choices|lines)":', r'"\1__":', text).replace('"choices__":"lines"', '"choices__":"lines__"')


def _with_types(text: str) -> str:
    return re.sub(r"\b(choices|lines)__", r"\1", text)


def _questions(plain: Plain) -> list[Plain]:
    return [question for part in plain["question_sets"] for question in part["questions"]]


def _remove_choice(plain: Plain, random: Random) -> None:
    labels = plain["choices"][random.choice(list(plain["choices"]))]
    if len(labels) > 1:
        del labels[random.choice(list(labels))]


def _sort_choices(plain: Plain, random: Random) -> None:
    code = random.choice(list(plain["choices"]))
    plain["choices"][code] = dict(reversed(plain["choices"][code].items()))


def _change_type(plain: Plain, random: Random) -> None:
    question = random.choice(_questions(plain))
    question["type"] = random.choice(_NARROWER.get(question["type"], [question["type"]]))
    question.pop("choices", None)
    question.pop("validate", None)
    if question["type"] == "choice":
        question["choices"] = "letters"


def _lower_limit(plain: Plain, random: Random) -> None:
    question = random.choice(_questions(plain))
    limits = {"integer": "max:3", "money": "max:400", "text": "max:2", "multi_choice": "max_items:1"}
    if question["type"] in limits:
        question["validate"] = [limits[question["type"]]]


def _lower_pool(plain: Plain, random: Random) -> None:
    pools = [part["pool"] for part in plain["question_sets"] if part.get("pool")]
    pool = random.choice(pools)
    pool.update(max=1, min=0)


def _remove_question(plain: Plain, random: Random) -> None:
    part = random.choice(plain["question_sets"])
    if len(part["questions"]) > 1:
        part["questions"].pop(random.randrange(len(part["questions"])))


def _move_pool(plain: Plain, random: Random) -> None:
    pools = [part["pool"] for part in plain["question_sets"] if part.get("pool")]
    pool = random.choice(pools)
    pool["parent"] = random.choice(["", *(other["code"] for other in pools)])


def _remove_set(plain: Plain, random: Random) -> None:
    plain["question_sets"].pop(random.randrange(len(plain["question_sets"])))


_CHANGES = (
    _remove_choice,
    _sort_choices,
    _change_type,
    _change_type,
    _lower_limit,
    _lower_pool,
    _remove_question,
    _move_pool,
    _remove_set,
)
