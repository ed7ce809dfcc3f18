"""Answers that the simulated cloud does not give: raw bytes, statuses, headers; and arbitrary JSON."""

import contextlib
import json
import logging
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from uuid import UUID

import pytest
from cloud_peers import OTHER, SERVER, STATION_TOKEN, USER
from hypothesis import given, settings
from hypothesis import strategies as st

from drova_gate.cloud.answers import Answer, own_sessions, refusal, retry_after, several
from drova_gate.cloud.models import Server
from drova_gate.errors import (
    AnswerNotUnderstood,
    CloudForbidden,
    CloudNotFound,
    CloudRefused,
    CloudThrottled,
    CloudUnauthorised,
    CloudUnavailable,
    GateError,
)

SESSION = {
    "uuid": "0d5a3d1e-2f64-4e7b-8d3c-0c9a4f1b2c30",
    "server_id": str(SERVER),
    "product_id": "9fd0eb43-b2bb-4ce3-93b8-9df63f209098",
    "created_on": 1_779_118_505_307,
    "status": "ACTIVE",
}


def listed(*sessions):
    return json.dumps({"sessions": sessions}).encode()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("301 Moved Permanently", AnswerNotUnderstood),
        ("400 Bad Request", CloudRefused),
        ("401 Unauthorized", CloudUnauthorised),
        ("403 Forbidden", CloudForbidden),
        ("404 Not Found", CloudNotFound),
        ("408 Request Timeout", CloudUnavailable),
        ("418 I'm a teapot", CloudRefused),
        ("422 Unprocessable Entity", CloudRefused),
        ("429 Too Many Requests", CloudThrottled),
        ("500 Internal Server Error", CloudUnavailable),
        ("502 Bad Gateway", CloudUnavailable),
        ("503 Service Unavailable", CloudUnavailable),
    ],
)
async def test_each_status_has_its_reaction_and_is_asked_once(peer, raw, status, error):
    """The status decides the error; its text names the call and the request's id; nothing is repeated inside."""
    peer.status, peer.body = status, b'{"message":"the API\'s own words"}'
    peer.headers = {"Location": "http://192.0.2.1/elsewhere"}
    with pytest.raises(GateError) as caught:
        await raw.sessions(SERVER)
    assert type(caught.value) is error
    text = str(caught.value)
    assert text.startswith("Drova API, GET /session-manager/sessions: ")
    assert status[:3] in text
    assert "X-Request-Id request-4711" in text
    assert len(peer.requests) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  \n",
        b"null",
        b"17",
        b'"text"',
        b"[]",
        b"{}",
        b"\xff\xfe\x00",
        b'{"sessions":',
        b'{"sessions":{}}',
        b"[" * 100_000,
        b'{"sessions":[null]}',
        b'{"sessions":[[]]}',
        b'{"sessions":[{}]}',
        b"1" * 5000,
    ],
)
async def test_what_is_no_session_list_is_not_understood(peer, raw, body):
    """Empty, cut, of another kind, nested too deep: an error, never an empty list."""
    peer.body = body
    with pytest.raises(AnswerNotUnderstood, match="request-4711"):
        await raw.sessions(SERVER)


ODD = (None, [], "?", -1, 1e300, "absent")


@pytest.mark.parametrize(
    ("field", "value"),
    [(field, value) for field in ("uuid", "server_id", "product_id", "created_on") for value in ODD]
    # Any word is a status.
    + [("status", value) for value in ODD if value != "?"],
)
async def test_a_session_that_lacks_what_decides_is_not_understood(peer, raw, field, value):
    """The text names the field; the sound session beside it is not taken for the whole truth."""
    odd = {**SESSION, field: value}
    if value == "absent":
        del odd[field]
    peer.body = listed(SESSION, odd)
    with pytest.raises(AnswerNotUnderstood, match=rf"sessions\[1\]\.{field}: "):
        await raw.sessions(SERVER)


async def test_a_broken_session_of_another_station_hides_nothing(peer, raw):
    """An item that names another station may be as odd as it likes."""
    peer.body = listed({"server_id": str(OTHER), "status": 17}, SESSION)
    assert [str(one.uuid) for one in await raw.sessions(SERVER)] == [SESSION["uuid"]]


async def test_odd_fields_that_are_only_shown_hide_no_session(peer, raw):
    """A strange billing type, score or address does not keep the end of a session from being seen."""
    shown = ("client_id", "creator_ip", "billing_type", "score", "finished_on", "abort_comment")
    odd = {name: {"new": 1} for name in shown}
    peer.body = listed({**SESSION, **odd, "status": "FINISHED", "brand_new": [1]})
    (seen,) = await raw.sessions(SERVER)
    assert (seen.status, seen.client_id, seen.score) == ("FINISHED", None, None)
    assert seen.model_extra == {"brand_new": [1]}


