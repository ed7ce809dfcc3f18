"""Whether a game gives the desktop: from Drova, from memory, from the copy on disk, and never from a guess."""

import asyncio
import json
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from cloud_peers import STATION_TOKEN, until
from pydantic import SecretStr

from drova_gate.cloud.catalog import COPY_SECONDS, Catalogue
from drova_gate.cloud.catalogue_copy import CatalogueCopy
from drova_gate.cloud.client import DrovaClient
from drova_gate.cloud.models import DESKTOP_PRODUCT, CatalogueItem
from drova_gate.errors import AnswerNotUnderstood, CloudRefused, CloudUnavailable
from drova_gate.sim.cloud import GAME, OLD_DESKTOP_GAME

LIST = "/product-manager/product/listfull2"
GAME_ID, DESKTOP_GAME_ID = UUID(GAME), UUID(OLD_DESKTOP_GAME)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest_asyncio.fixture
async def catalogue(station, folder):
    return Catalogue(station, folder)


def asked(cloud, part):
    return [request for request in cloud.requests if part in request.path]


def age(folder: Path, seconds: float) -> None:
    """Make the copy look older."""
    path = CatalogueCopy(folder).path
    head, rest = path.read_text().split("\n", 1)
    path.write_text(json.dumps({**json.loads(head), "fetched": time.time() - seconds}) + "\n" + rest)


async def test_the_desktop_itself_is_known_without_asking(cloud, station):
    """No call for the reserved product."""
    assert await Catalogue(station, None).use_default_desktop(DESKTOP_PRODUCT)
    assert cloud.requests == []


async def test_a_games_flag_is_asked_for_once(cloud, station):
    """Both answers are remembered, also the one that is ``False``."""
    catalogue = Catalogue(station, None)
    for _ in range(3):
        assert not await catalogue.use_default_desktop(GAME_ID)
        assert await catalogue.use_default_desktop(DESKTOP_GAME_ID)
    assert len(asked(cloud, "product/get")) == 2


async def test_the_copy_is_fetched_beside_the_calls_and_used_when_drova_is_down(cloud, station, folder):
    """The first question brings the copy; later it answers for a game that was never asked about."""
    catalogue = Catalogue(station, folder)
    await catalogue.use_default_desktop(DESKTOP_PRODUCT)
    await catalogue._refreshing
    cloud.faults.add("cloud_500")
    assert await catalogue.use_default_desktop(DESKTOP_GAME_ID)
    assert not await catalogue.use_default_desktop(GAME_ID)
    assert len(asked(cloud, LIST)) == 1


async def test_an_old_copy_is_better_than_none(cloud, catalogue, station, folder):
    """When neither the product nor a new catalogue can be had, a copy of last year answers."""
    await catalogue.refresh()
    age(folder, 365 * 86400)
    cloud.faults.add("cloud_500")
    assert await Catalogue(station, folder).use_default_desktop(DESKTOP_GAME_ID)


async def test_while_drova_is_down_the_copy_stands_in_for_a_while(cloud, catalogue):
    """A held player's quick questions do not each ask a cloud that is down."""
    await catalogue.refresh()
    cloud.faults.add("cloud_500")
    for _ in range(5):
        await catalogue.use_default_desktop(GAME_ID)
    assert len(asked(cloud, "product/get")) == 1


async def test_a_game_that_nobody_knows_is_an_error(cloud, catalogue):
    """Not in the cloud, not in the copy: never a guess, and the cloud's own error is what is said."""
    await catalogue.refresh()
    with pytest.raises(CloudRefused, match="404"):
        await catalogue.use_default_desktop(uuid4())


async def test_without_a_copy_an_unavailable_cloud_is_an_error(cloud, station, folder):
    """Unknown stays unknown, with and without a folder."""
    cloud.faults.add("cloud_500")
    for place in (folder, None):
        with pytest.raises(CloudUnavailable):
            await Catalogue(station, place).use_default_desktop(GAME_ID)


async def test_a_copy_without_the_flag_is_no_answer(cloud, station, folder):
    """``useDefaultDesktop`` absent in the catalogue does not mean ``False``."""
    CatalogueCopy(folder).write((CatalogueItem(product_id=GAME_ID, title="?"),))
    cloud.faults.add("cloud_500")
    with pytest.raises(CloudUnavailable):
        await Catalogue(station, folder).use_default_desktop(GAME_ID)


