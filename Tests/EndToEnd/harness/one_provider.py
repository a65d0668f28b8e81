"""One provider under TLS for all tests of its behaviours.

A plugin: `pytest_plugins = ["harness.one_provider"]` in each file, so that all of them share one server.
"""

from collections.abc import Iterator

import pytest

from .gateway import Authority, Gateway
from .provider import Provider, Visitor
from .stand_in import StandIn


@pytest.fixture(scope="session")
def stand_in(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    running = StandIn(authority, tmp_path_factory.mktemp("stand-in"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def provider(authority: Authority, stand_in: StandIn) -> Iterator[Provider]:
    # Tokens that end within the run, so that ended ones can be sent.
    with Gateway(authority, people=8, token_lifetime="1m") as gateway:
        yield Provider(gateway, stand_in)


@pytest.fixture
def visitor(provider: Provider) -> Visitor:
    return provider.visitor()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What has to grow old does so while everything else runs."""
    items.sort(key=lambda item: item.path.name == "test_behaviours_waiting.py")
