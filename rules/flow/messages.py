"""The messages about a form: errors of single answers, of answers compared with each other, and form rules. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from copies.paths import Path
from rules.definition.model import CompiledFormRule, CompiledPool, CompiledQuestion
from rules.flow.evaluation import Message
from rules.flow.state import Frame, State
from rules.language.values import Unknown
from rules.types.checks import Doubt
from rules.types.validators import UNIQUE_IN_POOL

#: The code of the error of a pool with too many rows, the same as that of a row too many.
POOL_FULL: Final = "pool_full"
#: The code of the warning about a pool that the release no longer has.
NO_LONGER_ASKED: Final = "no_longer_asked"


def messages_of(state: State) -> tuple[Message, ...]:
    """Return all messages of a decided state in the order of the form."""
    messages = fault_messages(state)
    for question in state.catalogue.related:
        messages += relation_messages(state, question, state.frames[question.pool])
    for rule in state.catalogue.form_rules:
        messages += rule_messages(state, rule, state.frames[rule.pool])
    messages += [crowd_message(owner, pool, len(owner.rows[pool.pool.code])) for owner, pool in state.crowded_pools]
    messages += orphan_messages(state)
    return tuple(sorted(messages, key=lambda message: (state.key(message.path), message.code)))


def fault_messages(state: State) -> list[Message]:
    """Return the collected errors and warnings of single answers."""
    warnings = [Message("warn", *doubt) for doubt in state.doubts]
    return [*(Message("error", *fault) for fault in state.faults), *warnings]


def relation_messages(state: State, question: CompiledQuestion, frames: Iterable[Frame]) -> Iterator[Message]:
    """Yield the errors and warnings of the answers to ``question`` in ``frames`` that do not match other answers."""
    for name, other, test in question.relations:
        # An error would tell callers who may not read the answers whether they guessed one.
        is_sensitive_twin = name == UNIQUE_IN_POOL and question.question.sensitivity != ""
        for frame in frames:
            value = frame.values[question.slot]
            if value is None or value.__class__ is Unknown:
                continue
            against = other.evaluate(state.root, frame)
            text = None if against is None or against.__class__ is Unknown else test(value, against)
            if text is None:
                continue
            answer = frame.answers.get(question.question.code)
            if text.__class__ is not Doubt and not is_sensitive_twin:
                yield Message("error", f"{frame.prefix}{question.question.code}", name, text)
            elif answer is None or not answer.is_confirmed(name):
                yield Message("warn", f"{frame.prefix}{question.question.code}", name, str(text))


def rule_messages(state: State, rule: CompiledFormRule, frames: Iterable[Frame]) -> Iterator[Message]:
    """Yield the messages of a form rule in ``frames``."""
    for frame in frames:
        if frame.shown and rule.when.evaluate(state.root, frame) is True:
            yield Message(rule.rule.then, f"{frame.prefix}{rule.rule.at}", rule.rule.id, rule.rule.say)


def crowd_message(owner: Frame, pool: CompiledPool, rows: int) -> Message:
    """Return the error of ``pool`` in ``owner``, which has more rows than the release allows."""
    most = pool.pool.max
    text = f"There are {rows} rows here, and at most {most} are allowed. Remove {rows - most}."
    return Message("error", f"{owner.prefix}{pool.pool.code}", POOL_FULL, text)


def orphan_messages(state: State) -> Iterator[Message]:
    """Yield one warning for each pool that the release does not have where the document has rows of it."""
    places: dict[str, list[tuple[str, int]]] = {}
    for path, rows in state.orphaned_pools:
        places.setdefault(Path(path).code, []).append((path, rows))
    for code, found in places.items():
        rows = sum(count for _, count in found)
        stored = "1 row is stored but does not count" if rows == 1 else f"{rows} rows are stored but do not count"
        yield Message("warn", found[0][0], NO_LONGER_ASKED, f"“{code}” is no longer part of this form: {stored}.")
