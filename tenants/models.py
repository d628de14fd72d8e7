"""Tenants, their people and API clients, all in the shared database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.models.functions import Lower
from django.utils import timezone
from oauth2_provider.models import AbstractApplication
from uuid_utils.compat import uuid7

from tenants.access import BEYOND_TENANT, RIGHT_TEXTS, ROLE_RIGHTS, Actor, Right, Role


def new_id() -> UUID:
    """Return a new UUIDv7: sortable by time."""
    return uuid7()


def validate_time_zone(name: str) -> None:
    """Refuse unknown names of IANA time zones."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValidationError(f"{name!r} is not a time zone. Use an IANA name such as America/New_York.") from error


def validate_database(alias: str) -> None:
    """Refuse an alias for which this installation has no database."""
    if alias and alias not in connections:
        raise ValidationError(f"There is no database {alias!r}. Set TENANT_DATABASE_{alias.upper()} and restart.")


class Tenant(models.Model):  # type: ignore[django-manager-missing]  # API clients have an untyped base
    """A partner. Its forms live in the database ``database``, empty for the shared one."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    code = models.SlugField(unique=True, help_text="A short name, used in addresses and exports.")
    name = models.CharField(max_length=200)
    time_zone = models.CharField(max_length=64, default="America/New_York", validators=[validate_time_zone])
    database = models.CharField(
        max_length=64, blank=True, validators=[validate_database], help_text="The alias of its own database, if any."
    )  # fmt: skip
    catalogue = models.CharField(
        max_length=64, blank=True, help_text="The code of the catalogue that its new forms use."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def database_alias(self) -> str:
        """Return the alias of the database that holds its forms."""
        return self.database or DEFAULT_DB_ALIAS


class UserManager(BaseUserManager["User"]):
    """Creates users; e-mail addresses are compared without case."""

    def get_by_natural_key(self, username: str | None) -> User:
        """Return the user with this e-mail address."""
        return self.alias(address=Lower("email")).select_related("tenant").get(address=(username or "").lower())

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create a user, who cannot sign in without a password."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create a member of staff with every permission."""
        return self.create_user(email, password, role=Role.STAFF, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):  # type: ignore[django-manager-missing]  # as above
    """A person who signs in by e-mail: an agent or administrator of one tenant, or staff of the product (no tenant)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    email = models.EmailField()
    full_name = models.CharField(max_length=200, blank=True)
    role = models.CharField(
        max_length=20, choices=[(role.value, role.name.replace("_", " ").capitalize()) for role in Role]
    )
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, null=True, blank=True, related_name="users")
    is_staff = models.BooleanField(default=False, help_text="Whether the user can sign in to the admin.")
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering: ClassVar = ["email"]
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("email"), name="user_email_once"),
            models.CheckConstraint(
                name="user_has_tenant_unless_staff",
                condition=models.Q(role=Role.STAFF, tenant=None) | ~models.Q(role=Role.STAFF) & ~models.Q(tenant=None),
                violation_error_message="Agents and tenant administrators need a tenant. Staff must not have one.",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.email

    @property
    def rights(self) -> frozenset[Right]:
        """Return the rights of the user's role."""
        return ROLE_RIGHTS[Role(self.role)]

    def as_actor(self, *, source: str) -> Actor:
        """Return the user as an actor with the entry point ``source``."""
        kind = "user" if self.tenant_id else "staff"
        return Actor(type=kind, id=str(self.id), source=source, label=self.full_name or self.email, rights=self.rights)


def every_right() -> list[str]:
    """Return all rights within a tenant, the most that a new API client may request."""
    return [right.value for right in Right if right not in BEYOND_TENANT]


_GRANT_TYPES = [(AbstractApplication.GRANT_CLIENT_CREDENTIALS, "Client credentials")]


class ApiClient(AbstractApplication):
    """A program of one tenant that signs in with OAuth2 client credentials; its tokens see that tenant alone."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="api_clients")
    # The only kind of client that this product serves.
    client_type = models.CharField(
        max_length=32, choices=AbstractApplication.CLIENT_TYPES[:1], default=AbstractApplication.CLIENT_CONFIDENTIAL
    )
    authorization_grant_type = models.CharField(
        max_length=44, choices=_GRANT_TYPES, default=AbstractApplication.GRANT_CLIENT_CREDENTIALS
    )
    allowed_scopes = ArrayField(
        models.CharField(max_length=64, choices=[(right.value, text) for right, text in RIGHT_TEXTS.items()]),
        default=every_right,
        help_text="The most that its tokens are allowed to do.",
    )

    class Meta(AbstractApplication.Meta):
        verbose_name = "API client"
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name or self.client_id

    def as_actor(self, *, scopes: Iterable[str]) -> Actor:
        """Return the client as an actor with the rights among its token's ``scopes`` that it still has itself."""
        granted = set(scopes) & set(self.allowed_scopes)
        rights = frozenset(right for right in Right if right.value in granted)
        return Actor(type="api_client", id=str(self.pk), source="api", label=str(self), rights=rights)
