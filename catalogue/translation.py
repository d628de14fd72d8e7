"""Translates a catalogue of the older layout (Python-like notation, rules apart from products) into a definition.

Names that the layout omits are inferred: the industry question by its type, the lines question by the choices that
match the products' lines, the rated rows by the choice list with the rates' codes. ``Hints`` override them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, NoReturn

import msgspec
import yaml

from catalogue.notation import NotationError, Vocabulary, to_cel
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.faults import CatalogueErrors, CatalogueFault

_QUESTION_KEYS: Final = {"req": "required", "v": "validate", "for": "products", "sens": "sensitivity", "idx": "indexed"}
_LINK_KEYS: Final = {
    "p50_s": "p50_seconds",
    "p95_s": "p95_seconds",
    "fail_pct": "fail_percent",
    "per_min": "per_minute",
}


@dataclass(frozen=True, kw_only=True)
class Hints:
    """Names that the source omits: of questions or pools, and the ``title``. Empty ones are inferred."""

    title: str = ""
    title_question: str = ""
    industry_question: str = ""
    lines_question: str = ""
    mailing_state: str = ""
    locations: str = ""
    payroll: str = ""
    experience: str = ""


@dataclass(frozen=True)
class _SourceQuestion:
    """One question of the source, and the pool that contains it ("" for none)."""

    source: Mapping[str, Any]
    pool: str

    @property
    def code(self) -> str:
        return str(self.source["code"])


def translate(source: str, hints: Hints | None = None) -> CatalogueDefinition:
    """Return the catalogue in the YAML text ``source``.

    Raises ``CatalogueErrors`` with every expression that cannot be translated.
    """
    try:
        data = yaml.load(source, Loader=yaml.BaseLoader)  # noqa: S506 - builds nothing but texts, lists and mappings
        translation = _Translation(data, hints or Hints())
        built = translation.catalogue()
    except yaml.YAMLError as error:
        _refuse("bad_yaml", f"The source is not YAML: {error}.")
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        _refuse("bad_source", f"The source does not have the layout of this notation: {error!r}.")
    if translation.faults:
        raise CatalogueErrors(translation.faults)
    try:
        return msgspec.convert(built, CatalogueDefinition, strict=False)
    except msgspec.ValidationError as error:
        _refuse("bad_source", f"The source contains a value that a catalogue cannot have: {error}.")


def is_older_notation(source: str) -> bool:
    """Return whether ``source`` has the older layout: only that has ``meta`` and a flat list of ``questions``."""
    return all(re.search(rf"^{key}:", source, re.MULTILINE) for key in ("meta", "questions"))


def _refuse(code: str, text: str) -> NoReturn:
    remedy = "Correct the source, or write the catalogue in the project's own format."
    raise CatalogueErrors([CatalogueFault(code, "", text, remedy)]) from None


class _Translation:
    """Builds the parts of one catalogue, and collects the expressions that cannot be translated."""

    def __init__(self, source: Mapping[str, Any], hints: Hints) -> None:
        self.faults: list[CatalogueFault] = []
        self._source = source
        self._choices = {code: _labels(choices) for code, choices in source["choices"].items()}
        self._pools: dict[str, tuple[str, ...]] = {}
        self._questions = list(self._walk())
        self._names = self._infer(hints)
        self._vocabulary = Vocabulary(
            industry_question=self._names.industry_question,
            lines_question=self._names.lines_question,
            pools=self._pools,
            fields={question.code: question.pool for question in self._questions if question.pool},
        )

    def catalogue(self) -> dict[str, Any]:
        """Return the whole catalogue as plain data."""
        meta = self._source["meta"]
        return {
            "code": meta["code"],
            "title": self._names.title or meta.get("title") or meta["code"].replace("_", " ").capitalize(),
            "currency": meta.get("currency", "USD"),
            "allow_test_identities": meta.get("allow_test_ids", "false"),
            "lines_question": self._names.lines_question,
            "title_question": self._names.title_question,
            "choices": self._choices,
            "question_sets": list(self._question_sets()),
            "derived": [
                {"code": code, "value": self._cel(value, f"derived[{code}].value")}
                for code, value in self._source.get("derived", {}).items()
            ],
            "form_rules": [
                self._renamed(rule, {}, f"form_rules[{rule['id']}]", condition="if")
                for rule in self._source.get("form_rules", ())
            ],
            "lines": list(self._lines()),
            "carriers": [
                {**carrier, "link": {_LINK_KEYS.get(key, key): value for key, value in carrier["link"].items()}}
                for carrier in self._source.get("carriers", ())
            ],
            "products": [self._product(product) for product in self._source.get("products", ())],
        }

    def _walk(self) -> Iterator[_SourceQuestion]:
        """Yield the questions in order; record the pools on the way to each pool."""
        pool = ""
        for entry in self._source["questions"]:
            if "set" not in entry:
                yield _SourceQuestion(entry, pool)
                continue
            pool = entry.get("pool", {}).get("code", "")
            if pool:
                parent = entry["pool"].get("parent", "")
                self._pools[pool] = (*self._pools[parent], pool) if parent else (pool,)

    def _infer(self, hints: Hints) -> Hints:
        """Return ``hints`` with the empty ones inferred."""
        lines = {product["lob"] for product in self._source.get("products", ())}
        states = {
            state
            for product in self._source.get("products", ())
            if product["states"] != "all"
            for state in product["states"]
        }
        stated = [question for question in self._questions if states and states <= self._codes(question)]
        inferred = {
            "industry_question": self._first(type="naics"),
            "lines_question": next(
                (q.code for q in self._questions if q.source["type"] == "multi_choice" and lines <= self._codes(q)), ""
            ),
            "title_question": self._first(type="text"),
            "mailing_state": next((question.code for question in stated if not question.pool), ""),
            "locations": next((question.pool for question in stated if question.pool), ""),
            "experience": self._first(type="decimal"),
        }
        return Hints(**{hint.name: getattr(hints, hint.name) or inferred.get(hint.name, "") for hint in fields(hints)})

    def _codes(self, question: _SourceQuestion) -> set[str]:
        """Return the codes of a question's choices."""
        return set(self._choices.get(question.source.get("choices", ""), ()))

    def _first(self, *, type: str, pool: str = "") -> str:
        return next((q.code for q in self._questions if q.source["type"] == type and q.pool == pool), "")

    def _question_sets(self) -> Iterator[dict[str, Any]]:
        current: dict[str, Any] = {}
        for entry in self._source["questions"]:
            if "set" in entry:
                if current:
                    yield current
                current = {**self._renamed(entry, {"set": "code"}, f"question_sets[{entry['set']}]"), "questions": []}
                continue
            where = f"question_sets[{current['code']}].questions[{entry['code']}]"
            question = self._renamed(entry, _QUESTION_KEYS, where)
            if question.get("required") == "opt":
                question["required"] = "optional"
            current["questions"].append(question)
        if current:
            yield current

    def _lines(self) -> Iterator[dict[str, str]]:
        """Yield the lines; the states of a line rated by classes are those of its rows, of others those of the
        locations.
        """
        used = {product["lob"] for product in self._source.get("products", ())}
        lines = self._choices.get(self._choice_list(self._names.lines_question), {})
        for code, label in lines.items():
            if code in used:
                states = self._states(
                    self._rated_pool(code) or self._names.locations, fallback=not self._rated_pool(code)
                )
                yield {"code": code, "label": label, "states": states, "industry": self._names.industry_question}

    def _choice_list(self, code: str) -> str:
        return next((str(q.source.get("choices", "")) for q in self._questions if q.code == code), "")

    def _rated_pool(self, line: str) -> str:
        """Return the pool whose rows a product of ``line`` rates by classes, or ""."""
        for product in self._source["products"]:
            if product["lob"] == line and "class_rates" in product["rating"]:
                return self._row_code(product["rating"]["class_rates"]).pool
        return ""

    def _states(self, pool: str, *, fallback: bool) -> str:
        """Return the CEL for the states of the rows of ``pool``, or of the mailing address while there are no rows."""
        mailing = self._names.mailing_state
        listed = self._choice_list(mailing)
        state = next(
            (
                q.code
                for q in self._questions
                if pool and q.pool == pool and listed and q.source.get("choices") == listed
            ),
            "",
        )
        rows = f"{pool}.map({pool[0]}, {pool[0]}.{state})" if state else ""
        alone = f"[{mailing}]" if mailing else "[]"
        if not rows or not fallback:
            return rows or alone
        return f"count({pool}) > 0 ? {rows} : {alone}"

    def _product(self, product: Mapping[str, Any]) -> dict[str, Any]:
        code, rating = product["p"], product["rating"]
        where = f"products[{code}].rating"
        return {
            "code": code,
            "carrier": product.get("carrier") or self._carrier(code),
            "line": product["lob"],
            "rate_type": product["rate_type"],
            "states": None if product["states"] == "all" else product["states"],
            "industries": None if product["classes"] == "all" else product["classes"],
            "rating": {
                "minimum": _decimal(rating.get("min", "0")),
                "terms": [
                    {
                        "rate": _decimal(term["rate"]),
                        "per": _decimal(term.get("per", "1")),
                        "of": self._cel(term["of"], f"{where}.terms[{number}].of"),
                    }
                    for number, term in enumerate(rating.get("terms", ()))
                ],
                "tables": list(self._tables(rating)),
                "factors": [
                    {
                        "id": factor["id"],
                        "when": self._cel(factor["if"], f"{where}.factors[{factor['id']}].when"),
                        "times": _decimal(factor["x"]),
                    }
                    for factor in rating.get("factors", ())
                ],
            },
            "rules": [
                self._rule(rule, f"products[{code}].rules[{rule['id']}]")
                for rule in self._source.get("product_rules", ())
                if rule["p"] == code
            ],
        }

    def _carrier(self, product: str) -> str:
        """Return the carrier whose code begins the product's code."""
        codes = [
            carrier["code"] for carrier in self._source.get("carriers", ()) if product.startswith(carrier["code"] + "-")
        ]
        return max(codes, key=len, default=product)

    def _rule(self, rule: Mapping[str, Any], where: str) -> dict[str, Any]:
        built = self._renamed({key: value for key, value in rule.items() if key != "p"}, {}, where, condition="if")
        if "set" in rule:
            built["set"] = {code: self._value(code, value) for code, value in rule["set"].items()}
        return built

    def _value(self, code: str, value: str) -> str | int | float | bool:
        """Return ``value`` in the type of the question ``code``."""
        kind = next((question.source["type"] for question in self._questions if question.code == code), "text")
        if kind == "boolean":
            return value == "true"
        if kind in ("integer", "year"):
            return int(value)
        return float(value) if kind in ("number", "decimal", "money", "percent") else value

    def _tables(self, rating: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        if "class_rates" in rating:
            code = self._row_code(rating["class_rates"])
            yield {
                "pool": code.pool,
                "rate_by": code.code,
                "amount": self._names.payroll or self._first(type="money", pool=code.pool),
                "per": "100",
                "times": self._names.experience,
                "reason": code.source["choices"],
                "rates": {key: _decimal(rate) for key, rate in rating["class_rates"].items()},
            }
        if "vehicle_rates" in rating:
            code = self._row_code(rating["vehicle_rates"])
            rates = {key: _decimal(rate) for key, rate in rating["vehicle_rates"].items()}
            yield {"pool": code.pool, "rate_by": code.code, "rates": rates}

    def _row_code(self, rates: Mapping[str, str]) -> _SourceQuestion:
        """Return the question of a pool whose choices include every code of ``rates``."""
        for question in self._questions:
            if question.pool and set(rates) <= self._codes(question):
                return question
        raise KeyError(f"no question of a pool has choices for the rates of {', '.join(rates)}")

    def _renamed(
        self, part: Mapping[str, Any], names: Mapping[str, str], where: str, *, condition: str = "when"
    ) -> dict[str, Any]:
        """Return ``part`` with its keys renamed and its condition in CEL."""
        built = {names.get(key, key): value for key, value in part.items() if key != condition}
        if condition in part:
            built["when"] = self._cel(part[condition], f"{where}.when")
        return built

    def _cel(self, expression: str, where: str) -> str:
        try:
            return to_cel(expression, self._vocabulary)
        except NotationError as error:
            self.faults.append(
                CatalogueFault(
                    "untranslatable",
                    where,
                    str(error),
                    "Write it in the notation, or in CEL in the translated file.",
                    1,
                    error.column,
                )
            )
            return ""


def _labels(choices: Any) -> dict[str, str]:
    """Return a choice list as codes with their labels."""
    return dict(choices) if isinstance(choices, Mapping) else {code: code for code in choices}


def _decimal(text: str) -> str:
    """Return a decimal number without trailing zeros."""
    return text.rstrip("0").rstrip(".") if "." in text else text