async def test_a_moment_that_is_no_date_in_some_time_zone_is_none(peer, raw):
    """The end of the year 9999, as databases write "never", is the year 10000 in Moscow, which Python cannot tell."""
    latest = 253_402_214_399_999
    peer.body = listed({**SESSION, "finished_on": 253_402_300_799_999}, {**SESSION, "finished_on": latest})
    assert [one.finished_on for one in await raw.sessions(SERVER)] == [None, latest]
    assert datetime.fromtimestamp(latest / 1000, timezone(timedelta(hours=14))).year == 9999


@pytest.mark.parametrize("score", [5, "5", 4.5, None])
async def test_a_score_is_kept_as_sent(peer, raw, score):
    """Numbers and texts are both seen in the field."""
    peer.body = listed({**SESSION, "score": score})
    assert (await raw.sessions(SERVER))[0].score == score


async def test_sessions_are_sorted_here(peer, raw):
    """The API's order is not relied on."""
    later = {**SESSION, "uuid": str(OTHER), "created_on": SESSION["created_on"] + 1}
    peer.body = listed(SESSION, later)
    assert [str(one.uuid) for one in await raw.sessions(SERVER)] == [str(OTHER), SESSION["uuid"]]


async def test_one_odd_station_does_not_lose_the_others(peer, raw, caplog):
    """In a list for showing the odd item is left out and said, with call and field."""
    good = {"uuid": str(SERVER), "published": True, "state": "SOMETHING_NEW", "verified": "READY"}
    peer.body = json.dumps([good, {**good, "published": None}]).encode()
    assert [one.state for one in await raw.servers(USER)] == ["SOMETHING_NEW"]
    (said,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert "GET /server-manager/servers" in said
    assert "[1].published" in said
    assert "1 of 2" in said


def test_a_list_of_nothing_but_odd_items_is_not_understood():
    """Otherwise a change of the API would read as "no stations"."""
    with pytest.raises(AnswerNotUnderstood, match=r"\[0\]\.uuid"):
        several(Answer("GET /x", 200, b"[{},{}]"), Server)


async def test_a_stations_publication_is_exact(peer, raw):
    """``published`` absent or null is not "hidden"."""
    peer.body = json.dumps({"uuid": str(SERVER), "state": "LISTEN", "published": None}).encode()
    with pytest.raises(AnswerNotUnderstood, match="published: "):
        await raw.server(SERVER, USER)


async def test_a_product_without_its_flag_is_not_understood(peer, raw):
    """A missing ``use_default_desktop`` is not "no desktop"."""
    peer.body = json.dumps({"product_id": str(OTHER), "title": "Game"}).encode()
    with pytest.raises(AnswerNotUnderstood, match="use_default_desktop: "):
        await raw.product(OTHER)


async def test_a_cut_connection_is_unavailable(peer, raw):
    """No answer at all."""
    peer.cut = True
    with pytest.raises(CloudUnavailable, match="GET /accounting/myaccount: "):
        await raw.account()


async def test_a_body_that_never_ends_is_unavailable_and_names_its_request(peer, raw):
    """The time-out holds for the last byte, and the id from the headers is in the text."""
    peer.hang_after_headers, peer.body = True, b"x"
    with pytest.raises(CloudUnavailable, match="request-4711"):
        await raw.account()


async def test_an_endless_answer_is_not_read_to_the_end(peer, raw, monkeypatch):
    """A router's memory is bounded."""
    monkeypatch.setattr("drova_gate.cloud.http.BODY_MOST", 1000)
    peer.body = b" " * 2000
    with pytest.raises(AnswerNotUnderstood, match="longer than 1000 bytes"):
        await raw.account()


async def test_a_redirect_does_not_get_the_token(peer, raw):
    """The token goes to the API's own address only, and only in its header."""
    peer.status, peer.headers = "302 Found", {"Location": f"{peer.url}/elsewhere"}
    with pytest.raises(AnswerNotUnderstood):
        await raw.account()
    (request,) = peer.requests
    assert f"X-Auth-Token: {STATION_TOKEN}" in request
    assert request.count(STATION_TOKEN) == 1


async def test_public_calls_go_without_the_token(peer, raw):
    """The catalogue needs none."""
    peer.body = b"[]"
    assert await raw.catalogue() == ()
    assert STATION_TOKEN not in peer.requests[0]


@pytest.mark.parametrize("status", ["400 Bad Request", "401 Unauthorized", "500 Oops", "429 Slow"])
async def test_the_apis_own_words_never_bring_a_token_into_a_text(peer, raw, status):
    """An echo of the token is masked, unprintable characters are replaced, long words are cut."""
    peer.status = status
    peer.body = json.dumps({"message": f"bad token {STATION_TOKEN}\n\x1b[31m" + "x" * 5000}).encode()
    with pytest.raises(GateError) as caught:
        await raw.account()
    text = str(caught.value) + repr(caught.value) + repr(caught.value.__cause__)
    assert STATION_TOKEN not in text
    assert "bad token ***??[31m" in text
    assert len(str(caught.value)) < 500


async def test_a_clients_repr_shows_no_token(raw):
    """Neither does anything it holds."""
    assert STATION_TOKEN not in repr(raw) + repr(vars(raw))


# -- Retry-After -----------------------------------------------------------------------------------------------------

NOW = datetime(2026, 5, 19, 12, 0, 0, tzinfo=UTC)


def http(moment):
    return format_datetime(moment, usegmt=True)


@pytest.mark.parametrize(
    ("header", "date", "seconds"),
    [
        ("7", "", 7),
        (" 7 ", "", 7),
        ("0", "", 1),
        ("86400", "", 600),
        ("", "", 30),
        ("soon", "", 30),
        ("-5", "", 30),
        ("٧", "", 30),
        (http(NOW + timedelta(seconds=90)), "", 90),
        (http(NOW - timedelta(seconds=90)), "", 1),
        (http(NOW + timedelta(days=900)), "", 600),
        # The router's clock is an hour off; the server says its own time.
        (http(NOW + timedelta(seconds=3690)), http(NOW + timedelta(hours=1)), 90),
        (http(NOW + timedelta(seconds=90)), "nonsense", 90),
    ],
)
def test_retry_after_is_read_in_both_forms(header, date, seconds):
    """Seconds or an HTTP date, within 1 s and 10 min; 30 s when it says nothing useful."""
    assert retry_after(header, date, NOW.timestamp()) == seconds


async def test_a_429_with_a_date_says_the_seconds(peer, raw):
    """The header's date counts from the answer's own."""
    peer.status = "429 Too Many Requests"
    peer.headers = {"Retry-After": http(NOW + timedelta(seconds=42)), "Date": http(NOW)}
    with pytest.raises(CloudThrottled, match="wait 42 s") as caught:
        await raw.sessions(SERVER)
    assert caught.value.retry_after == 42


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=40), st.text(max_size=40))
def test_any_retry_after_gives_a_sensible_pause(header, date):
    """Whatever stands in the headers, the pause is between 1 s and 10 min."""
    assert 1 <= retry_after(header, date, NOW.timestamp()) <= 600


