"""The models against sanitised answers of the live API, from a folder outside of the project."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cloud_peers import SERVER
from shapes import SHAPES, Shape, holds, names_in

from drova_gate.cloud.answers import Answer, refusal
from drova_gate.sim.cloud import GAME

VARIABLE = "GATE_API_SAMPLES"
FOLDER = os.environ.get(VARIABLE, "")
SAMPLES = [pytest.param(path, id=path.stem) for path in sorted(Path(FOLDER).glob("*.json"))] if FOLDER else []
NO_SAMPLES = f"{VARIABLE} names no folder with sanitised live answers, which are not part of the project"
NO_SAMPLE = pytest.param(None, id="none", marks=pytest.mark.skip(reason=NO_SAMPLES))
"""Stands in: without any sample there would be no test to be skipped, and nothing would say which variable is missing."""

REDACTED = re.compile(r"<(?P<what>\w+):(?P<which>\w+)>")
PLAUSIBLE: dict[str, Callable[[int], Any]] = {
    "ip": lambda number: f"203.0.113.{number}",
    "balance": lambda _: 1250.5,
    "exportable_money": lambda _: "1000",
    "trial_msecs_left": lambda _: 0,
    "latitude": lambda _: 55.75,
    "longitude": lambda _: 37.61,
}
SOMETIMES = frozenset({"abort_comment", "billing_type", "score", "score_reason", "score_text"})
"""Fields of a session that only some have."""


def restored(raw: Any) -> Any:
    """Put a plausible value of the right type where a value was redacted."""
    if isinstance(raw, dict):
        return {name: restored(value) for name, value in raw.items()}
    if isinstance(raw, list):
        return [restored(value) for value in raw]
    match = REDACTED.fullmatch(raw) if isinstance(raw, str) else None
    if match is None:
        return raw
    what, number = match["what"], int(match["which"]) if match["which"].isdigit() else 0
    if what == "uuid" or what.endswith("_id"):
        return str(UUID(int=number + 1, version=4))
    return PLAUSIBLE.get(what, lambda _: f"some {what}")(number)


def shape_of(call: str) -> Shape:
    """How the client reads a call; a call that it does not know fails the test."""
    return next(shape for shape in SHAPES if re.fullmatch(shape.call, call))


@pytest.mark.skipif(not FOLDER, reason=NO_SAMPLES)
def test_the_folder_holds_samples():
    """A wrong folder must not pass for a good one."""
    assert SAMPLES


@pytest.mark.parametrize("path", SAMPLES or [NO_SAMPLE])
def test_a_live_answer_is_read_and_nothing_of_it_is_lost(path: Path):
    """Every value that the API sent is there again when the model is written out; a write's empty answer is a success."""
    sample = json.loads(path.read_bytes())
    call, response = f"{sample['method']} {sample['path']}", restored(sample["response"])
    if sample["method"] != "GET":
        assert response == ""
        assert refusal(Answer(call, sample["status"], b""), wall=0.0) is None
        return
    kept = shape_of(call).read(Answer(call, sample["status"], json.dumps(response).encode()))
    assert holds(kept, response) == []


@pytest.mark.parametrize("path", SAMPLES or [NO_SAMPLE])
async def test_the_simulated_cloud_answers_with_the_live_fields(cloud, station, path: Path):
    """The same fields at the same places: what is learnt from the simulator holds for the real one."""
    sample = json.loads(path.read_bytes())
    call = f"{sample['method']} {sample['path']}"
    if sample["method"] != "GET":
        await station._write("POST", re.sub(r"<[^>]+>", str(SERVER), sample["path"]))
        return
    cloud.finish(cloud.start_session(str(SERVER), GAME))
    await station.issue_promocodes(1, 60_000)
    ours = json.loads((await station._call("GET", shape_of(call).path)).body)
    live = {name for name in names_in(sample["response"]) if name.rpartition(".")[2] not in SOMETIMES}
    assert {name for name in names_in(ours) if name.rpartition(".")[2] not in SOMETIMES} == live


def test_a_loss_would_be_noticed():
    """The comparison itself: a missing key, another type, a shorter list."""
    assert holds({"a": 1}, {"a": 1, "b": 2}) == [".b"]
    assert holds({"a": 1.0}, {"a": 1}) == [".a"]
    assert holds([1], [1, 2]) == [""]
    assert holds({"a": None}, {"a": "x"}) == [".a"]
    assert names_in({"a": [{"b": 1}, {"c": {"d": 1}}]}) == {".a", ".a[].b", ".a[].c", ".a[].c.d"}
