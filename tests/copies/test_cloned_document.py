"""A clone differs from its source in nothing that compare looks at, and shares no row id and no ciphertext with it."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copies.cloned_document import UNREADABLE, clone_document
from copies.diff import differences
from copies.document import Answer, AnsweredBy, Document, PoolRow, row_lineage, walk_answers, walk_containers
from copies.paths import with_row_ids
from copies.sealed_answers import Sealer
from encryption.envelope import DecryptionFailed

NOW = datetime(2026, 6, 1, tzinfo=UTC)
BY = AnsweredBy("user", "7", "web")
TENANTS = (UUID(int=1), UUID(int=2))

values = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=4), st.lists(st.text(max_size=3)))
#: Plain values, and secrets that are sealed when the document is made.
contents = st.dictionaries(st.sampled_from("abcdef"), st.tuples(values, st.booleans()), max_size=4)
rows = st.recursive(
    st.builds(lambda answers: (answers, []), contents),
    lambda inner: st.tuples(contents, st.lists(inner, max_size=3)),
    max_leaves=8,
)


def build(top: dict, pools: list, sealer: Sealer) -> Document:  # type: ignore[type-arg]
    """Return a document with the answers ``top`` and one nested pool."""
    document = Document()

    def fill(container: Document | PoolRow, answers: dict, inner: list, prefix: str) -> None:  # type: ignore[type-arg]
        for code, (value, is_secret) in answers.items():
            path = f"{prefix}{code}"
            answer = Answer(value=value, answered_by=BY, updated_at=NOW, created_at=NOW)
            if is_secret:
                answer.value, answer.sealed, answer.mask = None, sealer.seal(path, f"secret {path}"), "••••"
            container.answers[code] = answer
        for below, deeper in inner:
            row = PoolRow(id=str(uuid4()), created_at=NOW)
            container.answer_pools.setdefault("rows", []).append(row)
            fill(row, below, deeper, f"{prefix}rows/{row.id}/")

    fill(document, top, pools, "")
    return document


def sealer_of(number: int) -> Sealer:
    return Sealer(tenant_id=TENANTS[0], copy_id=UUID(int=100 + number), key=None)


def copied(document: Document) -> Document:
    return msgspec.convert(msgspec.to_builtins(document), Document)


@settings(max_examples=60, deadline=None)
@given(contents, st.lists(rows, max_size=3))
def test_a_clone_and_a_clone_of_it_have_no_differences(top: dict, pools: list) -> None:  # type: ignore[type-arg]
    sealers = [sealer_of(number) for number in range(3)]
    documents = [build(top, pools, sealers[0])]
    ids: list[dict[str, str]] = [{}, {}]
    for number in (1, 2):
        clone = copied(documents[-1])
        findings = clone_document(clone, ids[number - 1], source=sealers[number - 1], target=sealers[number])
        assert findings == [] or sealers[0].key is None
        documents.append(clone)

    assert differences(documents, {}) == []
    used = [{row.id for path, row in walk_containers(document) if isinstance(row, PoolRow)} for document in documents]
    assert not used[0] & used[1] | used[1] & used[2] | used[0] & used[2]
    lineages = [
        [row_lineage(row) for _, row in walk_containers(document) if isinstance(row, PoolRow)] for document in documents
    ]
    assert lineages[0] == lineages[1] == lineages[2]
    for path, answer in walk_answers(documents[0]):
        if answer.sealed is not None:
            place = with_row_ids(path, ids[0])
            (sealed,) = [found for found_path, found in walk_answers(documents[1]) if found_path == place]
            assert sealers[1].reveal(place, sealed) == f"secret {path}"
            with pytest.raises(DecryptionFailed):
                sealers[1].reveal(path, answer)
            with pytest.raises(DecryptionFailed):
                sealers[0].reveal(place, sealed)


@settings(max_examples=30, deadline=None)
@given(contents, st.lists(rows, min_size=1, max_size=3), st.data())
def test_sealed_values_that_were_swapped_never_open(top: dict, pools: list, data: st.DataObject) -> None:  # type: ignore[type-arg]
    sealer = sealer_of(0)
    document = build({**top, "a": ("", True), "b": ("", True)}, pools, sealer)
    clone = copied(document)
    target = Sealer(tenant_id=TENANTS[1], copy_id=UUID(int=200), key=None)
    clone_document(clone, {}, source=sealer, target=target, keeps_lineage=False)
    places = [
        (which, path, answer)
        for which, one in ((sealer, document), (target, clone))
        for path, answer in walk_answers(one)
        if answer.sealed is not None
    ]
    (opener, path, _), (_, _, answer) = data.draw(st.permutations(places))[:2]

    with pytest.raises(DecryptionFailed):
        opener.reveal(path, answer)
    assert all(row.lineage is None for _, row in walk_containers(clone) if isinstance(row, PoolRow))


def test_what_nobody_can_open_any_more_is_left_out_and_named() -> None:
    sealer = sealer_of(0)
    document = build({"a": ("", True), "b": (1, False)}, [({"c": ("", True)}, [])], sealer)
    (row,) = document.answer_pools["rows"]
    source_path = f"rows/{row.id}/c"
    erased = Sealer(tenant_id=TENANTS[0], copy_id=UUID(int=100), key=None)

    findings = clone_document(document, {}, source=erased, target=sealer_of(1))

    assert [(finding.path, finding.code) for finding in findings] == [("a", UNREADABLE), (source_path, UNREADABLE)]
    assert [answer.is_answered for _, answer in walk_answers(document)] == [False, True, False]