# -- arbitrary answers -----------------------------------------------------------------------------------------------

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
nearly_a_session = st.fixed_dictionaries(
    {},
    optional={
        **{name: st.just(value) | anything for name, value in SESSION.items()},
        **dict.fromkeys(("finished_on", "client_id", "creator_ip", "score", "billing_type"), anything),
    },
)
answers = anything | st.builds(
    lambda items: {"sessions": items}, st.lists(nearly_a_session | anything, max_size=4) | anything
)


@settings(deadline=None, max_examples=150)
@given(answers)
def test_any_json_is_a_session_list_or_an_error_of_ours(raw):
    """Arbitrary JSON never breaks the reader, and what is read is this station's and in order."""
    body = json.dumps(raw).encode()
    try:
        own, foreign = own_sessions(Answer("GET /session-manager/sessions", 200, body), SERVER)
    except AnswerNotUnderstood as error:
        str(error).encode()
    else:
        assert len(own) + foreign == len(raw["sessions"])
        assert all(one.server_id == SERVER for one in own)
        assert [one.created_on for one in own] == sorted((one.created_on for one in own), reverse=True)


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_session_list_or_an_error_of_ours(body):
    """Not even bytes that are no text break the reader."""
    with contextlib.suppress(AnswerNotUnderstood):
        own_sessions(Answer("GET /x", 200, body), UUID(int=0))


@settings(deadline=None, max_examples=100)
@given(st.integers(100, 599), st.binary(max_size=80) | anything.map(lambda raw: json.dumps(raw).encode()))
def test_any_status_with_any_body_has_a_reaction(status, body):
    """Success or one of our errors."""
    error = refusal(Answer("GET /x", status, body), wall=0.0)
    assert (error is None) == (200 <= status < 300)
