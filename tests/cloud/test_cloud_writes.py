"""Everything that the client changes: the effect, the read-back, and what is said when either is missing."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from cloud_peers import MERCHANT_TOKEN, SERVER, STATION_TOKEN, USER
from pydantic import SecretStr

from drova_gate.cloud.calls import WRITE_SPACING_SECONDS
from drova_gate.cloud.client import DrovaClient
from drova_gate.cloud.token import FileTokenKeeper
from drova_gate.errors import (
    AnswerNotUnderstood,
    CloudForbidden,
    CloudNotFound,
    CloudRefused,
    CloudThrottled,
    CloudUnavailable,
    NotConfirmed,
    OutcomeUnknown,
)
from drova_gate.sim.cloud import GAME, OLD_GAME
from drova_gate.sim.cloud_world import Server

GAME_ID = UUID(GAME)
NEW_GAME = UUID(OLD_GAME)
REQUEST_ID = r"\(X-Request-Id [0-9a-f]{32}\)"


@dataclass(frozen=True)
class Write:
    """One of the client's writes, in a form that changes something."""

    name: str
    arguments: tuple[Any, ...]
    values: dict[str, Any]
    call: str
    """Method and path."""
    body: Any
    """As JSON; ``None``: none at all."""

    async def __call__(self, client: DrovaClient) -> Any:
        return await getattr(client, self.name)(*self.arguments, **self.values)


ABOUT = f"/server-manager/servers/{SERVER}"
PRODUCTS = "/server-manager/serverproduct"
PATHS = {"game_path": r"D:\Games\game.exe", "work_path": "D:\\Games\\", "args": None, "allowed_paths": ("D:\\",)}
WRITES = [
    Write("set_published", (SERVER, USER), {"visible": False}, f"POST {ABOUT}/set_published/false", None),
    Write("set_allow_desktop", (SERVER, USER), {"allowed": False}, f"POST {ABOUT}/set_allow_desktop/false", {}),
    Write("set_updates", (SERVER, USER), {"allowed": False}, f"POST {ABOUT}/set_disable_updates/true", {}),
    Write(
        "describe",
        (SERVER, USER),
        {"name": "«ПК» 🎮 <1>", "description": "<b>new</b>"},
        f"PUT {ABOUT}",
        {"name": "«ПК» 🎮 <1>", "description": "<b>new</b>"},
    ),
    Write(
        "set_product_enabled",
        (SERVER, GAME_ID, USER),
        {"enabled": False},
        f"POST {PRODUCTS}/set_enabled/{SERVER}/{GAME}/false",
        {},
    ),
    Write(
        "update_product",
        (SERVER, GAME_ID),
        {"enabled": True, **PATHS},
        f"POST {PRODUCTS}/update",
        {
            "server_id": str(SERVER),
            "product_id": GAME,
            "verified": "READY",
            "enabled": True,
            **PATHS,
            "allowed_paths": ["D:\\"],
        },
    ),
    Write("add_product", (SERVER, NEW_GAME, USER), {}, f"POST {PRODUCTS}/add/{SERVER}/{OLD_GAME}", None),
]
READ_BACK = pytest.mark.parametrize("write", WRITES, ids=lambda write: write.name)
"""All but the promocodes: their answer is itself what is read."""
CODES = Write("issue_promocodes", (3, 60_000), {}, "GET /accounting/prepaid/issue_promocodes/3/60000", None)
EVERY = pytest.mark.parametrize("write", [*WRITES, CODES], ids=lambda write: write.name)


@pytest.fixture(autouse=True)
def a_game_is_missing(cloud):
    """One game can be added."""
    cloud.servers[str(SERVER)].products.pop(OLD_GAME, None)


@pytest.fixture
def sent(cloud):
    """The writing requests so far."""
    return lambda: [one for one in cloud.requests if one.method != "GET" or "issue_promocodes" in one.path]


@pytest_asyncio.fixture
async def hurried(cloud):
    """A client that waits 0.2 s for an answer."""
    async with DrovaClient(SecretStr(STATION_TOKEN), base_url=cloud.url, timeout=0.2) as client:
        yield client


@EVERY
async def test_a_write_is_sent_once_in_the_known_form(station, sent, write):
    """Method, path and body, to the letter; the empty answer is no fault."""
    await write(station)
    (request,) = sent()
    assert f"{request.method} {request.path}" == write.call
    assert (json.loads(request.body) if request.body else None) == write.body


