"""Stations to be set up."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from onboard_world import PLAN, World, world_of

from drova_gate.onboard.own_key import keep_own_key


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A quick station, a cloud that knows it."""
    async with world_of(tmp_path, PLAN) as made:
        yield made


@pytest.fixture
async def world_with_key(tmp_path: Path) -> AsyncIterator[World]:
    """The same, after bootstrap's script was run on the PC."""
    key = keep_own_key(tmp_path / "state")
    async with world_of(tmp_path, replace(PLAN, authorized_key=key.line)) as made:
        yield made
