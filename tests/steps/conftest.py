"""One Wine prefix for every test under Wine, new again for each file of them."""

from collections.abc import Iterator

import pytest
from wine_prefix import Wine


@pytest.fixture(scope="session")
def wine_prefix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wine]:
    """The prefix; it is left stopped."""
    made = Wine(tmp_path_factory.mktemp("wine") / "prefix")
    try:
        made.create()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def wine(wine_prefix: Wine) -> Iterator[Wine]:
    """The prefix as it was when new."""
    wine_prefix.renew()
    try:
        yield wine_prefix
    finally:
        wine_prefix.stop()