@READ_BACK
async def test_what_is_confirmed_and_not_done_is_not_confirmed(cloud, station, sent, write):
    """200 is not the effect; the text names the ids of the write and of the reading."""
    cloud.faults.add("writes_lie")
    with pytest.raises(NotConfirmed, match=rf"accepted {REQUEST_ID}, but .*{REQUEST_ID}; look") as caught:
        await write(station)
    assert len(set(re.findall("[0-9a-f]{32}", str(caught.value)))) == 2
    assert len(sent()) == 1


@pytest.mark.parametrize(
    ("status", "error"), [("500 Oops", CloudUnavailable), ("403 No", CloudForbidden), ("200 OK", AnswerNotUnderstood)]
)
@READ_BACK
async def test_a_reading_back_that_fails_does_not_look_like_a_write_that_failed(peer, raw, write, status, error):
    """The error stays what it is, and says that the change was accepted, with both ids."""
    method, path = write.call.split()
    reads = {ABOUT, f"{PRODUCTS}/list4edit2/{SERVER}", f"{PRODUCTS}/list4edit2/{SERVER}/{GAME}"}
    if method == "PUT":
        peer.methods = {"PUT": ("204 No Content", b"")}
    peer.bodies = dict.fromkeys(reads, (status, b"")) | ({} if method == "PUT" else {path: ("204 No Content", b"")})
    with pytest.raises(
        error, match=rf"request-4711\).*, after {re.escape(write.call)} was accepted \(X-Request-Id"
    ) as caught:
        await write(raw)
    assert str(caught.value).endswith("the change may be there, look before it is made again")


@EVERY
@pytest.mark.parametrize("fault", ["cloud_500", "cloud_429"])
async def test_a_write_is_never_repeated(cloud, station, sent, write, fault):
    """Whatever is answered, one was sent. A 429 says that nothing was done; a 500 does not."""
    cloud.faults.add(fault)
    with pytest.raises((CloudUnavailable, OutcomeUnknown)) as caught:
        await write(station)
    assert isinstance(caught.value, CloudThrottled) is (fault == "cloud_429")
    assert ("before" in str(caught.value)) is (fault == "cloud_500")
    assert len(sent()) == 1


@EVERY
async def test_a_write_whose_connection_breaks_is_not_sent_again(peer, raw, write):
    """The library sends a GET or a PUT anew when its connection breaks; codes would be issued twice."""
    peer.cut = True
    with pytest.raises((CloudUnavailable, OutcomeUnknown), match="Server disconnected"):
        await write(raw)
    assert [" ".join(one.split("?")[0].split()[:2]) for one in peer.requests] == [write.call]


@EVERY
async def test_a_write_without_an_answer_says_that_its_effect_is_not_known(cloud, hurried, sent, write):
    """It was carried out, the answer never came."""
    cloud.faults.add("write_hangs")
    with pytest.raises(
        (CloudUnavailable, OutcomeUnknown), match=r"look at the list|whether it was carried out"
    ) as caught:
        await write(hurried)
    assert "no whole answer within 0.2 s" in str(caught.value)
    assert len(sent()) == 1


@EVERY
async def test_a_write_is_made_again_after_a_renewal_alone(cloud, sent, write, tmp_path):
    """401 says that nothing was done: the token is renewed, and the write made once more, with the whole of its body."""
    cloud.expire_token(MERCHANT_TOKEN)
    keeper = FileTokenKeeper(tmp_path / "token")
    async with DrovaClient(SecretStr(MERCHANT_TOKEN), base_url=cloud.url, keep_token=keeper) as client:
        await write(client)
    writes = [one for one in sent() if "renewProxyToken" not in one.path]
    assert [one.status for one in writes] == [401, 200]
    assert len({one.body for one in writes}) == 1


async def test_different_writes_keep_their_distance(station, sent):
    """The spacing is one for all kinds."""
    await WRITES[0](station)
    await CODES(station)
    first, second = (one.at for one in sent())
    assert second - first >= WRITE_SPACING_SECONDS


