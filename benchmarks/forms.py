"""Makes the measured content: a published catalogue and a saved form, with given numbers of rules and answers.

Everything follows from the sizes alone, so that two runs measure the same content. There are no sensitive answers:
encryption is not part of these measurements.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import count
from typing import Any, Final
from uuid import UUID

import msgspec
import zstandard

from batch import service as batch
from catalogue import releases
from catalogue.models import Catalogue, Release
from rules.definition.catalogue import (
    Carrier,
    CatalogueDefinition,
    Derived,
    FormRule,
    Line,
    Link,
    Pool,
    Product,
    ProductRule,
    Question,
    QuestionSet,
    Rating,
    Term,
)
from rules.definition.model import CompiledCatalogue
from tenants.access import Actor, Right
from tenants.models import Tenant

ACTOR: Final = Actor(type="user", id=str(UUID(int=7)), source="api", label="Bench Agent", rights=frozenset(Right))
TYPES: Final = ("integer", "text", "choice", "money", "boolean")
FIXED: Final = 4
POOL: Final = "units"
ROW_WIDTH: Final = 10
PRODUCTS: Final = 8
WORDS: Final = (
    "brick veneer frame sprinkler alarm tenant kitchen hood storage parking roof metal shingle annual payroll driver "
    "trailer delivery radius losses water wind hail theft office retail bakery garage fence pool elevator boiler "
    "contractor seasonal part-time owner lease mortgage safe deposit camera lighting basement mezzanine dock"
).split()
_numbers = count(1)


@dataclass(frozen=True, kw_only=True)
class Size:
    """The size of a form: ``answers`` in all (a third of them in rows of a pool), under ``rules`` rules."""

    answers: int
    rules: int

    @property
    def rows(self) -> int:
        """Return the number of pool rows, of ``ROW_WIDTH`` answers each."""
        return self.answers // 3 // ROW_WIDTH

    @property
    def questions(self) -> int:
        """Return the number of questions at the top of the form, with the four fixed ones."""
        return self.answers - self.rows * ROW_WIDTH


@dataclass(frozen=True, kw_only=True)
class SavedForm:
    """A form in the database. ``paths`` are the answers that can be changed, in a mixed order."""

    size: Size
    tenant: Tenant
    id: UUID
    paths: tuple[str, ...]
    compiled: CompiledCatalogue

    def changes(self, number: int, *, variant: int) -> dict[str, Any]:
        """Return ``{answers, answer_pools}`` in the API's shape that gives ``number`` answers the values of
        ``variant``.
        """
        answers: dict[str, Any] = {}
        rows: dict[str, dict[str, Any]] = {}
        for path in self.paths[:number]:
            value = value_at(path.rpartition("/")[2], variant=variant)
            if "/" in path:
                _, row_id, code = path.split("/")
                rows.setdefault(row_id, {})[code] = value
            else:
                answers[path] = value
        pools = {POOL: [{"id": row_id, "answers": given} for row_id, given in rows.items()]} if rows else {}
        return {"answers": answers, "answer_pools": pools}

    def flat_changes(self, number: int, *, variant: int) -> dict[str, Any]:
        """Return the same as path -> value."""
        return {path: value_at(path.rpartition("/")[2], variant=variant) for path in self.paths[:number]}


def value_at(code: str, *, variant: int) -> Any:
    """Return the value of a question: two variants differ everywhere, and cross few of the rules' thresholds."""
    number = int(code.lstrip("qu_"))
    figure = (number * 37 + 13 * variant) % 100
    match TYPES[number % len(TYPES)]:
        case "text":
            return _text(number, variant)
        case "choice":
            return "abcd"[figure % 4]
        case "boolean":
            return (number + variant) % 2 == 0
        case _:
            return figure


def _text(number: int, variant: int) -> str:
    """Return words that compress about as badly as human text."""
    chosen = hashlib.sha256(f"{number} {variant}".encode()).digest()
    return f"{' '.join(WORDS[byte % len(WORDS)] for byte in chosen[: 3 + number % 5])} {chosen.hex()[:4]}"


