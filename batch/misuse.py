"""Misuses of the batch: bugs in calling code, to be fixed there, not refusals to be shown to anybody.

One class per reason; its sentence names the remedy.
"""

from __future__ import annotations

from batch.errors import BatchError


class Misuse(BatchError):
    """The batch was called in a way that it forbids: a bug in the caller."""

    code = "misuse"


class StaleReference(Misuse):
    """A changeset or mutator from before a save, or of a closed context, was used."""

    code = "stale_reference"
    sentence = "This reference is from before the save. Get a new one from context.changeset."


class NestedSave(Misuse):
    """save() was called while saving."""

    code = "nested_save"
    sentence = "save() was called inside save(). Change the changeset instead; it is saved as a whole."


class ReadOnlyChangeset(Misuse):
    """A write on a changeset that was loaded for reading."""

    code = "read_only_changeset"
    sentence = "This changeset is read-only. Use find_and_lock() to write."


class ContextClosed(Misuse):
    """A context was used after its end, or after a failed save."""

    code = "context_closed"
    sentence = "This context is closed. Open a new one with find_and_lock()."


class ContextWithoutLock(Misuse):
    """save() on a context that was found without its lock."""

    code = "context_without_lock"
    sentence = "find() loads without the lock. Use find_and_lock() to save, or preview() for a dry run."


class UnsavedChanges(Misuse):
    """The lock was to be released while changes were not saved."""

    code = "unsaved_changes"
    sentence = "There are changes that were not saved; call save() before unlocked(), or leave the context."


class ContextIsUnlocked(Misuse):
    """A context was used while its lock is released."""

    code = "context_unlocked"
    sentence = "The copy is unlocked here; leave unlocked() first, then take context.changeset again."


class HoldTooLong(Misuse):
    """A copy was to be held for longer than five minutes."""

    code = "hold_too_long"
    sentence = "A copy can be held for at most 300 seconds. Split the process into steps."


class ChunkTooLarge(Misuse):
    """More copies than one chunk may lock at once."""

    code = "chunk_too_large"

    def __init__(self, asked: int, most: int) -> None:
        super().__init__(f"{asked} copies are too many for one chunk. Split them into chunks of at most {most}.")


class SaveInsideTransaction(Misuse):
    """save() was called inside a transaction of the caller, which could still undo it."""

    code = "save_inside_transaction"
    sentence = "save() owns its transaction. Call it outside of transaction.atomic()."


class AlreadyAnswered(Misuse):
    """save() on a context whose keyed request was answered before."""

    code = "already_answered"
    sentence = "This request was answered before; return context.stored_response instead of saving."


class WrongThread(Misuse):
    """A context was used in another thread than the one that opened it."""

    code = "wrong_thread"
    sentence = "A context belongs to the thread that opened it. Open another one here."
