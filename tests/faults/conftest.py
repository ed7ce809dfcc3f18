"""Options of the fault matrix."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def quiet_log() -> Iterator[None]:
    """A cell reads the gate's log itself; a thousand lines of a dozen cells at once tell nobody anything."""
    logger = logging.getLogger("drova_gate")
    level, logger.propagate = logger.level, False
    yield
    logger.propagate = True
    logger.setLevel(level)


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--all-cells``: the whole matrix instead of its pairwise subset."""
    parser.addoption(
        "--all-cells", action="store_true", help="try every cell of the fault matrix, not a pairwise subset"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Deal the cells to a few tests, each of which runs its own side by side: nearly all of a cell's time is waiting."""
    if "dealt" in metafunc.fixturenames:
        whole = metafunc.config.getoption("--all-cells", default=False)
        parts = 24 if whole else 4
        metafunc.parametrize(
            "dealt",
            [(number, parts, whole) for number in range(1, parts + 1)],
            ids=lambda part: f"{part[0]}of{part[1]}",
        )
