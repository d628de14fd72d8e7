"""What a save will ask Redis anyway, read in the round trip that takes its lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias
from uuid import UUID

from catalogue.release_pointer import pointer_question
from redis_locks.shared_trip import Command
from tenants.models import Tenant

#: Returns the question about a copy, by its tenant's id and its own.
Question: TypeAlias = Callable[[UUID, UUID], Command]

_registered: Final[list[Question]] = []


def register_question(question: Question) -> None:
    """Read the reply to ``question`` ahead with each lock of a copy; rooms above the batch register theirs."""
    if question not in _registered:
        _registered.append(question)


def questions_about(copy_id: UUID, *, scope: Tenant) -> list[Command]:
    """Return what the save of a copy asks: the release in force of its tenant's catalogue, and what is registered.

    A copy of another catalogue asks for its release later.
    """
    registered = [question(scope.id, copy_id) for question in _registered]
    return [pointer_question(scope.catalogue), *registered] if scope.catalogue else registered
