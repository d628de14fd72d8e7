"""Changes one answer of many forms by a batch operation: against bare chunked UPDATEs of the same bytes, against single
saves over HTTP, and the share of its time that goes into bookkeeping.

The operation runs in one worker in this process. The bare side updates as many copies in chunks of the same size, one
``UPDATE ... FROM unnest`` each, with the documents of the copies, and inserts a revision of the same bytes.
"""

from __future__ import annotations

import time
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.test import Client
from django.test.utils import override_settings
from uuid_utils.compat import uuid7

from batch import service as batch
from benchmarks.figures import Figure, figure
from benchmarks.forms import ACTOR, SavedForm, Size, save_form
from benchmarks.rounds import ratios, say
from copies.models import Copy, CopyRevision
from operations.engine import metrics
from operations.engine.worker import drain
from operations.kinds.set_answers import AnswersArguments, AnswersItem
from operations.models import BatchOperation, OperationItem
from operations.sealed_input import sealed_arguments, sealed_item
from tenants.current_tenant import across_tenants, use_tenant
from tenants.flag_memory import FlagMemory
from tenants.flag_rules import FlagState
from tenants.flags import FLAGS
from tenants.models import Flag

SIZE: Final = Size(answers=60, rules=20)
FORMS: Final = 500
CHUNK: Final = 100
QUICK: Final = {"forms": 20}
_UPDATE: Final = f"""
UPDATE {Copy._meta.db_table} c SET document = g.document, version = c.version + 1
  FROM unnest(%s::uuid[], %s::bytea[]) AS g (id, document) WHERE c.id = g.id"""  # noqa: S608 - our own table
