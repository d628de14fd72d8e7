"""Decides which sets and questions are visible and required, and reads the answers of visible questions. Pure.

An unknown condition does not show its question yet; the value of the question is unknown until it is decided. A pool
with fewer rows than its minimum, or more than its maximum, is unknown too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from copies.document import Answer, PoolRow, walk_containers
from rules.definition.model import CompiledDerived, CompiledPool, CompiledQuestion, CompiledSet, PlainQuestions
from rules.flow.eligibility import is_open
from rules.flow.evaluation import AnswerState
from rules.flow.state import Frame, State
from rules.language.values import Unknown, Value, all_of
from rules.types.checks import Doubt
from rules.types.stored_verdicts import SALT, key_of

#: Replaces a sealed answer that no rule reads; only its existence counts.
SEALED: Final = object()


def decide(state: State) -> None:
    """Decide all steps of the catalogue in order: visibility, values and derived values of the whole document."""
    for step in state.catalogue.plan:
        if step.__class__ is PlainQuestions:
            decide_plain(state, step, state.frames[step.pool], is_set_shown=state.is_set_shown(step.set_code))
        elif step.__class__ is CompiledQuestion:
            decide_question(state, step, state.frames[step.pool], is_set_shown=state.is_set_shown(step.set_code))
        elif step.__class__ is CompiledSet:
            _decide_set(state, step)
        elif step.__class__ is CompiledDerived:
            state.root[step.slot] = step.value.evaluate(state.root)
    for question in state.catalogue.conditional:
        decide_requirement(state, question, state.frames[question.pool])
    _put_orphans_away(state)


def _decide_set(state: State, part: CompiledSet) -> None:
    if not part.pool:
        truth = True if part.when is None else part.when.evaluate(state.root)
        if truth is True:
            state.shown_sets.add(part.question_set.code)
        elif truth.__class__ is Unknown:
            state.undecided_sets[part.question_set.code] = truth
        return
    pool = state.catalogue.pools[part.pool]
    for owner in state.frames[part.parent]:
        truth = owner.shown
        if truth and part.when is not None:
            truth = part.when.evaluate(state.root, owner if part.parent else None)
        rows = owner.rows[part.pool]
        for row in rows:
            row.shown = truth is True
        owner.values[pool.slot] = pool_value(pool, truth, rows, prefix=owner.prefix)
        if truth is True:
            state.shown_sets.add(part.question_set.code)
            state.asked_sets.add(part.question_set.code)
            if len(rows) < pool.pool.min:
                state.short_pools.append(f"{owner.prefix}{part.pool}")
            if len(rows) > pool.pool.max:
                state.crowded_pools.append((owner, pool))


def pool_value(pool: CompiledPool, truth: Value, rows: Sequence[Frame], *, prefix: str) -> Value:
    """Return the value of a pool below ``prefix``: its rows, or Unknown if it has too few or too many of them, or if
    its visibility ``truth`` is unknown.
    """
    if truth is True:
        is_valid = pool.pool.min <= len(rows) <= pool.pool.max
        return rows if is_valid else Unknown(frozenset((f"{prefix}{pool.pool.code}",)))
    return truth if truth.__class__ is Unknown else []


def decide_plain(state: State, part: PlainQuestions, frames: Sequence[Frame], *, is_set_shown: Value) -> None:
    """Decide questions as ``decide_question`` does, with a short way for nearly all answers: those that are as the
    rules left them, and known to be sound.
    """
    for code, slot, required, read, sound, question in part.questions:
        for frame in frames:
            answer = frame.answers.get(code)
            if (
                answer is not None
                and answer.sealed is None
                and answer.active is True
                and answer.required == required
                and is_set_shown is True
                and frame.shown
            ):
                raw: Any = answer.value
                kind = raw.__class__
                # This is ``key_of``, without a call for each answer.
                if (
                    (hash(raw) or None) if kind is str else raw ^ SALT if kind is int else raw if kind is bool else None
                ) in sound:
                    frame.values[slot] = read(raw) if kind is str else raw
                    state.asked_sets.add(question.set_code)
                    continue
            decide_question(state, question, (frame,), is_set_shown=is_set_shown)


def decide_question(
    state: State, question: CompiledQuestion, frames: Iterable[Frame], *, is_set_shown: Value
) -> None:  # fmt: skip
    """Decide whether ``question`` is visible in each of ``frames``, where its value must be hidden so far.

    The values of visible answers are set; ``state`` collects states, errors, needed answers and undecided questions.
    """
    code, slot, when, root = question.question.code, question.slot, question.when, state.root
    is_possible = is_set_shown is not False and (
        not question.gates or any(is_open(state, gate) for gate in question.gates)
    )
    is_visible = False
    for frame in frames:
        answer = frame.answers.get(code)
        truth = is_set_shown if is_possible and frame.shown else False
        if truth is not False and when is not None:
            condition = when.evaluate(root, frame)
            truth = condition if truth is True else all_of((truth, condition))
        if truth is True:
            is_visible = True
            if question.required_when is None and (
                answer is None or answer.active is not True or answer.required != question.required
            ):
                path = f"{frame.prefix}{code}"
                state.states.append(AnswerState(path, True, question.required, answer.readonly if answer else False))
            frame.values[slot] = value_of(state, frame, question, answer)
            continue
        if truth.__class__ is Unknown:
            frame.values[slot] = truth
            state.undecided[f"{frame.prefix}{code}"] = tuple(sorted(truth.paths))
        if answer is not None:
            _deactivate(state, f"{frame.prefix}{code}", answer)
    if is_visible:
        state.asked_sets.add(question.set_code)


def decide_requirement(state: State, question: CompiledQuestion, frames: Iterable[Frame]) -> None:
    """Decide whether an answer to ``question``, whose requirement is conditional, is needed in each of ``frames``.

    All values must be decided: two questions can each be needed while the other is not answered.
    """
    code, slot = question.question.code, question.slot
    for frame in frames:
        value, path, answer = frame.values[slot], f"{frame.prefix}{code}", frame.answers.get(code)
        if value is None or path in state.undecided:
            continue
        required = requirement_of(state, question, frame)
        if answer is None or answer.active is not True or answer.required != required:
            state.states.append(AnswerState(path, True, required, answer.readonly if answer else False))
        if required and value.__class__ is Unknown:
            state.needed.append((path, required))


def requirement_of(state: State, question: CompiledQuestion, frame: Frame) -> str:
    """Return the purpose that needs a visible answer: "quote", "bind" or "". An unknown condition needs nothing yet."""
    if question.required_when is None:
        return question.required
    for purpose, when in zip(("quote", "bind"), question.required_when, strict=True):
        if when is not None and when.evaluate(state.root, frame) is True:
            return purpose
    return ""


def value_of(state: State, frame: Frame, question: CompiledQuestion, answer: Answer | None) -> Value:
    """Return the value of a visible answer; ``state`` collects its errors and whether it is needed.

    An answer that would be refused today counts as unanswered.
    """
    raw = raw_value(state, frame, question, answer)
    if raw is SEALED:
        return raw
    if key_of(raw) in question.verdicts.sound:
        return question.read(raw)
    if raw is not None:
        fault = question.verdicts.fault_of(state.catalogue, question.question, raw)
        if fault is not None:
            state.faults.append((f"{frame.prefix}{question.question.code}", *fault))
        else:
            value = question.read(raw)
            texts = _texts_of_checks(state, question, value)
            if not texts:
                if question.question.code not in state.catalogue.day.questions.get(question.pool, ()):
                    question.verdicts.note_sound(raw)
                return value
            if _is_valid(state, frame, question, answer, texts):
                return value
    path = f"{frame.prefix}{question.question.code}"
    if raw is None and question.required:
        state.needed.append((path, question.required))
    return Unknown(frozenset((path,)))


def raw_value(state: State, frame: Frame, question: CompiledQuestion, answer: Answer | None) -> Any:
    """Return the stored value of an answer in plain, None without one, and ``SEALED`` for a sealed one that no rule
    reads.
    """
    if answer is None:
        return None
    raw = answer.value
    if answer.sealed is not None:
        if not question.is_read:
            return SEALED
        raw = state.reveal(f"{frame.prefix}{question.question.code}", answer)
    return raw if raw or (raw != "" and raw != []) else None


def _texts_of_checks(state: State, question: CompiledQuestion, value: Value) -> list[tuple[str, str]]:
    """Return the errors and warnings of the checks of ``question`` about ``value``, each with the check's name."""
    return [(name, text) for name, test in question.checks if (text := test(value, state.check_context)) is not None]


