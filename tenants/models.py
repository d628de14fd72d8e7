"""Tenants, their people, API clients and feature flags, all in the shared database; rate limits are imported."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, Group, PermissionsMixin
from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import connections, models
from django.db.models import OuterRef
from django.db.models.functions import Lower
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from oauth2_provider.models import AbstractApplication
from uuid_utils.compat import uuid7
from waffle.models import AbstractUserFlag

from tenants.access import BEYOND_TENANT, DEFAULT_SCOPES, RIGHT_TEXTS, ROLE_RIGHTS, Actor, Right, Role, TokenInUse
from tenants.account_mail_models import AccountMail as AccountMail
from tenants.account_mail_models import AccountMailKind as AccountMailKind
from tenants.backup_models import Backup as Backup
from tenants.company_sign_in_models import CompanySignIn as CompanySignIn
from tenants.flag_memory import FlagMemory, announce_change
from tenants.flag_rules import FlagState, Owner, Verdict, explain
from tenants.history import History
from tenants.limit_models import OwnRateLimit as OwnRateLimit
from tenants.limit_models import RateLimit as RateLimit
from tenants.logo_models import Logo as Logo
from tenants.residence import database_of
from tenants.session_models import UserSession as UserSession


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
    moves = models.PositiveIntegerField(
        default=0, editable=False, help_text="How often it was moved to another database."
    )
    catalogue = models.CharField(
        max_length=64, blank=True, help_text="The code of the catalogue that its new forms use."
    )
    quotes_staleness = models.BooleanField(
        "one current quote per form and carrier",
        default=False,
        help_text="A copy that is submitted to a carrier makes this carrier's quotes in the form's other copies stale.",
    )
    weight = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text="Its share of the workers while several tenants have work waiting, relative to the others' weights.",
    )
    phone = models.CharField(max_length=40, blank=True, help_text="Guests and customers see it.")
    email = models.EmailField(blank=True, help_text="Guests and customers see it.")
    form_retention_years = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text="Forms that nobody has changed for so many years are erased for good. Empty: never.",
    )
    logo_id = models.UUIDField(null=True, editable=False, help_text="The id of its logo, new with each picture.")
    created_at = models.DateTimeField(auto_now_add=True)

    history: ClassVar[Any] = History(untracked=("moves",))

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def database_alias(self) -> str:
        """Return the alias of the database that holds its forms, also if it moved after this object was loaded."""
        return database_of(self.pk, stored=self.database, moves=self.moves)


class UserManager(BaseUserManager["User"]):
    """Creates users; email addresses are compared without case."""

    def get_by_natural_key(self, username: str | None) -> User:
        """Return the user with this email address."""
        return self.with_email(username or "").select_related("tenant").get()

    def with_email(self, email: str) -> models.QuerySet[User]:
        """Return the user with this email address, none or one.

        ``iexact`` compares capitals: the mailbox of a dotless i would match the account of an i.
        """
        return self.alias(address=Lower("email")).filter(address=email.lower())

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create a user, who cannot sign in without a password."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create a member of staff with every permission."""
        return self.create_user(email, password, role=Role.STAFF, is_staff=True, is_superuser=True, **fields)


