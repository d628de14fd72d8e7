"""Runs the rules once on a changeset and applies their result to it, with the rule as the cause. Pure."""

from __future__ import annotations

from batch.changes.changeset import Changeset
from batch.changes.first_rows import add_first_rows, remove_unwanted
from batch.changes.tracker import ChangeTracker
from batch.errors import AnswerFault, InvalidAnswers, QuestionSetIsAskedFor
from copies.changes import Cause
from copies.document import Answer, Container, walk_containers
from copies.paths import question_set_path, split_path
from rules.flow import check_flow
from rules.flow.evaluation import Evaluation, FlowResult
from rules.incremental import partial_run
from tracing import traced


@traced("save.rules")
def decide(changeset: Changeset, *, before: Evaluation | None = None) -> Evaluation:
    """Run the check flow on the changeset's document, apply its result, return its evaluation.

    ``before`` is the evaluation of the document as loaded: with it, only what depends on the changes is computed.
    Where the changeset ``starts_rows``, the rows that the result calls for are decided too.
    Raises ``InvalidAnswers`` where a submitted answer is wrong by itself; a fault between answers is a message instead,
    because it is unknown which of them is wrong. Raises ``QuestionSetIsAskedFor`` where the caller removed a question
    set that the rules would add again.
    """
    # Add the first rows of new rows before the rules run, so that they run once; remove them where the rules remove
    # their question set.
    foreseen = add_first_rows(changeset) if changeset.starts_rows else []
    evaluation = _decide(changeset, before)
    if foreseen and remove_unwanted(changeset, foreseen):
        evaluation = _decide(changeset, before)
    while changeset.starts_rows and add_first_rows(changeset):
        evaluation = _decide(changeset, before)
    return evaluation


def _decide(changeset: Changeset, before: Evaluation | None) -> Evaluation:
    result = _fire(changeset.tracker, before)
    _refuse(changeset.tracker, result)
    _apply(changeset, result)
    return result.evaluation


def _fire(tracker: ChangeTracker, before: Evaluation | None) -> FlowResult:
    catalogue, document, reveal = tracker.catalogue, tracker.document, tracker.sealing.reveal
    as_of, release = tracker.context.as_of, tracker.context.release.id
    if before is None:
        return check_flow.run(catalogue, document, as_of=as_of, release=release, reveal=reveal)
    return partial_run.rerun(
        catalogue,
        document,
        before=before,
        changed=tracker.touched_paths,
        as_of=as_of,
        release=release,
        reveal=reveal,
    )


def _refuse(tracker: ChangeTracker, result: FlowResult) -> None:
    submitted = set(tracker.submitted_paths)
    faults = []
    for refusal in result.refusals:
        if refusal.path in submitted:
            path, pointer = tracker.origins.get(refusal.path, (refusal.path, ""))
            faults.append(AnswerFault(path, refusal.code, refusal.text, pointer))
    if faults:
        raise InvalidAnswers(faults)
    for code in result.added_sets:
        # A set that the caller touched and the rules would add was removed by the caller.
        if question_set_path(code) in submitted:
            raise QuestionSetIsAskedFor(code)


def _apply(changeset: Changeset, result: FlowResult) -> None:
    cause_of = changeset.tracker.context.cause_of_rule
    for code in result.removed_sets:
        with changeset.caused_by(cause_of(code)):
            changeset.find_question_set(code).remove()
    for code in result.added_sets:
        with changeset.caused_by(Cause("rule", code)):
            changeset.add_question_set(code)
    if result.states or result.dropped:
        _apply_states(changeset.tracker, result)
    for code in result.completed_sets:
        with changeset.caused_by(cause_of(code)):
            changeset.find_question_set(code).complete()
    for code in result.reopened_sets:
        with changeset.caused_by(cause_of(code)):
            changeset.find_question_set(code).reopen()


def _apply_states(tracker: ChangeTracker, result: FlowResult) -> None:
    containers: dict[str, Container] = dict(walk_containers(tracker.document))
    cause_of = tracker.context.cause_of_rule
    for state in result.states:
        prefix, code = split_path(state.path)
        answers = containers[prefix].answers
        tracker.touch_answer(state.path, answers.get(code), rule=cause_of(code))
        answer = answers.setdefault(code, Answer())
        answer.active, answer.required, answer.readonly = state.active, state.required, state.readonly
    for path in result.dropped:
        prefix, code = split_path(path)
        answers = containers[prefix].answers
        tracker.touch_answer(path, answers.get(code), rule=cause_of(code))
        del answers[code]
