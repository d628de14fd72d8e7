"""The stored form of documents: round trip, upgrades, and refusals."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from copies import codec
from copies.document import SCHEMA_VERSION, Answer, Document, PoolRow, row_lineage

values = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=30), st.lists(st.text(max_size=5), max_size=4),
)  # fmt: skip
answers = st.dictionaries(st.text(min_size=1, max_size=12), values.map(lambda value: Answer(value=value)), max_size=6)


@given(answers, answers, st.binary(max_size=20))
def test_an_encoded_document_decodes_to_the_same(
    top: dict[str, Answer], below: dict[str, Answer], sealed: bytes
) -> None:
    document = Document(
        answers={**top, "secret": Answer(sealed=sealed, mask="••••")},
        answer_pools={"locations": [PoolRow(id="1", answers=below)]},
    )

    assert codec.decode_document(codec.encode_document(document)) == document


def test_a_row_without_lineage_is_stored_as_before() -> None:
    plain, cloned = PoolRow(id="2"), PoolRow(id="2", lineage="1")

    assert msgspec.json.encode(plain) == b'{"id":"2"}'
    for row in (plain, cloned):
        stored = codec.encode_document(Document(answer_pools={"locations": [row]}))
        assert codec.decode_document(stored).answer_pools["locations"] == [row]
        assert codec.decode_narrow_document(stored).answer_pools["locations"][0].lineage == row.lineage
    assert (row_lineage(plain), row_lineage(cloned)) == ("2", "1")


def test_an_older_document_is_upgraded_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def rename(old: str, new: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
        return lambda raw: {**raw, "answers": {new if code == old else code: a for code, a in raw["answers"].items()}}

    monkeypatch.setattr(codec, "UPGRADES", {-2: rename("a", "b"), -1: rename("b", "c"), 0: rename("c", "d")})
    raw = {"answers": {"a": {"value": 1}}}

    upgraded = codec.upgrade(raw, -2, to=1)

    assert upgraded == {"answers": {"d": {"value": 1}}, "schema_version": 1}


def test_a_stored_document_of_an_older_version_is_read_through_its_upgrades(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "UPGRADES", {0: lambda raw: {"answers": {"new": raw["answers"]["old"]}}})
    stored = b"\x00" + zstandard.compress(msgspec.json.encode({"answers": {"old": {"value": "x"}}}))

    assert codec.decode_document(stored) == Document(answers={"new": Answer(value="x")})


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"\x00" + zstandard.compress(b"{}"),
        bytes((SCHEMA_VERSION + 1,)) + zstandard.compress(b"{}"),
        bytes((SCHEMA_VERSION,)) + b"not compressed",
        bytes((SCHEMA_VERSION,)) + zstandard.compress(b'{"answers": 3}'),
    ],
    ids=["empty", "too old", "too new", "not compressed", "wrong content"],
)
def test_invalid_bytes_are_refused(stored: bytes) -> None:
    with pytest.raises(codec.UnreadableDocument):
        codec.decode_document(stored)


def test_a_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "MAX_DECODED_BYTES", 1_000)
    stored = bytes((SCHEMA_VERSION,)) + zstandard.compress(b" " * 10_000 + b"{}")

    with pytest.raises(codec.UnreadableDocument):
        codec.decode_document(stored)
