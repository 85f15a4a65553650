"""The one settings file: every variable of the environment is read here, and the README's table lists them all."""

import os
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from governance.project import embedded, logs

BASE_DIR = Path(__file__).resolve().parents[2]
HOME = Path(os.environ.get("COUNTERSIGN_HOME") or BASE_DIR / "var").resolve()

DEBUG = os.environ.get("DEBUG", "") == "1"
# With neither server named, the program is its own installation: it makes its servers and its secrets under HOME.
EMBEDDED = not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"))


def _secret(variable: str, name: str) -> str:
    """A secret from the environment; made and kept under HOME only when the servers are embedded too."""
    given = os.environ.get(variable)
    if given:
        return given
    if EMBEDDED:
        return embedded.secret(HOME, name)
    raise ImproperlyConfigured(f"Set {variable}: a deployment with its own servers has to bring its own secrets.")


def _database(url: str) -> dict[str, object]:
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(f"DATABASE_URL begins with postgresql://, not {parts.scheme}://.")
    options = dict(pair.split("=", 1) for pair in parts.query.split("&") if pair)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(options.pop("host", parts.hostname or "")),
        "PORT": options.pop("port", parts.port or ""),
        # Persistent, prepared connections serve about ten times as many requests as one connection a request.
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": False,
        "OPTIONS": {"server_side_binding": True, "prepare_threshold": 1, "application_name": "countersign", **options},
        "TEST": {"NAME": None},
    }


SECRET_KEY = _secret("SECRET_KEY", "secret_key")
# Former keys: what they protect (sessions, secrets of second factors) is still read after a change of the key.
SECRET_KEY_FALLBACKS = [key for key in os.environ.get("SECRET_KEY_FALLBACKS", "").split(",") if key]
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
PORT = int(os.environ.get("PORT") or 8000)
PUBLIC_URL = os.environ.get("PUBLIC_URL", f"http://localhost:{PORT}").rstrip("/")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

DATABASE_URL, REDIS_URL = os.environ.get("DATABASE_URL", ""), os.environ.get("REDIS_URL", "")
DATABASE_OWNER_URL = os.environ.get("DATABASE_OWNER_URL", "") or DATABASE_URL
# The role of the sealer that `up` starts, where the one that serves may not seal.
DATABASE_SEALER_URL = os.environ.get("DATABASE_SEALER_URL", "")
if EMBEDDED:
    addresses = embedded.addresses(HOME)
    DATABASE_URL = DATABASE_URL or addresses.database
    DATABASE_OWNER_URL = DATABASE_OWNER_URL or addresses.database_owner
    REDIS_URL = REDIS_URL or addresses.redis

# Tables belong to a role of their own; what changes them runs as that role, and nothing else does.
_OWNER_COMMANDS = {"migrate", "makemigrations", "test", "flush", "sqlmigrate", "up", "demo"}
AS_OWNER = os.environ.get("COUNTERSIGN_AS_OWNER") == "1" or (len(sys.argv) > 1 and sys.argv[1] in _OWNER_COMMANDS)
DATABASES = {"default": _database(DATABASE_OWNER_URL if AS_OWNER else DATABASE_URL)}

# The random audit is drawn with a secret key, so that no producer can steer it: "version:hex", newest last.
_draw_keys = _secret("COUNTERSIGN_DRAW_KEYS", "draw_keys")
DRAW_KEYS = {int(v): bytes.fromhex(k) for v, _, k in (pair.partition(":") for pair in _draw_keys.split(",") if pair)}
EVIDENCE_ORIGIN = _secret("COUNTERSIGN_ORIGIN", "origin")
# The sealer alone reads the key that signs the log; what it remembers of the log lies outside the database.
SEALING_KEY_FILE = Path(os.environ.get("COUNTERSIGN_SEALING_KEY_FILE") or HOME / "secrets" / "sealing_key").resolve()
SEALER_HOME = HOME / "sealer"
# Who watches the log from outside: "https://witness.example NAME+ID+KEY", comma-separated.
WITNESSES = [text.strip() for text in os.environ.get("COUNTERSIGN_WITNESSES", "").split(",") if text.strip()]
# Where the day's head goes by itself: a folder that the operators of the database cannot reach, addresses of auditors.
HEADS_FOLDER = (
    Path(os.environ["COUNTERSIGN_HEADS_FOLDER"]).resolve() if os.environ.get("COUNTERSIGN_HEADS_FOLDER") else None
)
HEADS_EMAIL = [text.strip() for text in os.environ.get("COUNTERSIGN_HEADS_EMAIL", "").split(",") if text.strip()]
EMAIL_TIMEOUT = 10
# Notices go out by mail once a mail server is named; until then they stand in the product alone.
_mail = urlsplit(os.environ.get("EMAIL_URL") or f"smtp://{os.environ.get('EMAIL_HOST') or 'localhost'}:25")
if _mail.scheme not in {"smtp", "smtp+tls", "smtps"}:
    raise ImproperlyConfigured(f"EMAIL_URL begins with smtp://, smtp+tls:// or smtps://, not {_mail.scheme}://.")
