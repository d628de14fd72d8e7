"""Fires the rules once on a changeset and takes what they ask for into it, with the rule as the cause. Pure."""

from __future__ import annotations

from datetime import date

from batch.changes.changeset import Changeset
from batch.errors import AnswerFault, InvalidAnswers, QuestionSetIsAskedFor
from copies.changes import Cause
from copies.document import Answer, Container, join_path, walk_containers
from rules.flow import check_flow
from rules.flow.evaluation import Evaluation, FlowResult
from rules.incremental import partial_run


def decide(changeset: Changeset, *, release: int, as_of: date, before: Evaluation | None = None) -> Evaluation:
    """Run the check flow on the changeset's document, take its result in, return its evaluation.

    With ``before``, which must be what the rules concluded of the document as it was loaded, only what depends on the
    changes is computed.
    Raises ``InvalidAnswers`` where an answer that was given now is wrong by itself; a fault that lies between answers
    is a message instead, for nobody can tell which of them is the wrong one. Raises ``QuestionSetIsAskedFor`` where the
    caller took off a question set that the rules would put back.
    """
    result = _fire(changeset, before, release=release, as_of=as_of)
    _refuse(changeset, result)
    try:
        _take_in(changeset, result)
    finally:
        changeset.rule_by(None)
    return result.evaluation


def _fire(changeset: Changeset, before: Evaluation | None, *, release: int, as_of: date) -> FlowResult:
    catalogue, document, reveal = changeset.catalogue, changeset.document, changeset.sealing.reveal
    if before is None:
        return check_flow.run(catalogue, document, as_of=as_of, release=release, reveal=reveal)
    return partial_run.rerun(
        catalogue,
        document,
        before=before,
        changed=changeset.touched_paths,
        as_of=as_of,
        release=release,
        reveal=reveal,
    )


def _refuse(changeset: Changeset, result: FlowResult) -> None:
    given = set(changeset.given_paths)
    faults = [
        AnswerFault(refusal.path, refusal.code, refusal.text, changeset.pointers.get(refusal.path, ""))
        for refusal in result.refusals
        if refusal.path in given
    ]
    if faults:
        raise InvalidAnswers(faults)
    for code in result.added_sets:
        # What the caller touched and is not there now was taken off by the caller.
        if f"question_sets/{code}" in given:
            raise QuestionSetIsAskedFor(code)


def _take_in(changeset: Changeset, result: FlowResult) -> None:
    for code in result.removed_sets:
        changeset.rule_by(Cause("rule", code))
        changeset.find_question_set(code).remove()
    for code in result.added_sets:
        changeset.rule_by(Cause("rule", code))
        changeset.add_question_set(code)
    if result.states or result.dropped:
        _take_states(changeset, result)
    for code in result.completed_sets:
        changeset.rule_by(Cause("rule", code))
        changeset.find_question_set(code).complete()
    for code in result.reopened_sets:
        changeset.rule_by(Cause("rule", code))
        changeset.find_question_set(code).reopen()


def _take_states(changeset: Changeset, result: FlowResult) -> None:
    containers: dict[str, Container] = dict(walk_containers(changeset.document))
    for state in result.states:
        prefix, _, code = state.path.rpartition("/")
        answers = containers[prefix].answers
        changeset.rule_by(Cause("rule", code))
        changeset.touch_answer(state.path, answers.get(code))
        answer = answers.setdefault(code, Answer())
        answer.active, answer.required, answer.readonly = state.active, state.required, state.readonly
    for path in result.dropped:
        prefix, _, code = path.rpartition("/")
        answers = containers[prefix].answers
        changeset.rule_by(Cause("rule", code))
        changeset.touch_answer(join_path(prefix, code), answers.get(code))
        del answers[code]
