"""Renewing a merchant token: once, kept before it is used, and never lost."""

import asyncio
import json
import logging
import stat
from pathlib import Path

import pytest
import pytest_asyncio
from cloud_peers import MERCHANT_TOKEN, SERVER, USER, until
from pydantic import SecretStr

from drova_gate.cloud.client import DrovaClient
from drova_gate.cloud.token import FileTokenKeeper
from drova_gate.errors import AnswerNotUnderstood, CloudUnauthorised, CloudUnavailable
from drova_gate.sim.cloud import CloudPlan

RENEW = "/token-verifier/renewProxyToken"
CONFIGURED = SecretStr(MERCHANT_TOKEN)


@pytest.fixture
def keeper(tmp_path: Path) -> FileTokenKeeper:
    return FileTokenKeeper(tmp_path / "state" / "token")


@pytest_asyncio.fixture
async def merchant(cloud, keeper):
    """A client with the merchant's token."""
    async with DrovaClient(CONFIGURED, base_url=cloud.url, keep_token=keeper) as client:
        yield client


def renewals(cloud):
    return [request for request in cloud.requests if request.path == RENEW]


async def test_a_stale_token_is_renewed_and_the_call_made_again(cloud, merchant, keeper):
    """401, renewal, the same call with the new token; the new token is on disk."""
    cloud.expire_token(MERCHANT_TOKEN)
    assert (await merchant.account()).uuid == USER
    assert [request.status for request in cloud.requests] == [401, 200, 200]
    assert keeper.load(CONFIGURED).get_secret_value() in cloud.world.tokens


async def test_a_token_that_runs_out_in_between_is_renewed(cloud, merchant):
    """The named fault passes without an error."""
    cloud.faults.add("cloud_401_once")
    assert await merchant.sessions(SERVER) == ()
    assert len(renewals(cloud)) == 1


async def test_twenty_calls_at_once_renew_once(cloud, merchant):
    """Single flight: one renewal for all of them, and all succeed."""
    cloud.expire_token(MERCHANT_TOKEN)
    answers = await asyncio.gather(*(merchant.account() for _ in range(20)))
    assert {answer.uuid for answer in answers} == {USER}
    assert len(renewals(cloud)) == 1


async def test_stations_that_share_a_token_renew_it_once(cloud, keeper):
    """Three clients with one token and one file: one renewal, all three go on."""
    cloud.expire_token(MERCHANT_TOKEN)
    clients = [DrovaClient(CONFIGURED, base_url=cloud.url, keep_token=FileTokenKeeper(keeper.path)) for _ in range(3)]
    try:
        answers = await asyncio.gather(*(client.account() for client in clients))
    finally:
        for client in clients:
            await client.close()
    assert {answer.uuid for answer in answers} == {USER}
    assert len(renewals(cloud)) == 1


async def test_the_new_token_is_kept_before_it_is_used(cloud, keeper):
    """At the moment of saving, no call has been made with the new token yet."""

    class Watched(FileTokenKeeper):
        def save(self, configured, renewed):
            seen.append([request.status for request in cloud.requests])
            super().save(configured, renewed)
            assert self.path.exists()

    seen = []
    cloud.expire_token(MERCHANT_TOKEN)
    async with DrovaClient(CONFIGURED, base_url=cloud.url, keep_token=Watched(keeper.path)) as client:
        await client.account()
    assert seen == [[401, 200]]


async def test_the_renewed_token_is_used_after_a_restart(cloud, merchant, keeper):
    """The next life begins with the token on disk: no 401, no renewal."""
    cloud.expire_token(MERCHANT_TOKEN)
    await merchant.account()
    cloud.requests.clear()
    async with DrovaClient(CONFIGURED, base_url=cloud.url, keep_token=FileTokenKeeper(keeper.path)) as client:
        await client.account()
    assert [request.status for request in cloud.requests] == [200]


async def test_a_renewal_goes_on_when_its_call_is_given_up(cloud, merchant, keeper):
    """A cancelled call does not lose the token that the cloud has issued meanwhile."""
    cloud.expire_token(MERCHANT_TOKEN)
    cloud.plan = CloudPlan(latency=0.05)
    call = asyncio.create_task(merchant.account())
    await until(lambda: renewals(cloud))
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await merchant.close()
    assert keeper.load(CONFIGURED) is not None


async def test_a_renewed_token_that_is_refused_is_a_matter_for_the_owner(cloud, merchant):
    """One renewal, one more try, then 401 is said."""
    cloud.faults.add("cloud_401")
    with pytest.raises(CloudUnauthorised, match="answered 401"):
        await merchant.sessions(SERVER)
    assert [request.status for request in cloud.requests] == [401, 200, 401]


async def test_a_renewal_that_is_refused_says_what_to_do(cloud, merchant):
    """A token that was renewed elsewhere cannot be renewed again."""
    cloud.world.renew(MERCHANT_TOKEN)
    with pytest.raises(CloudUnauthorised, match=r"cannot be renewed any more .*; take a new one from the QR code"):
        await merchant.account()