async def test_the_copy_is_fetched_once_a_day(cloud, catalogue, folder):
    """A younger one stays; an older one, or one from the future (the router's clock was wrong), is fetched anew."""
    await catalogue.refresh()
    await catalogue.refresh()
    assert len(asked(cloud, LIST)) == 1
    for seconds in (COPY_SECONDS + 1, -COPY_SECONDS - 60):
        age(folder, seconds)
        await catalogue.refresh()
    assert len(asked(cloud, LIST)) == 3


async def test_many_stations_fetch_one_copy(cloud, station, folder):
    """Five catalogues in one folder, asked at once: one download."""
    await asyncio.gather(*(Catalogue(station, folder).refresh() for _ in range(5)))
    assert len(asked(cloud, LIST)) == 1


@pytest.mark.parametrize("body", [b"[]", b"", b"{}", b"[{}]", b"<html>", b"shrunk"])
async def test_an_empty_or_broken_catalogue_leaves_the_old_copy(peer, raw, folder, body):
    """What is on disk is the last good one."""
    item = {"productId": str(GAME_ID), "title": "Игра\u2028one line", "useDefaultDesktop": True, "brandNew": {"a": [1]}}
    peer.body = json.dumps([{**item, "productId": str(uuid4())} for _ in range(9)] + [item]).encode()
    catalogue = Catalogue(raw, folder)
    await catalogue.refresh()
    age(folder, 2 * COPY_SECONDS)
    peer.body = json.dumps([item] * 4).encode() if body == b"shrunk" else body
    with pytest.raises(AnswerNotUnderstood):
        await catalogue.refresh()
    copy = CatalogueCopy(folder)
    assert len(copy.items()) == 10
    assert copy.items()[-1].model_dump(mode="json", by_alias=True, exclude_unset=True) == item
    assert copy.flag(GAME_ID) is True


async def test_a_failed_download_is_said_once_and_disturbs_nobody(peer, raw, folder, caplog):
    """The question is answered, the failure is one WARNING, the next look is quiet, the recovery is said."""
    product = json.dumps({"product_id": str(GAME_ID), "use_default_desktop": False}).encode()
    peer.bodies = {f"/server-manager/product/get/{GAME_ID}": ("200 OK", product), LIST: ("500 Oops", b"")}
    catalogue = Catalogue(raw, folder)
    good = json.dumps([{"productId": str(GAME_ID), "useDefaultDesktop": False}]).encode()
    for answer in (("500 Oops", b""), ("500 Oops", b""), ("200 OK", good)):
        peer.bodies[LIST] = answer
        catalogue._look_at = 0.0
        assert not await catalogue.use_default_desktop(GAME_ID)
        await catalogue._refreshing
    said = [(record.levelname, record.getMessage()[:20]) for record in caplog.records if "catalog" in record.name]
    assert said == [
        ("WARNING", "catalogue: not fetch"),
        ("DEBUG", "catalogue: not fetch"),
        ("INFO", "catalogue: fetched a"),
    ]


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"\n",
        b"garbage",
        b'{"version":1,"fetched":1,"count":3}\n{}\n',
        b'{"version":1,"fetched":1,"count":1}\n{}\n',
        b"\xff\xfe",
    ],
)
async def test_a_damaged_copy_is_fetched_anew(cloud, catalogue, folder, damage):
    """It answers nothing, it is removed, and the next look replaces it."""
    folder.mkdir()
    copy = CatalogueCopy(folder)
    copy.path.write_bytes(damage)
    assert copy.flag(GAME_ID) is None
    assert not copy.path.exists()
    await catalogue.refresh()
    assert copy.flag(GAME_ID) is False


async def test_a_copy_that_lost_its_end_is_damaged(catalogue, folder):
    """A missing line is noticed."""
    await catalogue.refresh()
    copy = CatalogueCopy(folder)
    copy.path.write_bytes(copy.path.read_bytes()[:-200])
    assert copy.items() == ()


async def test_the_download_ends_with_the_client(cloud, folder):
    """A catalogue that hangs keeps no task alive after ``close``, and its claim is given back."""
    cloud.faults.add("cloud_timeout")
    client = DrovaClient(SecretStr(STATION_TOKEN), base_url=cloud.url)
    catalogue = Catalogue(client, folder)
    await catalogue.use_default_desktop(DESKTOP_PRODUCT)
    await until(lambda: asked(cloud, LIST))
    await client.close()
    give_back = CatalogueCopy(folder).claim()
    give_back()


async def test_a_folder_that_cannot_be_written_disturbs_nobody(cloud, station, tmp_path, caplog):
    """The disk's refusal is said; the question is answered all the same."""
    (tmp_path / "file").write_bytes(b"")
    catalogue = Catalogue(station, tmp_path / "file" / "state")
    assert not await catalogue.use_default_desktop(GAME_ID)
    await catalogue._refreshing
    assert "catalogue: not fetched" in caplog.text


