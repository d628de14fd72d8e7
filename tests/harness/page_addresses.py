"""The addresses of pages, read from the URL configuration, so that a test over all of them forgets no new one."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse


def names_of(namespace: str) -> list[str]:
    """Return the names of all addresses in ``namespace``, in the order of the URL configuration."""
    return [str(pattern.name) for pattern in _patterns_of(namespace)]


def addresses_of(namespace: str, **values: object) -> Iterator[tuple[str, str]]:
    """Yield each name in ``namespace`` with its address.

    ``values`` are the arguments by name. Raises ``AssertionError`` for an address with another argument.
    """
    for pattern in _patterns_of(namespace):
        needed = pattern.pattern.converters
        missing = set(needed) - set(values)
        assert not missing, f"{namespace}:{pattern.name}: no value for {missing}"
        yield str(pattern.name), reverse(f"{namespace}:{pattern.name}", kwargs={one: values[one] for one in needed})


def addresses_of_admin() -> Iterator[str]:
    """Yield an address for every pattern below the admin except signing in and out, with an id where it needs one."""
    [admin] = _resolvers_of("admin")
    for found in admin.url_patterns:
        patterns = found.url_patterns if isinstance(found, URLResolver) else [found]
        prefix = str(found.pattern) if isinstance(found, URLResolver) else ""
        for pattern in patterns:
            address = f"{prefix}{pattern.pattern}"
            if any(part in address for part in ("login", "logout", "(?P", "^", "second-factor", "i18n")):
                continue
            for place in ("<path:object_id>", "<int:content_type_id>", "<path:object_id>", "<int:id>", "<slug:code>"):
                address = address.replace(place, "1")
            if "<" not in address:
                yield f"/admin/{address}"


def own_pages_of_admin() -> list[str]:
    """Return the addresses of the admin's pages that belong to no model and need no argument."""
    [admin] = _resolvers_of("admin")
    named = [str(found.name) for found in admin.url_patterns if isinstance(found, URLPattern) and found.name]
    found = []
    for name in named:
        try:
            found.append(reverse(f"admin:{name}"))
        except NoReverseMatch:
            continue
    return found


def _patterns_of(namespace: str) -> Iterator[URLPattern]:
    [pages] = _resolvers_of(namespace)
    for found in pages.url_patterns:
        assert isinstance(found, URLPattern), found
        yield found


def _resolvers_of(namespace: str) -> list[URLResolver]:
    return [
        found
        for found in get_resolver().url_patterns
        if isinstance(found, URLResolver) and found.namespace == namespace
    ]
