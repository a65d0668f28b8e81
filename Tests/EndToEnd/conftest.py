"""Fixtures: one gateway on plain http and one under TLS for all tests that only use them, PostgreSQL, people."""

import itertools
import os
from pathlib import Path

import pytest

from harness import city
from harness.gateway import Authority, Gateway
from harness.person import Person
from harness.places import E_KINERJA, GAPURA
from harness.postgres import Postgres


# requests would prefer these to the authority of this run.
for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
    os.environ.pop(variable, None)


def pytest_sessionstart() -> None:
    for program in (GAPURA, E_KINERJA):
        assert program.exists(), f"{program} is not built: see Tests/EndToEnd/README.md"


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="session")
def postgres():
    cluster = Postgres()
    yield cluster
    cluster.remove()


@pytest.fixture(scope="session", params=["http", "https"])
def gateway(request: pytest.FixtureRequest, authority: Authority):
    """A running gateway that tests share; each registers clients and takes people of its own."""
    with Gateway(authority if request.param == "https" else None, people=90) as running:
        yield running


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, postgres: Postgres) -> str | None:
    """Nothing for SQLite in the gateway's folder, else the URL of a new PostgreSQL database."""
    return postgres.new_database() if request.param == "postgres" else None


_numbers = itertools.count()


@pytest.fixture
def number() -> int:
    """Of this test alone."""
    return next(_numbers)


@pytest.fixture
def person(gateway: Gateway, number: int) -> Person:
    """A civil servant whom no other test uses, with a password."""
    somebody = Person(gateway, city.nip(number % gateway.people))
    somebody.set_password()
    return somebody


@pytest.fixture
def slug(number: int) -> str:
    """A client id that no other test uses."""
    return f"uji-{number}"


@pytest.fixture
def here() -> Path:
    return Path(__file__).parent
