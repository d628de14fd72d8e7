"""The settings of the product, from environment variables only (and `.env`, which they override).

An installation is in production unless DEBUG=1, which `make run` and the tests set: a forgotten setting is refused by
`partner_engine.checks` with a sentence, never replaced by an unsafe default.
"""

from __future__ import annotations

import base64
import os
from datetime import timedelta
from pathlib import Path

import environ

from partner_engine.admin_theme import UNFOLD as UNFOLD
from partner_engine.api_settings import REST_FRAMEWORK as REST_FRAMEWORK
from partner_engine.api_settings import SPECTACULAR_SETTINGS as SPECTACULAR_SETTINGS
from partner_engine.environment import (
    Limits,
    Processes,
    carrier_network,
    databases,
    deleted_forms,
    keyring,
    logs,
    mail,
    networks,
    operation_limits,
    processes,
    sender,
)

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
env.read_env(BASE_DIR / ".env")

# Kind of installation

#: A developer's machine, a test run or the demo; only with DEBUG=1.
DEVELOPMENT: bool = env.bool("DEBUG", default=False)
#: Demo data with public passwords, created by `seed_demo`.
DEMO: bool = env.bool("DEMO", default=False)
#: Django's own switch, which shows source code on error pages. The demo shows the product's error pages instead.
DEBUG = DEVELOPMENT and not DEMO
FAILPOINT: str = env.str("FAILPOINT", default="")  # triggers a fault on purpose: see `failpoints`
FAILPOINTS_ALLOWED: bool = DEVELOPMENT or env.bool("ALLOW_FAILPOINTS", default=False)

DEVELOPMENT_SECRET_KEY = "development-only-secret-key-of-partner-engine-refused-in-production"  # noqa: S105
SECRET_KEY: str = env.str("SECRET_KEY", default=DEVELOPMENT_SECRET_KEY)
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if DEVELOPMENT else [])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])
#: The number of our proxies in front of the application; client addresses from other sources are ignored.
TRUSTED_PROXIES: int | None = env.int("TRUSTED_PROXIES", default=0 if DEVELOPMENT else None)
PUBLIC_URL: str = env.str("PUBLIC_URL", default="")  # where carriers call back and mails lead; E018
#: Multiplies the amounts of all rate limits; 0 switches them off, for load tests and tests.
RATE_LIMIT_FACTOR: float = env.float("RATE_LIMIT_FACTOR", default=1)
METRICS_NETWORKS = networks(env.list("METRICS_NETWORKS", default=["127.0.0.0/8", "::1"]))
METRICS_TOKEN: str = env.str("METRICS_TOKEN", default="")
OTEL_EXPORTER_OTLP_ENDPOINT: str = env.str("OTEL_EXPORTER_OTLP_ENDPOINT", default="")

# Master keys of sensitive answers: {key id: base64 of 32 bytes}; the last one wraps new keys, all unwrap old ones.
DEVELOPMENT_KEYRING = {"development": base64.b64encode(b"partner-engine-development-only!").decode()}
KEYRING: dict[str, str] = keyring(env.str("KEYRING")) if env.str("KEYRING", default="") else DEVELOPMENT_KEYRING
KEY_SERVICE: str = env.str("KEY_SERVICE", default="")  # wraps new keys instead: aws-kms://<region>/<key>

# Databases

