"""The document as protobuf: a hand-written descriptor, and the conversion from and to the structs of the product.

Answers contain their code and are in lists, which protobuf reads faster than maps.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from copies.document import Answer, AnsweredBy, AnswerValue, Document, DocumentQuestionSet, PoolRow

PACKAGE: Final = "benchmarks"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_KIND: Final = descriptor_pb2.FieldDescriptorProto
_SCALARS: Final = {
    "text": _KIND.TYPE_STRING,
    "bytes": _KIND.TYPE_BYTES,
    "int": _KIND.TYPE_SINT64,
    "float": _KIND.TYPE_DOUBLE,
    "bool": _KIND.TYPE_BOOL,
}
#: Message -> field -> kind: a scalar or a message, ``*`` for lists; fields of ``Answer`` that begin with ``is_`` hold
#: its value, one at a time.
_MESSAGES: Final[dict[str, dict[str, str]]] = {
    "By": {"type": "text", "id": "text", "source": "text"},
    "Choices": {"codes": "*text"},
    "Answer": {
        "code": "text",
        "is_text": "text",
        "is_whole": "int",
        "is_number": "float",
        "is_truth": "bool",
        "is_choices": "Choices",
        "sealed": "bytes",
        "mask": "text",
        "inactive": "bool",
        "required": "text",
        "readonly": "bool",
        "display_type": "text",
        "tag": "text",
        "answered_by": "By",
        "created_at": "int",
        "updated_at": "int",
    },
    "Pool": {"code": "text", "rows": "*Row"},
    "Row": {"id": "text", "answers": "*Answer", "pools": "*Pool", "created_at": "int"},
    "Set": {"code": "text", "added_by": "By", "stays": "bool", "completed_at": "int", "created_at": "int"},
    "Document": {
        "answers": "*Answer",
        "pools": "*Pool",
        "question_sets": "*Set",
        "forced_excluded_products": "*text",
        "agent_bypassed_products": "*text",
    },
}


def _made() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="benchmarks.proto", package=PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        if name == "Answer":
            message.oneof_decl.add(name="value")
        for number, (field, kind) in enumerate(fields.items(), start=1):
            made = message.field.add(name=field, number=number)
            made.label = _KIND.LABEL_REPEATED if kind.startswith("*") else _KIND.LABEL_OPTIONAL
            kind = kind.removeprefix("*")
            if kind in _SCALARS:
                made.type = _SCALARS[kind]
            else:
                made.type, made.type_name = _KIND.TYPE_MESSAGE, f".{PACKAGE}.{kind}"
            if field.startswith("is_"):
                made.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}")) for name in _MESSAGES
    }


_CLASSES: Final = _made()


def encode(document: Document) -> bytes:
    """Return ``document`` as protobuf."""
    message = _CLASSES["Document"]()
    _put_container(message, document)
    for question_set in document.question_sets:
        message.question_sets.add(
            code=question_set.code,
            added_by=_by(question_set.added_by),
            stays=not question_set.remove_if_ineligible,
            completed_at=_time(question_set.completed_at),
            created_at=_time(question_set.created_at),
        )
    message.forced_excluded_products.extend(document.forced_excluded_products)
    message.agent_bypassed_products.extend(document.agent_bypassed_products)
    return bytes(message.SerializeToString())


def decode(data: bytes) -> Document:
    """Return the document in ``data``."""
    message = _CLASSES["Document"].FromString(data)
    return Document(
        answers=_answers(message.answers),
        answer_pools=_pools(message.pools),
        question_sets=[
            DocumentQuestionSet(
                code=part.code,
                added_by=AnsweredBy(part.added_by.type, part.added_by.id, part.added_by.source),
                remove_if_ineligible=not part.stays,
                completed_at=_moment(part.completed_at),
                created_at=_moment(part.created_at),
            )
            for part in message.question_sets
        ],
        forced_excluded_products=list(message.forced_excluded_products),
        agent_bypassed_products=list(message.agent_bypassed_products),
    )


def _put_container(message: Any, container: Document | PoolRow) -> None:
    for code, answer in container.answers.items():
        made = message.answers.add(
            code=code,
            mask=answer.mask,
            inactive=not answer.active,
            required=answer.required,
            readonly=answer.readonly,
            display_type=answer.display_type,
            tag=answer.tag,
            created_at=_time(answer.created_at),
            updated_at=_time(answer.updated_at),
        )
        if answer.sealed is not None:
            made.sealed = answer.sealed
        if answer.answered_by is not None:
            by = answer.answered_by
            made.answered_by.type, made.answered_by.id, made.answered_by.source = by.type, by.id, by.source
        _put_value(made, answer.value)
    for code, rows in container.answer_pools.items():
        pool = message.pools.add(code=code)
        for row in rows:
            _put_container(pool.rows.add(id=row.id, created_at=_time(row.created_at)), row)


def _put_value(made: Any, value: AnswerValue) -> None:
    match value:
        case None:
            return
        case bool():
            made.is_truth = value
        case str():
            made.is_text = value
        case int():
            made.is_whole = value
        case float():
            made.is_number = value
        case _:
            made.is_choices.codes.extend(value)


def _answers(messages: Any) -> dict[str, Answer]:
    answers = {}
    for part in messages:
        kind = part.WhichOneof("value")
        value = getattr(part, kind) if kind else None
        by = part.answered_by
        answers[part.code] = Answer(
            value=list(value.codes) if kind == "is_choices" else value,
            sealed=part.sealed or None,
            mask=part.mask,
            active=not part.inactive,
            required=part.required,
            readonly=part.readonly,
            display_type=part.display_type,
            tag=part.tag,
            answered_by=AnsweredBy(by.type, by.id, by.source) if part.HasField("answered_by") else None,
            created_at=_moment(part.created_at),
            updated_at=_moment(part.updated_at),
        )
    return answers


def _pools(messages: Any) -> dict[str, list[PoolRow]]:
    return {
        pool.code: [
            PoolRow(
                id=row.id,
                answers=_answers(row.answers),
                answer_pools=_pools(row.pools),
                created_at=_moment(row.created_at),
            )
            for row in pool.rows
        ]
        for pool in messages
    }


def _by(by: AnsweredBy) -> Any:
    return _CLASSES["By"](type=by.type, id=by.id, source=by.source)


def _time(moment: datetime | None) -> int:
    return 0 if moment is None else (moment - _EPOCH) // _MICROSECOND


def _moment(time: int) -> datetime | None:
    return _EPOCH + timedelta(microseconds=time) if time else None
