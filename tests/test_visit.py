"""A command's visit to one station."""

from pathlib import Path

import pytest

from drova_gate.config import Mode, read_config
from drova_gate.errors import StationUnreachable
from drova_gate.visit import first_answer, visiting

SETTINGS = {
    "WINDOWS_HOST": "127.0.0.1",
    "WINDOWS_LOGIN": "gate",
    "WINDOWS_PASSWORD": "x",
    "WINDOWS_SSH_PORT": "1",
    "DROVA_PROTECTOR": "none",
}


async def test_an_error_of_the_visitor_passes_as_he_raised_it(tmp_path: Path):
    """Not wrapped by the link's task group: callers say ``except GateError``."""
    (config,) = read_config(Mode.VALIDATE, SETTINGS).stations
    with pytest.raises(StationUnreachable, match="refused"):
        async with visiting(config, tmp_path) as link:
            await first_answer(link)
    with pytest.raises(KeyError):
        async with visiting(config, tmp_path):
            raise KeyError
