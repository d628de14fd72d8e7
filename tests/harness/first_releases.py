"""The first release of a catalogue as publishing makes it, but without draft rows: most tests read none, and loading
and publishing a draft takes longer than they do.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Final

import msgspec
import zstandard

from carriers.models import Carrier
from catalogue.drafts import PLAIN_FIELDS
from catalogue.models import Catalogue, Release
from catalogue.release_pointer import Pointer, set_pointer
from catalogue.releases import announce
from catalogue.strict_check import check_catalogue
from rules.definition.catalogue import CatalogueDefinition
from rules.definition.model import CompiledCatalogue

_LISTS: Final = ("zip_questions", "employees_questions", "start_questions")


def publish_first(definition: CatalogueDefinition) -> Release:
    """Store ``definition`` as the current release of its catalogue, which has none; return the release."""
    content = msgspec.json.encode(definition)
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


@cache
def _compiled(content: bytes) -> CompiledCatalogue:
    """Return the definition in ``content`` compiled, once in this process."""
    return check_catalogue(msgspec.json.decode(content, type=CatalogueDefinition)).compiled
