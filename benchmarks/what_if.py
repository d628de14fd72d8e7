"""Reports on a draft over 10,000 copies of the demo's samples, against a bare loop of decode and decide on one core."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from typing import Final

from msgspec.structs import replace

from benchmarks.deciding import SHARE, check_flow_of, stored_samples
from benchmarks.figures import Figure, figure
from benchmarks.rounds import Contender, interleave, ratios
from catalogue import releases
from catalogue.demo import load_demo_catalogue
from decisions.book_report import BookReport
from decisions.copy_effect import BookCopy
from decisions.decide_many import DecidingRelease
from decisions.supposition import DraftRelease, Supposition, suppose_release
from decisions.what_if import effects_on, start_report
from rules.definition.catalogue import CatalogueDefinition, FormRule
from rules.definition.compiler import compile_catalogue

COPIES: Final = 10_000
QUICK: Final = {"copies": 200}
CPU_ROUNDS: Final = 3
#: How much faster a report is where the copies that read a changed rule are known.
LESS_WORK: Final = 5.0


def measure(rounds: int, *, copies: int = COPIES) -> list[Figure]:
    """Return how much faster a report on a draft is than a bare loop, and one on a changed rule than one in full."""
    release = releases.get(load_demo_catalogue(actor_id="bench").pk)
    book = [
        BookCopy(copy=copy, form_id=copy.id, is_present=True, lines=("",))
        for copy in stored_samples(release.catalogue_code)
    ]
    definition = release.compiled.definition
    whole = _suppose(release, _with_form_rule(definition))
    # Every copy requests the line of the changed rule.
    rule = replace_lines(book, _suppose(release, _with_other_rule(definition)))
    supposition = rule[1]
    contenders = [
        Contender(name="bare", run=lambda call: _bare(book, whole.supposed, copies), warm_up=1),
        Contender(name="whole", run=lambda call: _report(book, whole, copies, workers=0), warm_up=1),
        Contender(name="one core", run=lambda call: _report(book, whole, copies, workers=1), warm_up=1),
        Contender(name="rule", run=lambda call: _report(rule[0], supposition, copies, workers=1), warm_up=1),
    ]
    times = interleave(contenders, rounds=rounds)
    # CPU time is the same beside other work; the time of several cores is not.
    spent = [
        cpu_seconds(lambda: _bare(book, whole.supposed, copies))
        / cpu_seconds(lambda: _report(book, whole, copies, workers=0))
        for _ in range(CPU_ROUNDS)
    ]
    what, cores = f"what if, {copies:,} demo copies", len(os.sched_getaffinity(0))
    return [
        figure(f"{what}: a draft that concerns all", "s", times["whole"]),
        figure(f"{what}: one rule changed, on one core", "s", times["rule"]),
        figure(f"{what}: bare loop on one core / ours on one core", "times", ratios(times["bare"], times["one core"])),
        figure(
            f"{what}: bare loop on one core / ours on {cores} cores",
            "times",
            ratios(times["bare"], times["whole"]),
            goal=f">= {SHARE * cores:.1f}",
        ),
        figure(
            f"{what}: CPU time of a bare loop / ours on {cores} cores, its processes and the program together",
            "times",
            spent,
            goal=f">= {SHARE:.1f}",
        ),
        figure(
            f"{what}: all decided in full / one rule changed, on one core",
            "times",
            ratios(times["one core"], times["rule"]),
            goal=f">= {LESS_WORK:.0f}",
        ),
    ]


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the CPU time of ``work`` and of the processes that it starts and ends, in seconds."""
    before = _cpu_times()
    work()
    return _cpu_times() - before


def _cpu_times() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def replace_lines(book: list[BookCopy], supposition: Supposition) -> tuple[list[BookCopy], Supposition]:
    """Return ``book`` as if every copy requested a line of ``supposition``, so that all are looked at."""
    lines = tuple(supposition.lines or ())
    return [replace(one, lines=lines) for one in book], supposition


def _suppose(release: DecidingRelease, draft: CatalogueDefinition) -> Supposition:
    return suppose_release(release, DraftRelease(compiled=compile_catalogue(draft)))


def _with_form_rule(definition: CatalogueDefinition) -> CatalogueDefinition:
    """Return ``definition`` with one more form rule: any copy may have its message."""
    rule = FormRule(id="WHAT-IF", when="true", then="message", at=definition.lines_question, say="Changed")
    return replace(definition, form_rules=(*definition.form_rules, rule))


def _with_other_rule(definition: CatalogueDefinition) -> CatalogueDefinition:
    """Return ``definition`` without the last rule of its first product that has any."""
    changed = next(product for product in definition.products if product.rules)
    products = [
        replace(product, rules=product.rules[:-1]) if product is changed else product for product in definition.products
    ]
    return replace(definition, products=tuple(products))


def _bare(book: list[BookCopy], release: DecidingRelease, copies: int) -> None:
    for one in _many(book, copies):
        check_flow_of(one.copy, release)


def _report(book: list[BookCopy], supposition: Supposition, copies: int, *, workers: int) -> BookReport:
    builder = start_report(supposition)
    for effect in effects_on(_many(book, copies), supposition, workers=workers):
        builder.add(effect)
    return builder.report()


def _many(book: list[BookCopy], copies: int) -> Iterator[BookCopy]:
    return islice(cycle(book), copies)
