"""A command's visit to one station."""

import asyncio
import os
from pathlib import Path

import pytest

from drova_gate.config import Mode, read_config
from drova_gate.errors import SettingsFault, StationUnreachable
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


async def test_a_pin_behind_a_closed_door_is_no_missing_pin(tmp_path: Path):
    """Another user's state folder: for long the password went to whoever answered there."""
    (config,) = read_config(Mode.VALIDATE, SETTINGS).stations
    folder = tmp_path / "state"
    await asyncio.to_thread(folder.mkdir, 0o700)  # loads the pool of threads while its module can be read
    os.seteuid(65534)
    try:
        async with visiting(config, folder) as link:
            with pytest.raises(SettingsFault, match="may not be read by this user; use sudo"):
                await first_answer(link)
    finally:
        os.seteuid(0)
