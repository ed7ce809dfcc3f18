"""Every answer that the client reads: as it is known, as the simulator gives it, and changed in every way.

Whatever the API sends, the client says what it is sure of, or an error of ours that names the request; it never makes something
else of it.
"""

import copy
import functools
import json
import operator
from typing import Any
from uuid import UUID

import pytest
from cloud_peers import SERVER, USER
from hypothesis import given, settings
from hypothesis import strategies as st
from shapes import SHAPES, Shape, holds

from drova_gate.cloud.answers import Answer
from drova_gate.errors import AnswerNotUnderstood
from drova_gate.sim.cloud import GAME

EACH = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.call.partition(" ")[2])
GONE = object()
ID = "request-4711"

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(
        ["true", "false", "1", "", "READY", "\ud800", str(SERVER).upper(), f"{{{SERVER}}}", 10**400, "ё" * 500]
    )
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something can be changed: the whole, every item, every field."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place, *(found for key, item in inner for found in places(item, (*place, key)))]


def changed(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    """The same answer with one place changed, taken away (``GONE``), or with a field that nobody knows."""
    if not place:
        return {} if new is GONE else new
    value = copy.deepcopy(value)
    inner = value
    for key in place[:-1]:
        inner = inner[key]
    if new is GONE:
        del inner[place[-1]]
    else:
        inner[place[-1]] = new
    return value


def mistaken_for(value: Any) -> st.SearchStrategy[Any]:
    """What is easily taken for a value and is not it: above all for a truth value."""
    return st.sampled_from([0, 1, 1.0, "0", "1", "true", "false", "yes", "off", str(value), [value], not value])


@st.composite
def mutants(draw: st.DrawFn, shape: Shape) -> Any:
    """A live-shaped answer with one to three changes, half of them where something is decided."""
    example = shape.example
    for _ in range(draw(st.integers(1, 3))):
        found = places(example)
        deciding = [place for place in found if place and place[-1] in shape.exact]
        if deciding and draw(st.booleans()):
            place = draw(st.sampled_from(deciding))
            value = functools.reduce(operator.getitem, place, example)
            example = changed(example, place, draw(mistaken_for(value) | values | st.just(GONE)))
        else:
            example = changed(example, draw(st.sampled_from(found)), draw(values | st.just(GONE)))
        if isinstance(example, dict) and draw(st.booleans()):
            example = {**example, "brandNew": draw(values)}
    return example


def outcome(shape: Shape, answer: Answer) -> Any:
    """What is read, or the one error that may be; any other fails the test."""
    try:
        return shape.read(answer)
    except AnswerNotUnderstood as error:
        return error


def same(kept: Any, sent: Any) -> bool:
    """Whether what was made of a value still says the same: equal, the same id or number, or "unknown"."""
    if kept is None or (kept == sent and isinstance(kept, bool) is isinstance(sent, bool)):
        return True
    if isinstance(kept, dict) and isinstance(sent, dict):
        sent = {_id(key): value for key, value in sent.items()}
        return all(_id(key) in sent and same(value, sent[_id(key)]) for key, value in kept.items())
    if isinstance(kept, list) and isinstance(sent, list):
        # Odd items are left out; those that are kept stay in their order.
        rest = iter(sent)
        return all(any(same(one, other) for other in rest) for one in kept)
    if isinstance(kept, str) and isinstance(sent, str):
        return _id(kept) == _id(sent)
    if isinstance(kept, int) and not isinstance(kept, bool) and isinstance(sent, str | float):
        return int(float(sent)) == kept
    return False


def _id(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        return text


def in_order(kept: Any, sent: Any) -> tuple[Any, Any]:
    """Sessions are sorted by the client: for comparing, both sides by what they say."""
    if isinstance(kept, dict) and "sessions" in kept and isinstance(sent, dict):
        by_text = {"key": lambda item: json.dumps(item, sort_keys=True)}
        return sorted(kept["sessions"], **by_text), sorted(sent["sessions"], **by_text)
    return kept, sent


@EACH
def test_the_known_form_is_read_and_nothing_is_lost(shape: Shape):
    """The example, with a field that nobody knows, comes out as it went in."""
    sent = shape.example
    if isinstance(sent, dict) and "sessions" not in sent:
        sent = {**sent, str(USER): "x"}
    assert holds(shape.read(Answer(shape.call, 200, json.dumps(sent).encode())), sent) == []


@EACH
async def test_what_the_simulator_answers_is_read_and_nothing_is_lost(cloud, station, shape: Shape):
    """The two share no code: what one writes the other reads whole."""
    cloud.finish(cloud.start_session(str(SERVER), GAME))
    cloud.world.ledger.sell(str(USER), 30, cloud.world.now_ms())
    await station.issue_promocodes(1, 1000)
    answer = await station._call("GET", shape.path)
    assert holds(shape.read(answer), json.loads(answer.body)) == []


@EACH
@settings(deadline=None, max_examples=30)
@given(st.data())
def test_a_changed_answer_is_an_error_of_ours_or_no_wrong_certainty(shape: Shape, data: st.DataObject):
    """Wrong types, missing and unknown fields, huge values: read as sent, as unknown, or not understood, and said of which."""
    sent = data.draw(mutants(shape))
    body = json.dumps(sent).encode()
    kept = outcome(shape, Answer(shape.call, 200, body, request_id=ID))
    if isinstance(kept, AnswerNotUnderstood):
        assert ID in str(kept)
        assert str(kept).startswith(f"Drova API, {shape.call}: ")
        return
    for item in kept if isinstance(kept, list) else kept.get("sessions", [kept]):
        if isinstance(item, dict):
            assert all(item.get(name) is not None for name in shape.exact)
    assert same(*in_order(kept, sent))
