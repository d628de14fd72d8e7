"""The refusals of imported files: one class per reason, whose sentence names the remedy. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from operations.errors import OperationError
from presentation.faults import Fault, join_pointer


class ImportRefused(OperationError):
    """The file as a whole is refused; nothing was stored. ``code`` is the reason."""

    code = "import_refused"


class UnsupportedFile(ImportRefused):
    """The content is of no kind that can be imported."""

    code = "unsupported_file"

    def __init__(self, found: str = "") -> None:
        what = f"This is {found}. " if found else "The content of this file cannot be recognized. "
        super().__init__(f"{what}Send a CSV, XLSX, JSON or NDJSON file.")


class UnreadableFile(ImportRefused):
    """The file is damaged, or not what it begins as."""

    code = "unreadable_file"

    def __init__(self, why: str) -> None:
        super().__init__(f"The file cannot be read: {why}")


class UnknownEncoding(ImportRefused):
    """The bytes of a text file are in no encoding that is accepted."""

    code = "unknown_encoding"

    def __init__(self) -> None:
        super().__init__("The characters of this file cannot be read. Save it as UTF-8 and send it again.")


class EmptyFile(ImportRefused):
    """There is no row beneath the header."""

    code = "empty_file"

    def __init__(self) -> None:
        super().__init__("The file contains no rows. Send a header and at least one row beneath it.")


class FileTooLarge(ImportRefused):
    """The file, or its unpacked content, exceeds a limit. ``limit`` is in the unit that the sentence names."""

    code = "file_too_large"

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(f"The file has more than {limit:,} {what}. Split it and send the parts one after another.")
        self.limit = limit


class PackedTooDensely(ImportRefused):
    """A part of a workbook would unpack to many times its size."""

    code = "packed_too_densely"

    def __init__(self) -> None:
        super().__init__("A part of this workbook unpacks to far more than its size. Save the sheet alone, or as CSV.")


class InvalidMapping(ImportRefused):
    """The mapping names unknown columns or targets, or maps two columns to one target."""

    code = "invalid_mapping"

    def __init__(self, faults: Iterable[tuple[str, str, str]]) -> None:
        """Take (column, code, sentence) of each fault."""
        super().__init__("The mapping is not valid. Correct the columns that the errors name.")
        self.faults = [
            Fault(pointer=join_pointer("/mapping", column), path=column, code=code, detail=detail)
            for column, code, detail in faults
        ]


class NoNumbers(ImportRefused):
    """Rows that come back have no column with the numbers of their items."""

    code = "no_numbers"

    def __init__(self) -> None:
        super().__init__("The file has no column named number. Send failed.csv back with all its columns.")


class TooManyRows(ImportRefused):
    """More rows come back than the operation has items."""

    code = "too_many_rows"

    def __init__(self, total: int) -> None:
        super().__init__(f"The operation has {total:,} items; the file has more rows. Send only rows of failed.csv.")


class UnknownMapping(ImportRefused):
    """The tenant has no mapping of this name."""

    code = "unknown_mapping"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no mapping {name[:100]!r}. Save it first, or send the mapping itself.")


class TwoMappings(ImportRefused):
    """A mapping was sent, and another one named."""

    code = "two_mappings"

    def __init__(self) -> None:
        super().__init__("Send either mapping or mapping_name.")


class MappingNotFound(OperationError):
    """The tenant has no such mapping."""

    code = "not_found"

    def __init__(self) -> None:
        super().__init__("There is no such mapping.")


class MappingExists(OperationError):
    """The tenant has a mapping of this name already."""

    code = "mapping_exists"

    def __init__(self) -> None:
        super().__init__("There is a mapping with this name already. Choose another name, or delete it first.")


class TooManyMappings(OperationError):
    """The tenant has as many mappings as it may have."""

    code = "too_many_mappings"

    def __init__(self, most: int) -> None:
        super().__init__(f"Your agency has {most} mappings already. Delete one that is no longer needed.")


class NotYourMapping(OperationError):
    """Somebody else saved the mapping."""

    code = "not_your_mapping"

    def __init__(self) -> None:
        super().__init__("Only the user or API client who saved this mapping can delete it, or our staff.")
