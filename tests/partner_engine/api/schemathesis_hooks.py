"""The hooks of the program schemathesis (test_schemathesis.py): valid values become values that mean something here.

A description says which values are well-formed; which ids, versions, cursors and codes exist is the test's to say
(``SCHEMATHESIS_VALUES``). Without them nearly every request would end at a 404, a 400 or a 412. Invalid values stay
as they are.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, MutableMapping
from http import HTTPStatus
from itertools import cycle
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode
from uuid import uuid4

import schemathesis
from schemathesis import Case, GenerationMode, HookContext
from schemathesis.core.failures import Failure
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.transport import Response
from schemathesis.generation.meta import CaseMetadata, CoverageScenario, TestPhase

#: Lists of values by place and name, such as ``path copies.id`` and ``query target``.
_values: Final[dict[str, Iterator[Any]]] = {
    name: cycle(values)
    for name, values in json.loads(Path(os.environ["SCHEMATHESIS_VALUES"]).read_text(encoding="utf-8")).items()
}
#: How often a value is replaced: an unknown id must be refused in the documented way too.
_turn: Final = cycle([True, True, True, False])
#: Servers accept addresses of 64 KB.
LONGEST_QUERY: Final = 60_000
#: Operations after which their object is no use to others: they have objects of their own.
_SPENDING: Final = ("/lock", "/cancel", "/undo", "/withdraw")


@schemathesis.hook
def before_call(context: HookContext, case: Case, **kwargs: Any) -> None:
    """Replace the values of a request, except in the part of it that is invalid on purpose."""
    if case.meta is None:
        return
    resource = case.operation.path.split("/")[3]
    valid = {place for place in case.meta.components if _is_valid(place, case.meta)}
    if ParameterLocation.HEADER in valid and case.headers:
        _replace_headers(case.headers)
    if ParameterLocation.PATH in valid and case.path_parameters and next(_turn):
        _replace_ids(case.operation.path, case.method, case.path_parameters, resource)
    if ParameterLocation.QUERY in valid and case.query:
        _replace(case.query, "query", resource)
        if "at" in case.query and "at_version" in case.query:
            # They exclude each other, which a description cannot say.
            del case.query["at"]
    _shorten(case.query)
    if ParameterLocation.BODY in valid and isinstance(case.body, dict):
        _replace(case.body, "body", resource)


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case, response: Response) -> bool:
    """Report every failure but one: a form is started without a body too, and the description requires one all the
    same, because generators of clients cannot leave out one of several.
    """
    is_start = (case.operation.method.upper(), case.operation.path) == ("POST", "/api/v1/application_forms")
    tried = getattr(case.meta.phase.data, "scenario", None) if case.meta else None
    return not (is_start and tried is CoverageScenario.MISSING_PARAMETER and response.status_code == HTTPStatus.CREATED)


def _is_valid(place: ParameterLocation, meta: CaseMetadata) -> bool:
    """Return whether a part is meant to be valid. The program knows that some of its headers are not, for want of a
    text that matches their pattern.
    """
    tried = getattr(meta.phase.data, "parameter_location", None)
    is_other = meta.phase.name is TestPhase.COVERAGE and tried not in (None, place)
    modes = (meta.generation.mode, meta.components[place].mode)
    return is_other or GenerationMode.POSITIVE in modes


def _replace_headers(headers: MutableMapping[str, str]) -> None:
    """Make a key of its own for each request, and let every version match."""
    made = {"Idempotency-Key": f"{uuid4()}", "If-Match": "*", "If-None-Match": '"7"'}
    for name, value in made.items():
        if name in headers:
            headers[name] = value


def _replace_ids(path: str, method: str, parameters: MutableMapping[str, Any], resource: str) -> None:
    is_spending = path.endswith(_SPENDING) or (method == "DELETE" and path.endswith("}"))
    for name in parameters:
        # The last id is that of the object, others are those of what contains it.
        is_last = name == re.findall(r"{(\w+)}", path)[-1]
        own = f"path {resource}.{name}.spent" if is_spending and is_last else ""
        values = _values.get(own) or _values.get(f"path {resource}.{name}")
        if values is not None:
            parameters[name] = next(values)


def _shorten(query: MutableMapping[str, Any] | None) -> None:
    """Cut the texts of an address that the server itself would refuse, as text, before the product sees it."""
    if query and len(urlencode(query, doseq=True)) > LONGEST_QUERY:
        query.update({name: value[:200] for name, value in query.items() if isinstance(value, str)})


def _replace(container: MutableMapping[str, Any], place: str, resource: str) -> None:
    """Replace texts and flags whose name has values."""
    for name, value in container.items():
        values = _values.get(f"{place} {resource}.{name}") or _values.get(f"{place} {name}")
        if isinstance(value, (str, bool)) and values is not None:
            container[name] = next(values)