def _is_valid(
    state: State, frame: Frame, question: CompiledQuestion, answer: Answer | None, texts: Iterable[tuple[str, str]]
) -> bool:  # fmt: skip
    """Return whether there is no error among ``texts``. Collect the errors, and the warnings that nobody has
    confirmed.
    """
    valid = True
    path = f"{frame.prefix}{question.question.code}"
    for name, text in texts:
        if text.__class__ is not Doubt:
            state.faults.append((path, name, text))
            valid = False
        elif answer is None or not answer.is_confirmed(name):
            state.doubts.append((path, name, str(text)))
    return valid


def _deactivate(state: State, path: str, answer: Answer) -> None:
    """Deactivate a hidden answer; drop an entry without a value, unless a value is proposed."""
    if not answer.is_answered and answer.proposed is None:
        state.dropped.append(path)
    elif answer.active or answer.required:
        state.states.append(AnswerState(path, False, "", answer.readonly))


def _put_orphans_away(state: State) -> None:
    """Deactivate the answers to questions, and in pools, that this release does not have in that place."""
    for pool, frames in state.frames.items():
        codes, pools = state.catalogue.codes[pool], state.catalogue.nested[pool]
        for frame in frames:
            if not frame.answers.keys() <= codes:
                for code in sorted(frame.answers.keys() - codes):
                    _deactivate(state, f"{frame.prefix}{code}", frame.answers[code])
            if not frame.pools.keys() <= pools:
                for code in sorted(frame.pools.keys() - pools):
                    _put_rows_away(state, f"{frame.prefix}{code}", frame.pools[code])


def _put_rows_away(state: State, path: str, rows: Sequence[PoolRow]) -> None:
    for row in rows:
        for prefix, container in walk_containers(row, f"{path}/{row.id}"):
            for code, answer in container.answers.items():
                _deactivate(state, f"{prefix}/{code}", answer)
    if rows:
        state.orphaned_pools.append((path, len(rows)))