SENDS_MAIL = bool(os.environ.get("EMAIL_URL") or os.environ.get("EMAIL_HOST"))
EMAIL_HOST = _mail.hostname or "localhost"
EMAIL_PORT = _mail.port or {"smtp": 25, "smtp+tls": 587, "smtps": 465}[_mail.scheme]
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(_mail.username or ""), unquote(_mail.password or "")
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail.scheme == "smtp+tls", _mail.scheme == "smtps"
DEFAULT_FROM_EMAIL = os.environ.get("DEFAULT_FROM_EMAIL", "countersign@localhost")

LEASE_SECONDS = int(os.environ.get("COUNTERSIGN_LEASE_SECONDS") or 600)
SOFT_CLAIM_SECONDS = 60
# Laptops and tests: webhooks may then go to private addresses and over plain http.
ALLOW_PRIVATE_WEBHOOKS = os.environ.get("COUNTERSIGN_ALLOW_PRIVATE_WEBHOOKS") == "1"
MAX_OUTPUT_BYTES = 1024 * 1024
MAX_BATCH_BYTES = 64 * 1024 * 1024
# A bundle that somebody has checked on the page: some 20,000 entries with their content.
MAX_BUNDLE_BYTES = 32 * 1024 * 1024
# The directory is made by `up` before anything serves; commands that come earlier take no uploads.
FILE_UPLOAD_TEMP_DIR = HOME if HOME.is_dir() else None
FILE_UPLOAD_HANDLERS = ["governance.project.uploading.BoundedUpload"]
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_OUTPUT_BYTES + 65_536

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "governance",
    "reviews",
]

MIDDLEWARE = [
    "governance.project.logs.RequestLog",
    "governance.monitoring.metrics.RequestMeter",
    "governance.project.headers.SecurityHeaders",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "governance.project.compression.CompressedPages",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "governance.project.refusals.RefusalPages",
    "governance.project.second_factor.Demand",
]

ROOT_URLCONF = "governance.project.urls"
WSGI_APPLICATION = "governance.project.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "governance.pages.context.rooms",
            ],
            "libraries": {
                "words": "governance.pages.templatetags.words",
                "policywords": "governance.pages.templatetags.policywords",
            },
            "builtins": ["reviews.pages.templatetags.foreign"],
        },
    },
]

AUTH_USER_MODEL = "governance.Person"
AUTHENTICATION_BACKENDS = ["governance.people.sign_in.Backend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/account/login/"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "governance.people.sign_in.Adapter"
ACCOUNT_FORMS = {
    "login": "governance.pages.account_forms.SignInForm",
    "reauthenticate": "governance.pages.account_forms.AfreshForm",
    "change_password": "governance.pages.account_forms.PasswordForm",
}
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
ACCOUNT_PREVENT_ENUMERATION = True

# Approvers, auditors and admins need a second factor; the laptop's installation only offers it.
SECOND_FACTOR = (os.environ.get("COUNTERSIGN_SECOND_FACTOR") or ("0" if EMBEDDED else "1")) == "1"
MFA_ADAPTER = "governance.people.sign_in.FactorAdapter"
MFA_FORMS = {
    "authenticate": "governance.pages.account_forms.CodeForm",
    "reauthenticate": "governance.pages.account_forms.AfreshCodeForm",
    "activate_totp": "governance.pages.account_forms.FirstCodeForm",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_ALLOW_UNVERIFIED_EMAIL = True  # an administrator gave the address
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_ISSUER = "Countersign"
MFA_TOTP_TOLERANCE = 1  # clocks of telephones differ by some seconds

# In the tables: people go on working while Redis is gone, and who signed out stays out when it is back.
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_NAME = "countersign"
SESSION_COOKIE_AGE = 12 * 3600
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        # A Redis that hangs may not hold up what only wanted to wake a worker.
        "OPTIONS": {"socket_timeout": 0.5, "socket_connect_timeout": 0.5},
    }
}

# TLS ends at the reverse proxy of a deployment; on a laptop there is none, and a Secure cookie would never come back.
TLS = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = TLS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = TLS
SECURE_HSTS_SECONDS = 31_536_000 if TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = TLS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TLS else None
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^metrics$"]
X_FRAME_OPTIONS = "DENY"

STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_MAX_AGE = 3600

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "governance.api.authentication.KeyAuthentication",
        "governance.api.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["governance.api.authentication.IsKnown"],
    "DEFAULT_RENDERER_CLASSES": ["governance.api.rendering.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["governance.api.parsing.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "governance.api.problems.problem_response",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Countersign",
    "DESCRIPTION": "Send the outputs of an AI system, and receive what may be done with them.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGGING_CONFIG = None
# In a terminal every request would push the addresses and accounts away; there, only what needs attention is said.
LOG_FORMAT, LOG_LEVEL = ("console", "WARNING") if EMBEDDED else ("json", "INFO")
logs.configure(os.environ.get("LOG_FORMAT") or LOG_FORMAT, os.environ.get("LOG_LEVEL") or LOG_LEVEL)
