"""The first release of a catalogue as publishing makes it, but without draft rows: most tests read none, and loading
and publishing a draft takes longer than they do.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Final

import msgspec
import zstandard
from django.db import transaction

from carriers.models import Carrier
from catalogue.drafts import PLAIN_FIELDS, read_draft
from catalogue.loader import load
from catalogue.models import Catalogue, Release
from catalogue.release_pointer import Pointer, set_pointer
from catalogue.releases import announce
from catalogue.strict_check import check_catalogue
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.model import CompiledCatalogue

_contents: Final[dict[bytes, bytes]] = {}
_LISTS: Final = ("zip_questions", "employees_questions", "start_questions")


def publish_first(definition: CatalogueDefinition) -> Release:
    """Store ``definition`` as the current release of its catalogue, which has none; return the release."""
    content = _content_of(definition)
    fields = {field: getattr(definition, field) for field in PLAIN_FIELDS}
    lists = {field: list(getattr(definition, field)) for field in _LISTS}
    catalogue = Catalogue.objects.create(code=definition.code, **fields | lists)
    # The one part of a draft that is read at work.
    Carrier.objects.bulk_create(
        Carrier(
            catalogue=definition.code,
            position=position,
            code=carrier.code,
            name=carrier.name,
            admitted=carrier.admitted,
            link_mode=carrier.link.mode,
            **{name: getattr(carrier.link, name) for name in carrier.link.__struct_fields__ if name != "mode"},
        )
        for position, carrier in enumerate(definition.carriers)
    )
    release = Release.objects.create(
        catalogue=catalogue,
        number=1,
        content=zstandard.compress(content),
        checksum=hashlib.sha256(content).hexdigest(),
        published_by_id="test",
    )
    set_pointer(catalogue.code, Pointer(release.id, release.id))
    announce(release, _compiled(content))
    return release


def _content_of(definition: CatalogueDefinition) -> bytes:
    """Return the JSON that publishing makes of ``definition``; once in this process its draft is loaded, and taken
    back.
    """
    key = msgspec.json.encode(definition)
    if key not in _contents:
        with transaction.atomic():
            # Read anew: texts of the definition itself would be taken for defaults and left out.
            draft = read_draft(Catalogue.objects.get(pk=load(definition).pk))
            _contents[key] = msgspec.json.encode(draft)
            transaction.set_rollback(True)
    return _contents[key]


@cache
def _compiled(content: bytes) -> CompiledCatalogue:
    """Return the definition in ``content`` compiled, once in this process."""
    return check_catalogue(msgspec.json.decode(content, type=CatalogueDefinition)).compiled
