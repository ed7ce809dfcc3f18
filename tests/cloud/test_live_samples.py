"""The models against sanitised answers of the live API, from a folder outside of the project."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from drova_gate.cloud.answers import Answer, own_sessions, several, single
from drova_gate.cloud.models import Account, Endpoint, Server, Session, StationProduct, Wire

VARIABLE = "DROVA_API_SAMPLES"
FOLDER = os.environ.get(VARIABLE, "")
SAMPLES = [pytest.param(path, id=path.stem) for path in sorted(Path(FOLDER).glob("*.json"))] if FOLDER else []
NO_SAMPLE = pytest.param(
    None, id="none", marks=pytest.mark.skip(reason=f"{VARIABLE} names no folder with live answers")
)
"""Stands in, so that the run says which variable is missing."""

MODELS: tuple[tuple[str, type[Wire]], ...] = (
    (r"GET /accounting/myaccount", Account),
    (r"GET /session-manager/sessions", Session),
    (r"GET /server-manager/servers", Server),
    (r"GET /server-manager/servers/[^/]+", Server),
    (r"GET /server-manager/serverproduct/list4edit2/[^/]+", StationProduct),
    (r"GET /server-manager/serverendpoint/list/[^/]+", Endpoint),
)
"""Which call is read by which model; calls that the client does not make yet are in nobody's pattern."""

REDACTED = re.compile(r"<(?P<what>\w+):(?P<which>\w+)>")
PLAUSIBLE: dict[str, Callable[[int], Any]] = {
    "ip": lambda number: f"203.0.113.{number}",
    "balance": lambda _: 1250.5,
    "exportable_money": lambda _: "1000",
    "trial_msecs_left": lambda _: 0,
    "latitude": lambda _: 55.75,
    "longitude": lambda _: 37.61,
}


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


def holds(kept: Any, sent: Any, place: str) -> list[str]:
    """Name whatever of ``sent`` is missing or different in ``kept``."""
    if isinstance(sent, dict):
        gone = [f"{place}.{name}" for name in sent if not isinstance(kept, dict) or name not in kept]
        return gone or [fault for name in sent for fault in holds(kept[name], sent[name], f"{place}.{name}")]
    if isinstance(sent, list):
        if not isinstance(kept, list) or len(kept) != len(sent):
            return [place]
        return [fault for index, value in enumerate(sent) for fault in holds(kept[index], value, f"{place}[{index}]")]
    return [] if kept == sent and type(kept) is type(sent) else [place]


def read(answer: Answer, model: type[Wire], response: Any) -> Any:
    """Read an answer as the client does and write it as JSON would have it."""
    if model is Session:
        server = UUID(response["sessions"][0]["server_id"])
        sessions, foreign = own_sessions(answer, server)
        assert foreign == 0
        return {"sessions": [one.model_dump(mode="json", by_alias=True) for one in sessions]}
    if isinstance(response, list):
        return [one.model_dump(mode="json", by_alias=True) for one in several(answer, model)]
    return single(answer, model).model_dump(mode="json", by_alias=True)


@pytest.mark.skipif(not FOLDER, reason=f"{VARIABLE} is not set: no live samples to read")
def test_the_folder_holds_samples():
    """A wrong folder must not pass for a good one."""
    assert SAMPLES


@pytest.mark.parametrize("path", SAMPLES or [NO_SAMPLE])
def test_a_live_answer_is_read_and_nothing_of_it_is_lost(path: Path):
    """Every value that the API sent is there again when the model is written out."""
    sample = json.loads(path.read_bytes())
    call = f"{sample['method']} {sample['path']}"
    model = next((model for pattern, model in MODELS if re.fullmatch(pattern, call)), None)
    if model is None:
        pytest.skip(f"the client does not read {call}")
    response = restored(sample["response"])
    kept = read(Answer(call, sample["status"], json.dumps(response).encode()), model, response)
    assert holds(kept, response, "") == []


def test_a_loss_would_be_noticed():
    """The comparison itself: a missing key, another type, a shorter list."""
    assert holds({"a": 1}, {"a": 1, "b": 2}, "") == [".b"]
    assert holds({"a": 1.0}, {"a": 1}, "") == [".a"]
    assert holds([1], [1, 2], "") == [""]
    assert holds({"a": None}, {"a": "x"}, "") == [".a"]