def make_catalogue(code: str, size: Size) -> CatalogueDefinition:
    """Return a catalogue for forms of ``size``: conditions, form rules, derived values and product rules."""
    conditions = min(size.rules * 4 // 10, (size.questions - FIXED) // 2)
    derived = size.rules // 10
    appetite = size.rules * 2 // 10
    figures = [number for number in range(FIXED, size.questions) if TYPES[number % len(TYPES)] in ("integer", "money")]
    return CatalogueDefinition(
        code=code,
        title="Benchmark",
        lines_question="lines",
        title_question="name",
        choices={
            "lines": {"care": "Care", "fire": "Fire"},
            "states": {"TX": "Texas", "OH": "Ohio"},
            "letters": dict(zip("abcd", "ABCD", strict=True)),
        },
        question_sets=(
            QuestionSet(code="start", title="Start", questions=(*_fixed_questions(), *_questions(size, conditions))),
            QuestionSet(code=POOL, title="Units", pool=Pool(code=POOL, max=1000), questions=_row_questions()),
        ),
        derived=tuple(_derived(number, figures) for number in range(derived)),
        form_rules=tuple(
            _form_rule(number, size, figures) for number in range(size.rules - conditions - derived - appetite)
        ),
        lines=(
            Line(code="care", label="Care", states="[state]", industry="trade"),
            Line(code="fire", label="Fire", states="[state]", industry="trade"),
        ),
        carriers=(Carrier(code="PA", name="Pawprint Mutual", admitted=True, link=Link(mode="sync")),),
        products=tuple(_product(number, appetite, figures) for number in range(PRODUCTS)),
    )


def _fixed_questions() -> tuple[Question, ...]:
    return (
        Question(code="name", label="Name", type="text", required="quote", indexed=True),
        Question(code="lines", label="Lines", type="multi_choice", choices="lines", required="quote"),
        Question(code="state", label="State", type="choice", choices="states", required="quote", indexed=True),
        Question(code="trade", label="Trade", type="naics", required="quote"),
    )


def _questions(size: Size, conditions: int) -> tuple[Question, ...]:
    made = []
    for number in range(FIXED, size.questions):
        kind = TYPES[number % len(TYPES)]
        # The later questions depend on answers in the first part that are not free text.
        is_conditional = number >= size.questions - conditions
        made.append(
            Question(
                code=f"q{number}",
                label=f"Question {number}",
                type=kind,  # type: ignore[arg-type]
                required="quote" if number % 3 == 0 else "optional",
                choices="letters" if kind == "choice" else "",
                validate=("min:0", "max:1000") if kind in ("integer", "money") else (),
                when=_test(FIXED + number - size.questions + conditions, least=10) if is_conditional else "",
                indexed=number % 50 == 1,
            )
        )
    return tuple(made)


def _test(number: int, *, least: int) -> str:
    """Return a condition on the answer to question ``number``, or to the one before where that is free text."""
    match TYPES[number % len(TYPES)]:
        case "boolean":
            return f"q{number}"
        case "choice":
            return f'q{number} != "a"'
        case "text":
            return _test(number - 1, least=least)
        case _:
            return f"q{number} >= {least}"


def _row_questions() -> tuple[Question, ...]:
    return tuple(
        Question(
            code=f"u_{number}",
            label=f"Unit's question {number}",
            type=TYPES[number % len(TYPES)],  # type: ignore[arg-type]
            required="quote" if number % 3 == 0 else "optional",
            choices="letters" if TYPES[number % len(TYPES)] == "choice" else "",
        )
        for number in range(ROW_WIDTH)
    )


def _derived(number: int, figures: list[int]) -> Derived:
    if number % 10 == 0:
        return Derived(code=f"d{number}", value=f"sum({POOL}.map(u, u.u_0)) * {number + 1}")
    one, other = figures[number % len(figures)], figures[(number * 7 + 3) % len(figures)]
    return Derived(code=f"d{number}", value=f"q{one} + q{other} * 2")


def _form_rule(number: int, size: Size, figures: list[int]) -> FormRule:
    if number % 20 == 0:
        return FormRule(id=f"F{number}", when="u_0 > 98 && u_3 > 98", then="warn", at="u_0", say="A large unit")
    one, other = figures[(number * 3) % len(figures)], figures[(number * 5 + 2) % len(figures)]
    third = FIXED + 1 + (number * 7) % (size.questions - FIXED - 1)
    when = f"q{one} > 90 && (q{other} > 50 || {_test(third, least=95)})"
    return FormRule(id=f"F{number}", when=when, then="warn", at=f"q{one}", say=f"Figures {one} and {other} are high")


def _product(number: int, appetite: int, figures: list[int]) -> Product:
    own = range(number, appetite, PRODUCTS)
    rules = []
    for rule in own:
        one, other = figures[(rule * 11 + 1) % len(figures)], figures[(rule * 13 + 4) % len(figures)]
        when = f"q{one} > 97 && q{other} > 90"
        rules.append(
            ProductRule(id=f"P{rule}", when=when, then="refer" if rule % 3 else "decline", why=f"Figure {one} is high")
        )
    return Product(
        code=f"PA-{number}",
        carrier="PA",
        line=("care", "fire")[number % 2],
        rate_type="bindable",
        rating=Rating(minimum="300", terms=(Term(rate="1.5", of=f"q{figures[number % len(figures)]}"),)),
        rules=tuple(rules),
    )


def publish(size: Size) -> tuple[str, CompiledCatalogue]:
    """Store a catalogue for ``size`` as a release; return its code and the compiled catalogue."""
    code = f"bench_{next(_numbers)}_{size.answers}_{size.rules}"
    content = msgspec.json.encode(make_catalogue(code, size))
    # Straight to the release: drafts are for staff, and one row for each question would take longer than to measure.
    release = Release.objects.create(
        catalogue=Catalogue.objects.create(code=code, title="Benchmark"),
        number=1,
        content=zstandard.compress(content),
        checksum=hashlib.sha256(content).hexdigest(),
        published_by_id="benchmarks",
    )
    return code, releases.get(release.id).compiled


def save_form(size: Size, *, database: str = "", published: tuple[str, CompiledCatalogue] | None = None) -> SavedForm:
    """Make a tenant whose rows are reached by the connection ``database`` (empty: the default one), publish a catalogue
    unless one is given, and save a form of ``size``.
    """
    code, compiled = published or publish(size)
    tenant = Tenant.objects.create(
        code=f"bench-{next(_numbers)}", name="Bench Brokers", catalogue=code, database=database
    )
    answers, row = _answers(size)
    with batch.build_context(scope=tenant, actor=ACTOR, title="Base") as context:
        context.changeset.apply_answers({**_FIXED_ANSWERS, **answers}, {POOL: [{"answers": row}] * size.rows})
        context.save()
        form_id = context.copy.id
        row_ids = [row.id for row in context.changeset.find_pool(POOL).rows]
    paths = [*answers, *(f"{POOL}/{row_id}/{code}" for row_id in row_ids for code in row)]
    # An even mix of top and rows whatever the number of changes: by a hash of the place, not of the random row id.
    order = sorted(range(len(paths)), key=lambda place: hashlib.sha256(str(place).encode()).digest())
    return SavedForm(
        size=size, tenant=tenant, id=form_id, paths=tuple(paths[place] for place in order), compiled=compiled
    )


def save_others(form: SavedForm, count: int) -> list[UUID]:
    """Save ``count`` further forms of the same tenant, each with another mix of answers; return the ids of their
    copies.
    """
    made = []
    for number in range(count):
        answers, row = _answers(form.size, mix=number + 1)
        with batch.build_context(scope=form.tenant, actor=ACTOR, title=f"Other {number}") as context:
            context.changeset.apply_answers({**_FIXED_ANSWERS, **answers}, {POOL: [{"answers": row}] * form.size.rows})
            context.save()
            made.append(context.copy.id)
    return made


_FIXED_ANSWERS: Final = {"name": "Copper Kettle", "lines": ["care", "fire"], "state": "TX", "trade": "722511"}


def variant_of(place: int, *, mix: int) -> int:
    """Return the variant of the answer at ``place`` of a form; 256 mixes differ, and mix 0 is all of variant 0."""
    return mix >> place % 8 & 1


def _answers(size: Size, *, mix: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the answers at the top of a form and those of each row."""
    top, row = (
        {code: value_at(code, variant=variant_of(place, mix=mix)) for place, code in enumerate(codes)}
        for codes in ([f"q{number}" for number in range(FIXED, size.questions)], [f"u_{n}" for n in range(ROW_WIDTH)])
    )
    return top, row