EFFECTS: dict[str, Callable[[Server], object]] = {
    "set_published": lambda server: not server.published,
    "set_allow_desktop": lambda server: not server.allow_desktop,
    "set_updates": lambda server: server.disable_updates,
    "describe": lambda server: (server.name, server.description) == ("«ПК» 🎮 <1>", "<b>new</b>"),
    "set_product_enabled": lambda server: not server.products[GAME].enabled,
    "update_product": lambda server: (
        (server.products[GAME].game_path, server.products[GAME].allowed_paths) == (r"D:\Games\game.exe", ["D:\\"])
    ),
    "add_product": lambda server: not server.products[OLD_GAME].enabled,
}


@READ_BACK
async def test_each_write_does_what_it_says(cloud, station, write):
    """Seen in the cloud's own memory; a game that is added is not enabled by that."""
    await write(station)
    assert EFFECTS[write.name](cloud.servers[str(SERVER)])


@pytest.mark.parametrize(
    ("given", "kept"),
    [({"name": "pc-1"}, "<p>A simulated station</p>"), ({"description": ""}, "pc1")],
)
async def test_what_is_not_described_anew_stays(cloud, station, given, kept):
    """The API erases what is not sent: so both are."""
    found = await station.describe(SERVER, USER, **given)
    assert {found.name, found.description} == {*given.values(), kept}
    server = cloud.servers[str(SERVER)]
    assert {server.name, server.description} == {*given.values(), kept}


async def test_a_description_that_is_no_text_is_not_lost(peer, raw):
    """What cannot be sent back as it is keeps the write from being sent."""
    station = {"uuid": str(SERVER), "state": "LISTEN", "published": True, "name": "pc1", "description": {"ru": "x"}}
    peer.body = json.dumps(station).encode()
    with pytest.raises(CloudRefused, match=r"description is no text \(X-Request-Id request-4711\), .*nothing was sent"):
        await raw.describe(SERVER, USER, name="pc2")
    assert [one.split()[0] for one in peer.requests] == ["GET"]


async def test_a_value_that_cannot_be_read_is_not_confirmed(peer, raw):
    """1 is not ``true``."""
    station = {"uuid": str(SERVER), "state": "LISTEN", "published": True, "allow_desktop": 1}
    peer.body = json.dumps(station).encode()
    with pytest.raises(NotConfirmed, match="allow_desktop reads as unknown"):
        await raw.set_allow_desktop(SERVER, USER, allowed=True)


async def test_in_a_cloud_that_turns_publish_round_nothing_is_believed(cloud, station):
    """The first description of the API said so: the read-back is right in either world."""
    cloud.faults.add("publish_inverted")
    with pytest.raises(NotConfirmed, match="still reads as hidden"):
        await station.set_published(SERVER, USER, visible=True)


async def test_a_game_that_is_not_on_the_station_is_not_found(station):
    """404 is its own error, below a refusal."""
    with pytest.raises(CloudNotFound, match=f"answered 404.*{REQUEST_ID}"):
        await station.set_product_enabled(SERVER, uuid4(), enabled=True)


async def test_promocodes_are_issued_and_listed(cloud, station):
    """The answer holds the codes; the list of unused ones holds them too."""
    issued = await station.issue_promocodes(2, 3_600_000)
    assert {one.promocode for one in issued} == {one.promocode for one in await station.promocodes()}
    assert {one.playtime_msecs for one in issued} == {3_600_000}
    assert len(cloud.world.ledger.promocodes) == 2


@pytest.mark.parametrize(("count", "playtime"), [(0, 1000), (-1, 1000), (10_000, 1000), (1, 0)])
async def test_promocodes_that_cannot_be_are_not_asked_for(cloud, station, count, playtime):
    """Checked before anything is sent."""
    with pytest.raises(CloudRefused, match=r"from 1 to 9999.*nothing was sent"):
        await station.issue_promocodes(count, playtime)
    assert cloud.requests == []


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'[{"promocode":"1"}]', b'[{"promocode":"1"},{"promocode":7}]'])
async def test_promocodes_that_cannot_be_read_were_issued_nevertheless(peer, raw, body):
    """The money may be spent: "ask again later" would spend it twice. No code is in the text."""
    peer.body = body
    with pytest.raises(OutcomeUnknown, match=r"X-Request-Id request-4711.*before you try again"):
        await raw.issue_promocodes(2, 1000)
    assert len(peer.requests) == 1
