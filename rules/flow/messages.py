"""The messages about a form: errors of single answers, of answers compared with each other, and form rules. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec.structs import replace

from copies.document import walk_containers
from copies.paths import Path, split_prefix
from rules.definition.model import CompiledFormRule, CompiledPool, CompiledQuestion
from rules.flow.derived_sensitivity import questions_of_derived
from rules.flow.evaluation import Message
from rules.flow.state import Frame, State
from rules.language.values import Unknown
from rules.types.checks import Doubt
from rules.types.validators import DOES_NOT_FIT, NOT_SHOWN, QUOTING_OWN, UNIQUE_IN_POOL

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
    found = [Message("error", *fault) for fault in state.faults]
    found += [Message("warn", *doubt) for doubt in state.doubts]
    return [
        replace(message, text=NOT_SHOWN) if message.code in QUOTING_OWN and _is_secret(state, message.path) else message
        for message in found
    ]


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
            path, answer = f"{frame.prefix}{question.question.code}", frame.answers.get(question.question.code)
            shown = _without_secrets(state, question, path, name=name, text=str(text))
            if text.__class__ is not Doubt and not is_sensitive_twin:
                yield Message("error", path, name, shown)
            elif answer is None or not answer.is_confirmed(name):
                yield Message("warn", path, name, shown)


def _without_secrets(state: State, question: CompiledQuestion, path: str, *, name: str, text: str) -> str:
    """Return ``text``, of a relation ``name`` of ``question``, or one that shows nothing of secret answers: texts are
    stored.
    """
    if name == UNIQUE_IN_POOL:
        return text
    if name in QUOTING_OWN and _is_secret(state, path):
        return NOT_SHOWN
    reads = question.related(name)
    for code in reads & state.catalogue.derived.keys():
        reads |= questions_of_derived(state.catalogue, code)
    known = state.catalogue.questions
    is_secret = any(known[code].question.sensitivity == "spi" for code in reads & known.keys()) or any(
        container.answers[code].sealed is not None
        for _, container in walk_containers(state.document)
        for code in reads & container.answers.keys()
    )
    return DOES_NOT_FIT if is_secret else text


def _is_secret(state: State, path: str) -> bool:
    prefix, code = split_prefix(path)
    answer = state.frame_at(prefix).answers.get(code)
    is_sealed = answer is not None and answer.sealed is not None
    return is_sealed or state.catalogue.questions[code].question.sensitivity == "spi"


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
