"""Random catalogues: every kind of part, combined from a seed."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import Any

import msgspec

from rules.definition.catalogue import CatalogueDefinition
from rules.definition.compiler import CatalogueErrors, compile_catalogue
from rules.definition.model import CompiledCatalogue

#: Pool -> the pool around it; every catalogue has some of them.
NESTING = {"p0": "", "p1": "", "p0a": "p0", "p0b": "p0", "p0aa": "p0a", "p1a": "p1"}
KINDS = {
    "boolean": "truth",
    "integer": "number",
    "money": "number",
    "choice": "text",
    "text": "text",
    "zip": "text",
    "naics": "text",
    "date": "date",
    "multi_choice": "list",
    "ssn": "text",
}
CHOICES = {
    "lines": {"x": "X", "y": "Y", "z": "Z"},
    "letters": {"a": "A", "b": "B", "c": "C"},
    "states": {"TX": "Texas", "OH": "Ohio"},
}


@cache
def random_catalogue(seed: int) -> CompiledCatalogue:
    """Return the catalogue of ``seed``; one with circular conditions is replaced by another."""
    for again in range(100):
        definition = _Maker(Random(seed * 1000 + again)).definition()
        try:
            return compile_catalogue(msgspec.convert(definition, CatalogueDefinition))
        except CatalogueErrors as errors:
            if any(fault.code != "cycle" for fault in errors.faults):
                raise
    raise AssertionError(seed)


class _Maker:
    def __init__(self, random: Random) -> None:
        self._random = random
        #: (code, kind) that texts can name so far, by their pool.
        self._names: dict[str, list[tuple[str, str]]] = {"": []}
        self._count = 0
        self._products = [f"P{number}" for number in range(random.randint(2, 5))]
        self._lines = {code: random.choice("xxy") for code in self._products}
        self._surplus = set(random.sample(self._products, random.randint(0, len(self._products) - 1)))
        self._questions: dict[str, dict[str, Any]] = {}
        self._pool_of: dict[str, str] = {}

    def definition(self) -> dict[str, Any]:
        random = self._random
        sets = [self._set("s0", "", with_lines=True)]
        derived: list[dict[str, Any]] = []
        pools = [pool for pool in NESTING if pool in ("p0", "p0a") or random.random() < 0.4]
        parts = [("s1", ""), *((f"set_{pool}", pool) for pool in pools if NESTING[pool] in ("", *pools)), ("s2", "")]
        for code, pool in parts:
            derived += self._derived()
            sets.append(self._set(code, pool))
        derived += self._derived()
        return {
            "code": "random",
            "title": "Random",
            "allow_test_identities": True,
            "lines_question": "lines",
            "choices": CHOICES,
            "question_sets": sets,
            "derived": derived,
            "form_rules": [self._form_rule(number) for number in range(random.randint(2, 6))],
            "lines": [
                {"code": code, "label": code, "states": self._states(), "industry": "trade"}
                for code in CHOICES["lines"]
            ],
            "carriers": [
                {"code": code, "name": code, "admitted": code == "ADM", "link": {"mode": "sync"}}
                for code in ("ADM", "SUR")
            ],
            "products": [self._product(code) for code in self._products],
        }

    # Sets and questions

    def _set(self, code: str, pool: str, *, with_lines: bool = False) -> dict[str, Any]:
        random, made = self._random, {"code": code, "title": code}
        if pool:
            self._names[pool] = []
            made["pool"] = {"code": pool, "parent": NESTING[pool], "min": random.choice([0, 0, 1, 2]), "max": 4}
        if not with_lines and random.random() < 0.5:
            made["when"] = self._truth(NESTING[pool] if pool else "")
        questions = []
        if with_lines:
            questions = [
                {"code": "lines", "label": "lines", "type": "multi_choice", "choices": "lines", "required": "quote"},
                {"code": "home", "label": "home", "type": "choice", "choices": "states"},
                {"code": "trade", "label": "trade", "type": "naics"},
            ]
            for question in questions:
                self._note(question, "")
        questions += [self._question(pool) for _ in range(random.randint(2, 5))]
        if pool:
            # Named from outside only after the pool, because readers of the pool depend on its questions.
            self._names[NESTING[pool]].append((pool, "rows"))
        made["questions"] = questions
        return made

    def _question(self, pool: str) -> dict[str, Any]:
        random = self._random
        kind = random.choice(list(KINDS))
        self._count += 1
        made: dict[str, Any] = {"code": f"q{self._count}", "label": "?", "type": kind}
        made["required"] = random.choice(["quote", "bind", "optional"])
        if random.random() < 0.15:
            purposes = random.choice([("quote",), ("bind",), ("quote", "bind")])
            made["required"] = {purpose: self._requirement(pool) for purpose in purposes}
        if kind in ("choice", "multi_choice"):
            made["choices"] = "letters"
        if kind == "ssn" or random.random() < 0.1:
            made["sensitivity"] = random.choice(["spi", "spi", "pii"])
        if random.random() < 0.5:
            made["when"] = self._truth(pool)
        if random.random() < 0.15:
            made["products"] = random.sample(self._products, random.randint(1, 2))
        made["validate"] = self._validators(made, pool)
        self._note(made, pool)
        return made

    def _requirement(self, pool: str) -> str:
        """Return a condition of a requirement, the only place of ``answered``: an answer never takes a price away."""
        codes = [code for kind in ("truth", "number", "text", "date", "list") for code in self._in_scope(pool, kind)]
        form = self._random.choice(["{1}", "answered({0})", "!answered({0}) && {1}"]) if codes else "{1}"
        return form.format(self._random.choice(codes) if codes else "", self._truth(pool))

    def _note(self, question: dict[str, Any], pool: str) -> None:
        self._names[pool].append((question["code"], KINDS[question["type"]]))
        self._questions[question["code"]] = question
        self._pool_of[question["code"]] = pool

    def _validators(self, question: dict[str, Any], pool: str) -> list[str]:
        random, kind = self._random, question["type"]
        fitting = {
            "integer": ["min:1", "max:30", *self._others("min_of", "number", pool)],
            "money": ["max:1000", *self._others("max_of", "number", pool)],
            "text": ["max:5"],
            "date": ["not_after:as_of", *self._others("min_of", "date", pool)],
            "boolean": ["must_be_true"],
            "multi_choice": ["max_items:2"],
            "zip": ["zip_matches_state:home"],
        }.get(kind, [])
        if pool and kind != "multi_choice":
            fitting = [*fitting, "unique_in_pool"]
        if pool and kind == "integer":
            fitting.append("pool_sum_max:20")
        if kind == "text":
            fitting += [f"in_pool:{name}.{code}" for name in self._pools("") for code in self._codes(name, "text")[:1]]
        return random.sample(fitting, random.randint(1, len(fitting))) if fitting and random.random() < 0.5 else []

    def _others(self, name: str, kind: str, pool: str) -> list[str]:
        derived = {code for code, _ in self._names[""] if code.startswith("d")}
        return [f"{name}:{code}" for code in self._in_scope(pool, kind) if code not in derived][-2:]

    # Texts

    def _codes(self, pool: str, kind: str) -> list[str]:
        return [code for code, own in self._names[pool] if own == kind]

    def _pools(self, pool: str) -> list[str]:
        return self._codes(pool, "rows")

    def _in_scope(self, pool: str, kind: str) -> list[str]:
        around = NESTING[pool] if pool else None
        return self._codes(pool, kind) + (self._in_scope(around, kind) if around is not None else [])

    def _truth(self, pool: str, depth: int = 2) -> str:
        random = self._random
        if depth and random.random() < 0.5:
            left, right = self._truth(pool, depth - 1), self._truth(pool, depth - 1)
            forms = ["({} && {})", "({} || {})", "(!({0}) && {1})", "({} ? {} : true)"]
            return random.choice(forms).format(left, right)
        names = [
            (code, kind) for kind in ("truth", "number", "text", "date", "list") for code in self._in_scope(pool, kind)
        ]
        pools = self._in_scope(pool, "rows")
        if pools and random.random() < 0.4:
            return self._over_rows(random.choice(pools))
        if not names:
            return "true"
        # Late values are named most often, so that chains get long.
        code, kind = (
            names[-1 - int(len(names) * random.random() ** 2)] if random.random() < 0.3 else random.choice(names)
        )
        return self._atom(code, kind, self._in_scope(pool, "number"))

    def _atom(self, code: str, kind: str, numbers: list[str]) -> str:
        random = self._random
        forms = {
            "truth": [code, f"!{code}", f"{code} == false"],
            "number": [f"{code} > 5", f"{code} == 1", *(f"{code} <= {other}" for other in numbers[:2])],
            "text": [f'{code} == "a"', f'{code} in ["a", "b", "TX"]', f'{code}.startsWith("7")'],
            "date": [f'{code} > date("2020-01-01")', f"years({code}) < 5"],
            "list": [f'"a" in {code}', f"size({code}) > 1", f'{code} == ["b", "a"]'],
        }
        return random.choice(forms[kind])

    def _over_rows(self, pool: str) -> str:
        random, row = self._random, f"r_{pool}"
        fields = [(f"{row}.{code}", kind) for code, kind in self._names[pool] if kind != "rows"]
        nested = self._pools(pool)
        if nested and random.random() < 0.4:
            child = random.choice(nested)
            inner = [(f"r_{child}.{code}", kind) for code, kind in self._names[child] if kind != "rows"]
            if inner:
                return f"{pool}.exists({row}, {row}.{child}.exists(r_{child}, {self._atom(*random.choice(inner), [])}))"
        if not fields or random.random() < 0.3:
            return f"size({pool}) > 1"
        atom = self._atom(*random.choice(fields), [])
        form = random.choice(["{p}.exists({r}, {a})", "{p}.all({r}, {a})", "count({p}.filter({r}, {a})) > 1"])
        return form.format(p=pool, r=row, a=atom)

    def _number(self) -> str:
        random = self._random
        options = list(self._codes("", "number"))
        for pool in self._pools(""):
            options.append(f"count({pool})")
            options += [f"sum({pool}.map(r_{pool}, r_{pool}.{code}))" for code in self._codes(pool, "number")]
            for child in self._pools(pool):
                options.append(f"sum({pool}.map(r_{pool}, count(r_{pool}.{child})))")
        chosen = random.choice(options) if options else "1"
        return random.choice(["{}", "{} * 2", "{} + 0.5"]).format(chosen)

    def _derived(self) -> list[dict[str, Any]]:
        made = []
        for _ in range(self._random.randint(0, 2)):
            self._count += 1
            code = f"d{self._count}"
            kind = self._random.choice(["number", "truth", "text"])
            open_texts = [name for name in self._codes("", "text") if self._is_open(name)]
            if kind == "text" and not open_texts:
                kind = "truth"
            value = {
                "number": self._number,
                "truth": lambda: self._truth(""),
                "text": lambda open_texts=open_texts: self._random.choice(open_texts),
            }[kind]()
            made.append({"code": code, "value": value})
            self._names[""].append((code, kind))
        return made

    def _is_open(self, code: str) -> bool:
        return not self._questions.get(code, {}).get("sensitivity")

    def _states(self) -> str:
        states = [
            f"{pool}.map(r_{pool}, r_{pool}.{code})" for pool in self._pools("") for code in self._codes(pool, "text")
        ]
        return self._random.choice(["[home]", *states])

    # Rules

    def _form_rule(self, number: int) -> dict[str, Any]:
        at = self._random.choice([*self._questions, *[pool for pool in self._names if pool]])
        return {
            "id": f"F{number}",
            "when": self._truth(self._pool_of.get(at, "")) if self._random.random() < 0.7 else "true",
            "then": self._random.choice(["error", "warn", "message", "task"]),
            "at": at,
            "say": f"Says F{number}.",
        }

    def _product(self, code: str) -> dict[str, Any]:
        random = self._random
        made: dict[str, Any] = {
            "code": code,
            "carrier": "SUR" if code in self._surplus else "ADM",
            "line": self._lines[code],
            "rate_type": "bindable",
            "rules": [self._rule(f"{code}-{number}") for number in range(random.randint(0, 4))],
            "rating": {
                "minimum": "10",
                "terms": [{"rate": "1.5", "of": self._number()} for _ in range(random.randint(0, 2))],
                "tables": self._tables(),
                "factors": [{"id": "f", "when": self._truth(""), "times": "1.25"}] if random.random() < 0.5 else [],
            },
        }
        if random.random() < 0.4:
            made["states"] = ["TX"]
        if random.random() < 0.4:
            made["industries"] = ["722"]
        return made

    def _rule(self, identity: str) -> dict[str, Any]:
        random = self._random
        then = random.choice(["decline", "refer", "adjust"])
        made = {"id": identity, "when": self._truth(""), "then": then, "why": f"Why {identity}"}
        if then == "adjust":
            numbers = [code for code, item in self._questions.items() if item["type"] == "integer"]
            tops = [code for code in numbers if not self._pool_of[code]] or ["home"]
            code = random.choice(tops)
            made["set"] = {code: "TX" if code == "home" else 7}
        return made

    def _tables(self) -> list[dict[str, Any]]:
        random = self._random
        pools = [pool for pool in self._names if pool and self._codes(pool, "text")]
        if not pools or random.random() < 0.3:
            return []
        pool = random.choice(pools)
        numbers = self._in_scope(pool, "number")
        return [
            {
                "pool": pool,
                "rate_by": random.choice(self._codes(pool, "text")),
                "rates": {"a": "2", "A": "3", "78701": "4", "722511": "5"},
                "amount": random.choice([*numbers, ""]),
                "reason": random.choice(["", "no_rate"]),
                "times": random.choice([*self._codes("", "number"), ""]),
            }
        ]