DATABASE_URL: str = env.str("DATABASE_URL", default="")
DATABASE_POOL_SIZE: int = env.int("DATABASE_POOL_SIZE", default=0)  # of a web process; no pool survives a fork
PROCESSES: Processes = processes(env)  # for partner_engine.W012
#: In milliseconds; shorter than a copy's lock (10 s). `manage.py` sets 0: migrations may take longer.
STATEMENT_TIMEOUT: int = env.int("STATEMENT_TIMEOUT", default=8_000)
LOCK_TIMEOUT: int = env.int("LOCK_TIMEOUT", default=2_000)
MAINTENANCE: bool = env.bool("MAINTENANCE", default=False)  # this process is `manage.py`
LIMITS = Limits(statement_timeout=STATEMENT_TIMEOUT, lock_timeout=LOCK_TIMEOUT, pool_size=DATABASE_POOL_SIZE)
DATABASES = databases(DATABASE_URL, os.environ, limits=LIMITS)
DATABASE_ROUTERS = ["tenants.routing.TenantRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Redis: cache, locks, sockets, jobs. Losing its data loses no work.

REDIS_URL: str = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0" if DEVELOPMENT else "")
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "partner_engine.default",
        "OPTIONS": {
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
            "SOCKET_CONNECT_TIMEOUT": 1,
            "SOCKET_TIMEOUT": 2,
            "IGNORE_EXCEPTIONS": True,
        },
    }
}
DJANGO_REDIS_LOG_IGNORED_EXCEPTIONS = True
DJANGO_REDIS_CONNECTION_FACTORY = "redis_locks.client_factory.ClientFactory"
LOCK_PREFIX = "partner_engine.locks"
LIVE_PREFIX = "partner_engine.live"  # of the channels of live updates
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3_600, "global_keyprefix": "partner_engine.jobs."}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# No limit: otherwise a worker exits after 45 minutes without Redis.
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# A task only wakes a worker up: the work is in database rows, so results are not stored and lost tasks do no harm.
CELERY_TASK_IGNORE_RESULT = CELERY_TASK_ACKS_LATE = CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 600
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = CELERY_WORKER_REDIRECT_STDOUTS = False
# Without EMAIL_URL mails are written to the log of the worker that sends them.
_MAIL = mail(env.str("EMAIL_URL", default="") or "consolemail://")
EMAIL_BACKEND, EMAIL_FILE_PATH = _MAIL["EMAIL_BACKEND"], _MAIL["EMAIL_FILE_PATH"]
EMAIL_HOST, EMAIL_PORT, EMAIL_TIMEOUT = _MAIL["EMAIL_HOST"], _MAIL["EMAIL_PORT"], 10
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _MAIL["EMAIL_HOST_USER"], _MAIL["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS, EMAIL_USE_SSL = _MAIL["EMAIL_USE_TLS"], _MAIL["EMAIL_USE_SSL"]
DEFAULT_FROM_EMAIL = SERVER_EMAIL = sender(env)

# Webhooks are sent to public addresses only, except for these networks, where http and every port are allowed too.
WEBHOOK_ALLOWED_NETWORKS: list[str] = env.list("WEBHOOK_ALLOWED_NETWORKS", default=[])
WEBHOOK_PORTS: list[int] = env.list("WEBHOOK_PORTS", cast=int, default=[443, 8443])
CARRIERS = carrier_network(env)  # the addresses of carriers, under the same rules
OPERATIONS = operation_limits(env)  # batch operations: workers, chunks, time limits, retention
DELETED_FORMS = deleted_forms(env)  # after how many days they are erased

# Applications and middleware

INSTALLED_APPS = [
    # The rooms of the product, top floor first.
    *("partner_engine", "operations", "quoting", "guests", "search", "decisions", "scenarios", "batch"),
    *("catalogue", "forms", "copies", "carriers", "webhooks", "actions", "tenants"),
    *("unfold", "unfold.contrib.filters", "unfold.contrib.forms"),
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "axes",
    "channels",
    "csp",
    "django_htmx",
    "django_otp",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "django_prometheus",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "oauth2_provider",
    "rest_framework",
    "waffle",
]
MIDDLEWARE = [
    "partner_engine.correlation.CorrelationMiddleware",
    "partner_engine.request_metrics.RequestMetricsMiddleware",
    "partner_engine.guest_language.GuestLanguageMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "partner_engine.static_middleware.StaticFiles",
    "partner_engine.page_compression.PageCompressionMiddleware",
    "partner_engine.csp.ContentSecurityMiddleware",
    "partner_engine.cross_origin.CrossOriginMiddleware",
    "partner_engine.page_middleware.Sessions",
    "django.middleware.common.CommonMiddleware",
    "partner_engine.form_limits.FormLimitMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "partner_engine.page_middleware.SessionUsers",
    "partner_engine.page_middleware.SecondFactors",
    "partner_engine.page_middleware.Messages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
    "partner_engine.live.transport.sender.SenderMiddleware",
    # Last, and synchronous: so the middleware above runs in the one thread of its request.
    "partner_engine.nul_characters.NulMiddleware",
    "partner_engine.company_sessions.CompanySessionMiddleware",
    "partner_engine.viewing_as.ViewingAsMiddleware",
    "partner_engine.tenant_middleware.TenancyMiddleware",
    "partner_engine.rate_limits.PageLimitMiddleware",
]
APPEND_SLASH = PROMETHEUS_EXPORT_MIGRATIONS = False
ROOT_URLCONF = "partner_engine.urls"
ASGI_APPLICATION = "partner_engine.asgi.application"
WSGI_APPLICATION = "partner_engine.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "builtins": ["partner_engine.templatetags.words", "partner_engine.templatetags.kept"],
            "loaders": [
                (
                    "partner_engine.quick_templates.Loader",
                    [
                        "partner_engine.template_loader.UnindentedLoader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
SILENCED_SYSTEM_CHECKS = [
    # Email addresses are unique regardless of case, which the check does not recognize.
    "auth.W004",
    # HSTS for subdomains and preload lists affects more than this product: the domain's owner decides at the proxy.
    "security.W005",
    "security.W021",
]

# People: sign-in, sessions, cookies

AUTH_USER_MODEL = "tenants.User"
WAFFLE_FLAG_MODEL = "tenants.Flag"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "tenants.backends.EmailBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
STAFF_SECOND_FACTOR: bool = env.bool("STAFF_SECOND_FACTOR", default=not DEVELOPMENT)  # required in the admin
LOGIN_URL = LOGOUT_REDIRECT_URL = "/sign-in"
LOGIN_REDIRECT_URL = "/"
PASSWORD_RESET_TIMEOUT = 7 * 24 * 3600  # the longest link; each purpose has its own (account_links)
# Per address and name together: an attacker is locked out, and the owner can still sign in from another address.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = AXES_ENABLE_ACCESS_FAILURE_LOG = False
AXES_CLIENT_IP_CALLABLE = "partner_engine.client_addresses.client_address"
AXES_USERNAME_CALLABLE = "partner_engine.client_addresses.sign_in_name"
AXES_LOCKOUT_CALLABLE = "partner_engine.web.sign_in.locked_out"
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEVELOPMENT
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "partner_engine.web.access.csrf_failure"
SECURE_SSL_REDIRECT: bool = env.bool("SECURE_SSL_REDIRECT", default=not DEVELOPMENT)
# Probes use plain HTTP from the internal network.
SECURE_REDIRECT_EXEMPT = [r"^healthz(/full)?$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 0 if DEVELOPMENT else 365 * 24 * 3600
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        **dict.fromkeys(("script-src", "style-src", "font-src", "connect-src"), ["'self'"]),
        **dict.fromkeys(("manifest-src", "form-action"), ["'self'"]),
        "img-src": ["'self'", "data:"],
        **dict.fromkeys(("base-uri", "frame-ancestors"), ["'none'"]),
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

# API clients: OAuth2 client credentials; tokens are stored as hashes

OAUTH2_PROVIDER_APPLICATION_MODEL = "tenants.ApiClient"
# The recommendations of RFC 9700 that are off by default.
RFC9700 = ["ACCESS_TOKEN_TRANSPORT", "AUTHZ_RESPONSE_ISS", "IMPLICIT_GRANT", "PASSWORD_GRANT", "PKCE_METHOD"]
RFC9700 += ["REDIRECT_URI_SCHEME", "REFRESH_TOKEN", "TOKEN_STORAGE"]
OAUTH2_PROVIDER = {
    "OAUTH2_VALIDATOR_CLASS": "partner_engine.client_secrets.ClientSecretValidator",
    "SCOPES_BACKEND_CLASS": "tenants.oauth_scopes.RightScopes",
    "ACCESS_TOKEN_EXPIRE_SECONDS": 3_600,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    **{f"COMPLIANT_BCP_RFC9700_{recommendation}": True for recommendation in RFC9700},
}

# Static files and language

STATIC_URL = "/static/"
#: Where `manage.py collectstatic` writes the files that production serves.
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(BASE_DIR / "static_collected")))
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEVELOPMENT
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEVELOPMENT
        else "partner_engine.static_storage.ModuleStorage"
    },
}
LANGUAGE_CODE, USE_I18N, TIME_ZONE, USE_TZ = "en-us", False, "UTC", True
FORMAT_MODULE_PATH = "partner_engine.date_formats"

# Logs, which contain no values

LOG_LEVEL: str = env.str("LOG_LEVEL", default="INFO")
LOGGING_CONFIG = "partner_engine.logging.configure"
LOGGING = logs(env, level=LOG_LEVEL, is_readable=DEVELOPMENT)
#: Requests that take longer, in milliseconds, are logged as slow.
SLOW_REQUEST_MS: int = env.int("SLOW_REQUEST_MS", default=1_000)