class Theme(models.TextChoices):
    """The colors of the pages of a user who has chosen."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class User(AbstractBaseUser, PermissionsMixin):  # type: ignore[django-manager-missing]  # as above
    """A person who signs in by email: an agent or administrator of one tenant, or staff of the product (no tenant)."""

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
    session_generation = models.CharField(
        max_length=32, blank=True, default="", editable=False, help_text="Sessions of earlier generations are refused."
    )

    theme = models.CharField(
        max_length=6,
        choices=Theme,
        blank=True,
        default="",
        editable=False,
        help_text="Without a choice, that of the browser.",
    )

    objects: ClassVar[UserManager] = UserManager()
    history: ClassVar[Any] = History(secrets=("password",), untracked=("last_login", "session_generation", "theme"))

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering: ClassVar = ["email"]
        permissions: ClassVar = [("view_as_user", "Can view the product as an agent, without changes")]
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

    #: The rights to which a member of staff who views the product as this user is limited; None for the user.
    lent_rights: frozenset[Right] | None = None

    @property
    def rights(self) -> frozenset[Right]:
        """Return the rights of the user's role, in a view of staff those among them that staff have."""
        of_role = ROLE_RIGHTS[Role(self.role)]
        return of_role if self.lent_rights is None else of_role & self.lent_rights

    @property
    def display_name(self) -> str:
        """Return the user's name, or without one the address."""
        return self.full_name or self.email

    @property
    def initials(self) -> str:
        """Return the first letters of the first two words of ``display_name``."""
        return "".join(word[0] for word in self.display_name.replace(".", " ").split()[:2]).upper()

    def as_actor(self, *, source: str) -> Actor:
        """Return the user as an actor with the entry point ``source``."""
        kind = "user" if self.tenant_id else "staff"
        return Actor(type=kind, id=str(self.id), source=source, label=self.display_name, rights=self.rights)

    def refuse_older_sessions(self) -> None:
        """Begin a new generation of sessions: all present ones are refused from now on, also those in a cache.

        Call it in the transaction of the change that is the reason.
        """
        self.session_generation = secrets.token_hex(16)
        self.save(update_fields=["session_generation"])

    def get_session_auth_hash(self) -> str:
        """Return the hash of password and generation that a valid session contains."""
        return self._hash_of_sessions(None)

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        """Return the same hash under each earlier secret key."""
        return map(self._hash_of_sessions, settings.SECRET_KEY_FALLBACKS)

    def _hash_of_sessions(self, secret: str | None) -> str:
        of_user = f"{self.password}\n{self.session_generation}"
        return salted_hmac("tenants.User.session", of_user, secret=secret, algorithm="sha256").hexdigest()

    def has_session_hash(self, session_hash: str | None) -> bool:
        """Return whether a session with this hash is of the present password and generation."""
        hashes = [self.get_session_auth_hash(), *self.get_session_auth_fallback_hash()]
        return any(constant_time_compare(session_hash or "", known) for known in hashes)


def least_scopes() -> list[str]:
    """Return the scopes of a new API client until staff choose others."""
    return [right.value for right in DEFAULT_SCOPES]


def every_right() -> list[str]:
    """Return all rights within a tenant."""
    return [right.value for right in Right if right not in BEYOND_TENANT]


def rights_within(scopes: Iterable[str], allowed_scopes: Iterable[str]) -> frozenset[Right]:
    """Return the rights among a token's ``scopes`` that its client still has itself."""
    granted = set(scopes) & set(allowed_scopes)
    return frozenset(right for right in Right if right.value in granted)


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
        default=least_scopes,
        help_text="The most that its tokens are allowed to do.",
    )
    is_active = models.BooleanField(
        "active", default=True, help_text="Without it its tokens are refused, and its running operations stop."
    )
    is_sandbox = models.BooleanField(
        "sandbox",
        default=False,
        help_text="Forms that it starts are test forms, and it changes no others. They are in no report, reach only "
        "carriers that are marked as a simulator, and are erased after some days.",
    )
    tokens_revoked_at = models.DateTimeField(
        null=True, editable=False, help_text="What was begun with tokens that had expired by then is stopped."
    )

    history: ClassVar[Any] = History(
        secrets=("client_secret",), untracked=("hash_client_secret", "tokens_revoked_at", "created", "updated")
    )

    class Meta(AbstractApplication.Meta):
        verbose_name = "API client"
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name or self.client_id

    def allows(self, origin: str) -> bool:
        """Return whether browser programs of ``origin`` may use the client's tokens."""
        return origin in self.allowed_origins.split()

    def is_usable(self, request: object) -> bool:
        """Return whether the client may get and use tokens; the OAuth2 library asks before both."""
        return self.is_active

    def as_actor(self, *, scopes: Iterable[str], token: TokenInUse | None = None) -> Actor:
        """Return the client as an actor with the rights among its token's ``scopes`` that it still has itself."""
        return Actor(
            type="api_client",
            id=str(self.pk),
            source="api",
            label=str(self),
            rights=rights_within(scopes, self.allowed_scopes),
            token=token,
            is_sandbox=self.is_sandbox,
        )


class RevokedToken(models.Model):
    """An access token that was deleted before its time: what was begun with it stops, also after that time.

    A trigger of the token's table writes the rows, so no way to delete a token is forgotten.
    """

    token_id = models.BigIntegerField(primary_key=True)
    revoked_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"Token {self.token_id}"


