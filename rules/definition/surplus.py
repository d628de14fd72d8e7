"""The surplus lines rules of a catalogue: their checks, and the rule of a state, line and day. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from rules.definition.catalogue import CatalogueDefinition, Declines, SurplusRule
from rules.definition.faults import CatalogueFault, closest

#: The code of the key of a rule for all states that no other rule names.
_EVERY: Final = ""
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledSurplusRule:
    """A surplus rule with its days. ``declines`` is how many admitted products must decline, None for all."""

    id: str
    states: frozenset[str] | None = None
    lines: frozenset[str] | None = None
    since: date = date.min
    until: date = date.max
    declines: int | None = None
    disclosure: str = ""

    def is_met(self, declined: int, *, admitted: int) -> bool:
        """Return whether ``declined`` of ``admitted`` products of the line are declines enough."""
        return declined >= (admitted if self.declines is None else min(self.declines, admitted))


#: The rule where a catalogue has none.
ALL_DECLINE: Final = CompiledSurplusRule(id="")


def compile_surplus(definition: CatalogueDefinition) -> tuple[CompiledSurplusRule, ...]:
    """Return the surplus rules of a ``definition`` without faults, those for named states first."""
    rules = [_compiled(rule) for rule in definition.surplus]
    return tuple(sorted(rules, key=lambda rule: rule.states is None))


def rules_of_line(rules: Sequence[CompiledSurplusRule], line: str) -> tuple[CompiledSurplusRule, ...]:
    """Return those of ``rules`` that concern ``line``, in their order."""
    return tuple(rule for rule in rules if rule.lines is None or line in rule.lines)


def rule_for(rules: Sequence[CompiledSurplusRule], state: str, day: date) -> CompiledSurplusRule:
    """Return the one of ``rules`` (of one line) for ``state`` on ``day``."""
    for rule in rules:
        if (rule.states is None or state in rule.states) and rule.since <= day <= rule.until:
            return rule
    return ALL_DECLINE


def surplus_faults(definition: CatalogueDefinition) -> Iterator[CatalogueFault]:
    """Yield the faults in the surplus rules of ``definition``: codes, days, overlaps, and gaps between two rules."""
    lines, seen, dated = [line.code for line in definition.lines], set[str](), []
    for rule in definition.surplus:
        where, is_right = f"surplus[{rule.id}]", True
        if rule.id in seen:
            yield CatalogueFault(
                "duplicate_code", where, f"{rule.id!r} is used twice.", "Surplus rules need unique ids."
            )
        seen.add(rule.id)
        for line in rule.lines or ():
            if line not in lines:
                text, remedy = f"There is no line {line!r}.", closest(line, lines, "line")
                yield CatalogueFault("unknown_line", f"{where}.lines", text, remedy)
        for fault in _rule_faults(rule, where):
            is_right = False
            yield fault
        if is_right:
            dated.append(_compiled(rule))
    yield from _time_faults(dated, lines)


def _rule_faults(rule: SurplusRule, where: str) -> Iterator[CatalogueFault]:
    days = {}
    for key, text in (("from", rule.since), ("until", rule.until)):
        try:
            days[key] = date.fromisoformat(text) if text else None
        except ValueError:
            yield CatalogueFault("wrong_value", f"{where}.{key}", f"{text!r} is not a date.", "Write 2026-01-31.")
            return
    if days["from"] and days["until"] and days["until"] < days["from"]:
        text = f"The rule ends on {rule.until}, before it begins on {rule.since}."
        yield CatalogueFault("wrong_value", f"{where}.until", text, "Write a later day.")
    if isinstance(rule.needs, Declines) and rule.needs.declines < 1:
        text = "No decline is required."
        yield CatalogueFault("wrong_value", f"{where}.needs", text, "Write needs: none, or a number of declines.")


def _time_faults(rules: Sequence[CompiledSurplusRule], lines: Sequence[str]) -> Iterator[CatalogueFault]:
    """Yield where two rules of one state and line meet on a day, or leave days between them without a rule."""
    reported: set[tuple[str, str]] = set()
    states = {state for rule in rules for state in rule.states or (_EVERY,)}
    for line in lines:
        of_line = rules_of_line(rules, line)
        for state in sorted(states):
            own = (rule for rule in of_line if _names(rule, state))
            ordered = sorted(own, key=lambda rule: (rule.since, rule.until))
            for before, after in zip(ordered, ordered[1:], strict=False):
                if (before.id, after.id) not in reported and (fault := _between(before, after, state, line)):
                    reported.add((before.id, after.id))
                    yield fault


def _names(rule: CompiledSurplusRule, state: str) -> bool:
    return rule.states is None if state == _EVERY else rule.states is not None and state in rule.states


def _between(
    before: CompiledSurplusRule, after: CompiledSurplusRule, state: str, line: str
) -> CatalogueFault | None:  # fmt: skip
    where, place = f"surplus[{after.id}].from", f"{state or 'All states'}, {line}"
    if after.since <= before.until:
        text = f"{place}: {before.id!r} and {after.id!r} are in force on the same day, {after.since}."
        return CatalogueFault("surplus_overlap", where, text, "End one rule the day before the other begins.")
    if after.since - before.until > _DAY:
        text = f"{place}: no rule is in force between {before.until} ({before.id!r}) and {after.since} ({after.id!r})."
        return CatalogueFault("surplus_gap", where, text, "Let one rule begin the day after the other ends.")
    return None


def _compiled(rule: SurplusRule) -> CompiledSurplusRule:
    declines = rule.needs.declines if isinstance(rule.needs, Declines) else 0 if rule.needs == "none" else None
    return CompiledSurplusRule(
        id=rule.id,
        states=None if rule.states is None else frozenset(rule.states),
        lines=None if rule.lines is None else frozenset(rule.lines),
        since=date.fromisoformat(rule.since) if rule.since else date.min,
        until=date.fromisoformat(rule.until) if rule.until else date.max,
        declines=declines,
        disclosure=rule.disclosure,
    )
