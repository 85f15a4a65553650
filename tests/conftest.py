"""Servers for the tests: one embedded PostgreSQL and Redis for a run, a database and a Redis number for each worker.

DATABASE_URL and REDIS_URL, when set, name the servers to test against instead. COUNTERSIGN_TEST_HOME names a home whose
servers and data directory outlive the run, which makes the next one start sooner.
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

from governance.project import embedded

# The same examples in every run, on a machine of any speed: what fails here fails for everybody.
# HYPOTHESIS_PROFILE=search looks for new ones.
settings.register_profile("house", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("search", settings.get_profile("house"), derandomize=False, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "house"))
# Hypothesis would also try the constants of our modules: those that happen to be imported by then.
assert hasattr(providers, "is_local_module_file")
providers.is_local_module_file = lambda path: False

_RUN_HOME, _RUN = "COUNTERSIGN_TEST_RUN_HOME", "COUNTERSIGN_TEST_RUN"
_PRISTINE = "_pristine"
_worker = os.environ.get("PYTEST_XDIST_WORKER")  # gw0, gw1 …; unset in the process that hands out the tests


def _redis_number(url: str) -> str:
    number = int(_worker.removeprefix("gw")) + 1 if _worker else 0
    return urlunsplit(urlsplit(url)._replace(path=f"/{number}"))


def _set_up() -> embedded.Hold | None:
    """Fill the environment that the settings are read from. Pytest's workers inherit what their parent has set."""
    os.environ.setdefault(_RUN, f"{os.getpid()}_{secrets.token_hex(2)}")
    if _RUN_HOME not in os.environ:
        kept = os.environ.get("COUNTERSIGN_TEST_HOME")
        os.environ[_RUN_HOME] = kept or tempfile.mkdtemp(prefix="countersign-test-")
        os.environ["COUNTERSIGN_HOME"] = os.environ[_RUN_HOME]
    home = Path(os.environ["COUNTERSIGN_HOME"]).resolve()
    os.environ["DJANGO_SETTINGS_MODULE"] = "governance.project.settings"
    os.environ["COUNTERSIGN_AS_OWNER"] = "1"
    os.environ["COUNTERSIGN_SECOND_FACTOR"] = "0"  # asked for by the tests that are about it
    for variable, name in {
        "SECRET_KEY": "secret_key",
        "COUNTERSIGN_DRAW_KEYS": "draw_keys",
        "COUNTERSIGN_ORIGIN": "origin",
    }.items():
        os.environ.setdefault(variable, embedded.secret(home, name))
    postgres, redis = not os.environ.get("DATABASE_URL"), not os.environ.get("REDIS_URL")
    servers = embedded.ensure(home, postgres=postgres, redis=redis, durable=False) if postgres or redis else None
    os.environ["REDIS_URL"] = _redis_number(embedded.addresses(home).redis if redis else os.environ["REDIS_URL"])
    return servers


_servers = _set_up()


def pytest_configure(config: pytest.Config) -> None:
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # collected files would lie there
    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}


def pytest_unconfigure(config: pytest.Config) -> None:
    if _servers:
        _servers.release()
    if _worker is None and "COUNTERSIGN_TEST_HOME" not in os.environ:
        shutil.rmtree(os.environ[_RUN_HOME], ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Two runs on one server do not meet: the database is named after the run, then the worker."""
    from django.conf import settings

    settings.DATABASES["default"]["TEST"]["NAME"] = f"test_{os.environ[_RUN]}{'_' + _worker if _worker else ''}"


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_modify_db_settings: None, django_db_blocker
) -> Iterator[None]:  # fmt: skip
    """The test database, and beside it one like it that nobody can connect to, from which others are cloned.

    The plugin's own fixture makes none for a run in which every test asks for `committed_db`; and a database to which
    somebody is connected, such as a thread that an earlier test left listening, can be neither cloned nor dropped.
    """
    from django.db import connection, connections
    from django.test.utils import setup_databases

    given = connection.settings_dict["NAME"]
    with django_db_blocker.unblock():
        setup_databases(verbosity=0, interactive=False, aliases={"default"})
        connections.close_all()
        made = str(connection.settings_dict["NAME"])
        _administer(
            f'CREATE DATABASE "{made}{_PRISTINE}" TEMPLATE "{made}"',
            f'ALTER DATABASE "{made}{_PRISTINE}" ALLOW_CONNECTIONS false',
        )
    yield
    with django_db_blocker.unblock():
        connections.close_all()
        connection.settings_dict["NAME"] = given
        _administer(*(f'DROP DATABASE "{name}" WITH (FORCE)' for name in (made, made + _PRISTINE)))


@contextmanager
def _clone_of_the_test_database() -> Iterator[str]:
    from django.db import connection, connections

    source = str(connection.settings_dict["NAME"])
    clone = f"{source}_{secrets.token_hex(4)}"
    connections.close_all()
    _administer(f'CREATE DATABASE "{clone}" TEMPLATE "{source}{_PRISTINE}"')
    connection.settings_dict["NAME"] = clone
    try:
        yield clone
    finally:
        connections.close_all()
        connection.settings_dict["NAME"] = source
        _administer(f'DROP DATABASE "{clone}" WITH (FORCE)')


def _administer(*statements: str) -> None:
    import psycopg
    from django.db import connection

    place = connection.settings_dict
    parameters = {"host": place["HOST"], "port": place["PORT"], "user": place["USER"], "password": place["PASSWORD"]}
    given = {key: value for key, value in parameters.items() if value}
    with psycopg.connect(dbname="postgres", autocommit=True, **given) as link:
        for statement in statements:
            link.execute(statement)


@pytest.fixture
def committed_db(django_db_setup: None, django_db_blocker) -> Iterator[str]:
    """A database of the test's own, where commits are real; its name. Threads of the test reach it too.

    Not together with `db`: what is rolled back and what is committed are two kinds of test.
    """
    with django_db_blocker.unblock(), _clone_of_the_test_database() as name:
        yield name


@pytest.fixture
def committed_environment(committed_db: str) -> dict[str, str]:
    """The environment in which another process finds the same database, Redis and secrets as this test."""
    from django.conf import settings

    url = urlsplit(settings.DATABASE_OWNER_URL)._replace(path=f"/{committed_db}")
    return os.environ | {"DATABASE_URL": urlunsplit(url), "REDIS_URL": settings.REDIS_URL}


@pytest.fixture
def live_site(committed_db: str) -> Iterator[str]:
    """The address of a threaded web server on `committed_db`, for browsers and HTTP clients."""
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.db import connections
    from django.test.testcases import LiveServerThread

    server = LiveServerThread("localhost", StaticFilesHandler)
    server.daemon = True
    server.start()
    server.is_ready.wait()
    if server.error:
        raise server.error
    try:
        yield f"http://localhost:{server.port}"
    finally:
        server.terminate()
        connections.close_all()