async def test_a_disk_that_keeps_nothing_does_not_lose_the_session(cloud, caplog, keeper):
    """The new token is used all the same, and the owner is told that a restart would lose it."""

    class Full(FileTokenKeeper):
        def save(self, configured, renewed):
            raise OSError(28, "No space left on device")

    cloud.expire_token(MERCHANT_TOKEN)
    async with DrovaClient(CONFIGURED, base_url=cloud.url, keep_token=Full(keeper.path)) as client:
        answers = await asyncio.gather(*(client.account() for _ in range(20)))
    assert {answer.uuid for answer in answers} == {USER}
    assert len(renewals(cloud)) == 1
    assert "No space left" in "".join(
        record.getMessage() for record in caplog.records if record.levelno == logging.ERROR
    )


async def test_a_renewal_that_hangs_elsewhere_is_waited_for_and_then_said(cloud, keeper):
    """Another process that holds the claim for ever does not hold us for ever."""
    cloud.expire_token(MERCHANT_TOKEN)
    give_back = keeper.claim()
    async with DrovaClient(CONFIGURED, base_url=cloud.url, keep_token=keeper, timeout=0.1) as client:
        with pytest.raises(CloudUnavailable, match="another client is renewing"):
            await client.account()
    give_back()


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        ("200 OK", b"", AnswerNotUnderstood),
        ("200 OK", b"{}", AnswerNotUnderstood),
        ("200 OK", b'{"proxyToken":""}', AnswerNotUnderstood),
        ("200 OK", b'{"proxyToken":{"secret":"renewed-token-1"}}', AnswerNotUnderstood),
        ("200 OK", b'{"proxyToken":"renewed-token-1","verificationStatus":"expired"}', CloudUnauthorised),
        ("400 Bad Request", b'{"message":"no merchant-token-9e3a77d1f0b2"}', CloudUnauthorised),
        ("403 Forbidden", b"", CloudUnauthorised),
        ("404 Not Found", b"", CloudUnauthorised),
        ("500 Oops", b"", CloudUnavailable),
    ],
)
async def test_each_answer_to_a_renewal_has_its_reaction(peer, keeper, status, body, error):
    """Refused is for the owner, trouble is for later; the token is in no text."""
    peer.bodies = {"/accounting/myaccount": ("401 Unauthorized", b""), RENEW: (status, body)}
    async with DrovaClient(CONFIGURED, base_url=peer.url, keep_token=keeper, timeout=1) as client:
        with pytest.raises(error) as caught:
            await client.account()
    assert RENEW in str(caught.value)
    chain = f"{caught.value!r}{caught.value.__cause__!r}{caught.value.__context__!r}{caught.value}"
    assert MERCHANT_TOKEN not in chain
    assert "renewed-token" not in chain
    assert not keeper.path.exists()


async def test_a_renewal_carries_the_old_token_in_its_body_only(peer, keeper):
    """Exactly the documented form, and the new token in the next call's header."""
    account = json.dumps({"uuid": str(USER)}).encode()
    peer.bodies = {RENEW: ("200 OK", b'{"proxyToken":"renewed-token-2"}'), "/accounting/myaccount": ("200 OK", account)}
    async with DrovaClient(CONFIGURED, base_url=peer.url, keep_token=keeper, timeout=1) as client:
        await client.renew_token()
        await client.account()
    renewal, call = peer.requests
    assert renewal.endswith(json.dumps({"proxy_token": MERCHANT_TOKEN}))
    assert "X-Auth-Token" not in renewal
    assert "X-Auth-Token: renewed-token-2" in call


# -- the file --------------------------------------------------------------------------------------------------------


def test_the_file_is_the_owners_alone(keeper):
    """Mode 0600, nothing left beside it but the lock."""
    keeper.save(CONFIGURED, SecretStr("renewed-token-3"))
    assert stat.S_IMODE(keeper.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(keeper.path.parent.stat().st_mode) == 0o700
    assert [path.name for path in keeper.path.parent.iterdir()] == ["token"]
    assert keeper.load(CONFIGURED).get_secret_value() == "renewed-token-3"


def test_a_token_that_the_owner_configures_anew_wins(keeper):
    """What descends from another token is not used; the configured one itself is not written to the file."""
    keeper.save(CONFIGURED, SecretStr("renewed-token-3"))
    assert keeper.load(SecretStr("another-configured-token")) is None
    assert MERCHANT_TOKEN.encode() not in keeper.path.read_bytes()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"17",
        b"\xff",
        b'{"version":1}',
        b'{"version":9,"configured_sha256":"","token":"x"}',
        b'{"version":1,"configured_sha256":"","token":""}',
        b'{"version":1,"configured_sha256":"\xc3\xa9","token":"x"}',
    ],
)
def test_a_damaged_file_is_as_good_as_none(keeper, content):
    """No crash, and the configured token is used."""
    keeper.path.parent.mkdir()
    keeper.path.write_bytes(content)
    assert keeper.load(CONFIGURED) is None


def test_a_failed_save_leaves_the_old_token(keeper, monkeypatch):
    """Whole or not at all."""
    keeper.save(CONFIGURED, SecretStr("renewed-token-3"))

    def fails(_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("os.fsync", fails)
    with pytest.raises(OSError, match="Input/output"):
        keeper.save(CONFIGURED, SecretStr("renewed-token-4"))
    assert [path.name for path in keeper.path.parent.iterdir()] == ["token"]
    assert keeper.load(CONFIGURED).get_secret_value() == "renewed-token-3"


def test_a_claim_is_for_one_at_a_time(keeper):
    """The second has to wait until the first gives it back."""
    first = keeper.claim()
    assert keeper.claim() is None
    first()
    second = keeper.claim()
    second()