class Flag(AbstractUserFlag):
    """A feature flag of django-waffle, by the rules of ``tenants.flag_rules``. Code asks ``tenants.flags``.

    ``users`` and ``groups`` are the allow list. waffle's draw by cookie, and its rules for staff, superusers, languages
    and tests, do not exist here.
    """

    is_on = models.BooleanField(
        "switched on", default=True, help_text="The off switch: without it nobody gets the feature, whatever is below."
    )
    everyone = models.BooleanField(
        null=True,
        blank=True,
        help_text="Yes or no for all who are on no list above. Unknown leaves it to the percentage.",
    )
    users = models.ManyToManyField(  # type: ignore[assignment]  # with texts of our own
        User, blank=True, related_name="+", help_text="The allow list: they get the feature, whatever their tenant."
    )
    groups = models.ManyToManyField(  # type: ignore[assignment]
        Group, blank=True, related_name="+", help_text="Groups of users on the allow list."
    )
    note = models.TextField(blank=True, help_text="Why it is set like this, for the next person.")
    denied_users = models.ManyToManyField(
        User, blank=True, related_name="+", help_text="They never get the feature, even if they are on another list."
    )
    denied_tenants = models.ManyToManyField(
        Tenant, blank=True, related_name="+", help_text="Nobody of these tenants ever gets the feature."
    )
    tenants = models.ManyToManyField(
        Tenant, blank=True, related_name="+", help_text="All users and API clients of these tenants get the feature."
    )
    percent = models.DecimalField(
        max_digits=5,
        decimal_places=2,
        default=Decimal(0),
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
        help_text="The share of all other users and API clients that gets the feature, 0 to 100. A larger share takes "
        "nobody out.",
    )
    testing = superusers = staff = authenticated = languages = rollout = None  # type: ignore[assignment]  # taken out

    history: ClassVar[Any] = History(untracked=("created", "modified"))
    #: What this process knows of all flags.
    memory: ClassVar[FlagMemory]

    class Meta(AbstractUserFlag.Meta):
        ordering: ClassVar = ["name"]

    @classmethod
    def get(cls, name: str) -> Flag:
        """Return the flag ``name`` as this process knows it, for waffle's decorators; an unknown one is off."""
        return cls.of_state(cls.memory.find(name) or FlagState(name=name, is_on=False))

    @classmethod
    def of_state(cls, state: FlagState) -> Flag:
        """Return a flag that is not loaded and answers by ``state``."""
        flag = cls(name=state.name)
        flag.known = state
        return flag

    @classmethod
    def read_states(cls) -> dict[str, FlagState]:
        """Return all stored flags by name, with their lists, in one query."""
        lists = {
            f"{field}_ids": ArraySubquery(
                getattr(cls, field).through.objects.filter(flag_id=OuterRef("pk")).values(f"{model}_id")
            )
            for field, model in _LISTS.items()
        }
        rows: Iterable[Any] = cls.objects.annotate(**lists).values()
        return {row["name"]: _state_of(row) for row in rows}

    known: FlagState | None = None

    def state(self) -> FlagState:
        """Return the flag's present rules."""
        return self.known or self.read_states()[self.name]

    def explain(self, user: User | ApiClient) -> Verdict:
        """Return whether a user or API client gets the feature, and why; true if they do."""
        groups = frozenset(user.groups.values_list("pk", flat=True)) if isinstance(user, User) else frozenset()
        return explain(self.state(), Owner(id=str(user.pk), tenant_id=user.tenant_id, groups=groups))

    def is_active_for_user(self, user: Any) -> bool:
        """Return whether a signed-in user gets the feature."""
        return isinstance(user, User) and self.explain(user).is_on

    def is_active(self, request: HttpRequest, read_only: bool = False) -> bool:
        """Return whether the user of ``request`` gets the feature; nobody who is not signed in does."""
        return self.is_active_for_user(getattr(request, "user", None))

    def flush(self) -> None:
        """Make all processes load the flags again; waffle calls it after the commit of a change."""
        announce_change()
        self.memory.forget()


#: The lists of a flag and the models in them.
_LISTS = {
    "denied_users": "user",
    "denied_tenants": "tenant",
    "users": "user",
    "groups": "group",
    "tenants": "tenant",
}  # fmt: skip


def _state_of(row: dict[str, Any]) -> FlagState:
    return FlagState(
        name=row["name"],
        is_on=row["is_on"],
        denied=frozenset(map(str, row["denied_users_ids"])),
        denied_tenants=frozenset(row["denied_tenants_ids"]),
        allowed=frozenset(map(str, row["users_ids"])),
        allowed_groups=frozenset(row["groups_ids"]),
        tenants=frozenset(row["tenants_ids"]),
        everyone=row["everyone"],
        percent=row["percent"],
    )


Flag.memory = FlagMemory(Flag.read_states)