def test_a_title_that_is_no_text_does_not_spoil_the_copy(folder):
    """Half a surrogate pair in an unknown field is legal JSON and no legal UTF-8."""
    odd = CatalogueItem.model_validate({"productId": str(GAME_ID), "useDefaultDesktop": True, "brandNew": "\ud800"})
    copy = CatalogueCopy(folder)
    copy.write((odd,))
    assert copy.flag(GAME_ID) is True


@pytest.fixture
def tagged(cloud):
    """The cloud's catalogue has an ETag."""
    cloud.plan = replace(cloud.plan, etag=True)


async def test_a_catalogue_that_has_not_changed_is_not_sent_again(cloud, catalogue, folder, tagged):
    """The copy is a day younger, its games are the same; when one changes, all come anew."""
    await catalogue.refresh()
    copy = CatalogueCopy(folder)
    before, tag = copy.items(), copy.heading().etag
    assert tag
    age(folder, 2 * COPY_SECONDS)
    await catalogue.refresh()
    assert [one.status for one in asked(cloud, LIST)] == [200, 304]
    assert copy.items() == before
    assert (copy.heading().etag, copy.heading().fetched) == (tag, pytest.approx(time.time(), abs=60))
    cloud.world.products.pop(str(before[-1].product_id))
    age(folder, 2 * COPY_SECONDS)
    await catalogue.refresh()
    assert [one.status for one in asked(cloud, LIST)] == [200, 304, 200]
    assert len(copy.items()) == len(before) - 1


async def test_without_an_etag_nothing_is_asked_conditionally(peer, raw, folder):
    """And a "not changed" that nobody asked for is not understood."""
    peer.body = json.dumps([{"productId": str(GAME_ID), "title": "x"}]).encode()
    await Catalogue(raw, folder).refresh()
    assert "If-None-Match" not in peer.requests[0]
    peer.status, peer.body = "304 Not Modified", b""
    with pytest.raises(AnswerNotUnderstood, match="status 304"):
        await raw.catalogue()


async def test_a_damaged_copy_does_not_stay_by_its_etag(cloud, catalogue, folder, tagged):
    """It is fetched whole, whatever Drova says of its version."""
    await catalogue.refresh()
    copy = CatalogueCopy(folder)
    copy.path.write_bytes(copy.path.read_bytes()[:-200])
    age(folder, 2 * COPY_SECONDS)
    await catalogue.refresh()
    assert [one.status for one in asked(cloud, LIST)] == [200, 304, 200]
    assert len(copy.games()) == len(cloud.world.products)


async def test_games_are_looked_up_in_the_copy_and_without_one(cloud, station, catalogue, folder):
    """The same index from disk, from an old copy while Drova is down, and from the call alone."""
    fresh = await catalogue.games()
    assert fresh.title(GAME_ID)
    assert fresh.search(fresh.title(GAME_ID))[0].product_id == GAME_ID
    assert (await Catalogue(station, None).games()).games == fresh.games
    age(folder, 2 * COPY_SECONDS)
    cloud.faults.add("cloud_500")
    assert (await Catalogue(station, folder).games()).games == fresh.games
    with pytest.raises(CloudUnavailable):
        await Catalogue(station, folder / "elsewhere").games()


async def test_no_copy_is_not_no_games(cloud, catalogue, folder):
    """Another process is just fetching the first copy, or the disk refuses to keep one."""
    give_back = CatalogueCopy(folder).claim()
    assert len(await catalogue.games())
    give_back()
    (folder / "catalogue.lock").unlink()
    (folder / "catalogue.lock").mkdir()
    assert len(await catalogue.games())
    assert not CatalogueCopy(folder).path.exists()
    cloud.faults.add("cloud_down")
    with pytest.raises(CloudUnavailable):
        await catalogue.games()


def test_a_damaged_copy_that_may_not_be_removed_is_as_good_as_none():
    """Whoever may only read the gate's folder, or a disk that has become read-only: titles are no reason to end a command."""
    ours = os.geteuid()
    with tempfile.TemporaryDirectory() as name:
        copy = CatalogueCopy(Path(name))
        copy.path.write_bytes(b"no heading\n")
        Path(name).chmod(0o555)
        if ours == 0:
            os.seteuid(65534)
        try:
            assert (len(copy.games()), copy.items(), copy.flag(GAME_ID)) == (0, (), None)
            assert copy.path.exists()
        finally:
            os.seteuid(ours)
            Path(name).chmod(0o755)
