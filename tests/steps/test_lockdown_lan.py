"""The house's network blocked around what the station needs: the ranges, the reading, and a whole preparation with it."""

from dataclasses import replace
from ipaddress import IPv4Address, ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated import linked
from step_targets import DATA
from test_apply import failed, guard, planned

from drova_gate.core.model import StepOutcome
from drova_gate.sim.windows.registry import Value
from drova_gate.steps.apply import prepare
from drova_gate.steps.lan import (
    NETWORKS,
    Neighbours,
    address_fault,
    around,
    listed_ranges,
    merged,
    ranges,
    read_neighbours,
    remote_fault,
)
from drova_gate.steps.lockdown import load_switches, read_lockdown
from drova_gate.steps.lockdown_switches import Lockdown

LAN_ON = '[[firewall_rule]]\nname = "no_lan"\nenabled = true\n'
ROUTER, GATE, OWN, DNS = (ip_address(f"192.168.1.{last}") for last in (1, 2, 20, 53))
KNOWN = Neighbours(frozenset({ROUTER}), frozenset({DNS}), frozenset({OWN}), GATE)

addresses = st.integers(0, 2**32 - 1).map(IPv4Address) | st.sampled_from(
    # Where a mistake by one shows: the ends of networks.
    [address for network in map(ip_network, NETWORKS) for address in (network[0], network[1], network[-1])]
)
networks = st.builds(
    lambda address, length: str(ip_network(f"{address}/{length}", strict=False)), addresses, st.integers(8, 32)
)


def lockdown_with(text: str) -> Lockdown:
    return read_lockdown("own.toml", text, load_switches(DATA / "lockdown.toml")).applied


def holds(written: tuple[str, ...], address: IPv4Address) -> bool:
    """Ranges read by another reader than the one that wrote them."""
    number = int(address)
    ends = [[int(ip_address(end)) for end in text.split("-")] for text in written]
    return any(end[0] <= number <= end[-1] for end in ends)


# -- pure ------------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.lists(networks, min_size=1, max_size=4), st.sets(addresses, max_size=5), addresses)
def test_ranges_hold_the_networks_without_the_holes(remote: list[str], left_out: set[IPv4Address], probe: IPv4Address):
    """No address that is left out is ever blocked, and everything else of the networks is."""
    written = ranges(remote, left_out)
    near = {IPv4Address(min(max(int(hole) + step, 0), 2**32 - 1)) for hole in left_out for step in (-1, 0, 1)}
    for address in near | left_out | {probe}:
        inside = any(address in ip_network(network) for network in remote)
        assert holds(written, address) == (inside and address not in left_out)


@settings(max_examples=40, deadline=None)
@given(st.lists(networks, min_size=1, max_size=4), st.sets(addresses, max_size=5))
def test_ranges_are_in_order_and_apart(remote: list[str], left_out: set[IPv4Address]):
    """No range touches the next one unless an address is left out between them: the fewest that say it."""
    found = merged(ranges(remote, left_out))
    assert len(found) == len(ranges(remote, left_out))
    assert list(found) == sorted(found)


def test_lan_without_the_router_and_the_gate():
    """The example of the house 192.168.1.0/24: everything private is blocked but these four."""
    lockdown, failures = around(lockdown_with(LAN_ON), KNOWN)
    (rule,) = (rule for rule in lockdown.rules if rule.name == "no_lan")
    assert failures == ()
    assert rule.remote == (
        "10.0.0.0-10.255.255.255",
        "169.254.0.0-169.254.255.255",
        "172.16.0.0-172.31.255.255",
        "192.168.0.0-192.168.1.0",
        "192.168.1.3-192.168.1.19",
        "192.168.1.21-192.168.1.52",
        "192.168.1.54-192.168.255.255",
    )


@pytest.mark.parametrize(
    ("neighbours", "reason"),
    [
        (None, "the station's own network settings cannot be read"),
        (replace(KNOWN, gateways=frozenset()), "the station's router is not to be seen"),
        (replace(KNOWN, gate=None), "does not say by which address it sees the gate"),
    ],
)
def test_a_lan_that_cannot_be_written_safely_is_left_out(neighbours: Neighbours | None, reason: str):
    """Without the router or the gate the rule would cut the station off: it fails with the reason, the other rules stay."""
    lockdown, failures = around(lockdown_with(LAN_ON), neighbours)
    assert [rule.name for rule in lockdown.rules] == ["no_file_shares", "no_discovery"]
    assert [(step.name, step.outcome, step.must) for step in failures] == [
        ("lockdown.no_lan", StepOutcome.FAILED, True)
    ]
    assert reason in failures[0].reason


def test_an_owner_who_names_the_addresses_is_trusted():
    """leave_out stands in for a router that the station does not show, and adds to one that it does."""
    lockdown = lockdown_with(LAN_ON + 'leave_out = ["192.168.1.5"]\n')
    for neighbours, spared in ((replace(KNOWN, gateways=frozenset()), ROUTER), (KNOWN, IPv4Address("192.168.1.5"))):
        resolved, failures = around(lockdown, neighbours)
        assert failures == ()
        written = next(rule.remote for rule in resolved.rules if rule.name == "no_lan")
        assert not holds(written, IPv4Address("192.168.1.5"))
        assert holds(written, spared) == (spared not in neighbours.spared | {IPv4Address("192.168.1.5")})


def test_other_rules_need_no_neighbours():
    """Ports for all addresses are blocked whatever is known of the station's network."""
    lockdown = load_switches(DATA / "lockdown.toml").applied
    assert around(lockdown, None) == (lockdown, ())


@pytest.mark.parametrize(
    ("listing", "same"),
    [
        ("RemoteIP:     10.0.0.0/8", ("10.0.0.0-10.255.255.255",)),
        ("RemoteIP:     10.0.0.0/255.0.0.0,192.168.1.3-192.168.1.9", ("10.0.0.0/8", "192.168.1.3-192.168.1.9")),
        ("Удаленный IP-адрес:   192.168.1.7/32,\r\n     192.168.1.9", ("192.168.1.7", "192.168.1.9")),
        ("RemoteIP:     192.168.1.128/25,192.168.1.0/25", ("192.168.1.0/24",)),
        ("RemoteIP:     fc00::/7", ("fc00::/7",)),
        ("RemoteIP:     Any\r\nProtocol: TCP\r\nRemotePort: 137,138", ()),
    ],
)
def test_addresses_are_read_however_netsh_writes_them(listing: str, same: tuple[str, ...]):
    """A mask, a prefix or a range are one and the same; ports are no addresses."""
    assert listed_ranges(listing) == merged(same)


def test_neighbours_are_read_from_the_registry():
    r"""Lists parted by blanks, commas and \0; "none" is no address; a persistent default route is a gateway, another one is not."""
    key = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters"
    answer = "\r\n".join(
        [
            "@@ begin neighbours",
            "",
            rf"{key}\Interfaces\{{1}}",
            "    DefaultGateway    REG_MULTI_SZ    192.168.1.1\\0192.168.1.254",
            "    NameServer    REG_SZ    192.168.1.53,9.9.9.9",
            "    IPAddress    REG_MULTI_SZ    192.168.1.20",
            "",
            rf"{key}\Interfaces\{{2}}",
            "    DhcpServer    REG_SZ    255.255.255.255",
            "    DhcpNameServer    REG_SZ    192.168.8.1 fe80::1",
            "    DhcpIPAddress    REG_SZ    0.0.0.0",
            "",
            rf"{key}\PersistentRoutes",
            "    0.0.0.0,0.0.0.0,192.168.9.1,-1    REG_SZ    ",
            "    10.9.0.0,255.255.0.0,192.168.9.7,1    REG_SZ    ",
            "@@ end neighbours",
            "@@ gate 192.168.1.2 50022 22",
        ]
    )
    found = read_neighbours(answer)
    assert found is not None
    assert {str(one) for one in found.gateways} == {"192.168.1.1", "192.168.1.254", "192.168.9.1"}
    assert {str(one) for one in found.servers} == {"192.168.1.53", "9.9.9.9", "192.168.8.1"}
    assert (found.own, found.gate) == (frozenset({OWN}), GATE)
    assert read_neighbours("@@ begin neighbours\r\n@@ end neighbours\r\n@@ gate %SSH_CLIENT%\r\n") is None


@pytest.mark.parametrize("text", ["lan", "10.0.0.5", "10.0.0.5-10.0.0.9", "192.168.0.0/16", "fc00::/7", "10.0.0.0/8"])
def test_remote_is_taken(text: str):
    assert remote_fault(text) == ""


@pytest.mark.parametrize(
    "text",
    ["LAN house", "10.0.0.9-10.0.0.5", "10.0.0.1-fe80::1", "0.0.0.0/0", "1.0.0.0-200.0.0.0", "10.0.0", "::/0", "a-b"],
)
def test_remote_is_refused(text: str):
    assert remote_fault(text) != ""


def test_left_out_is_one_address():
    assert address_fault("192.168.1.5") == ""
    assert address_fault("192.168.1.0/24") != ""


# -- the whole of it -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shell", "language"), [("cmd", "ru"), ("powershell", "en")])
async def test_lan_is_blocked_around_the_station_s_neighbours(shell: str, language: str):
    """Confirmed from netsh's own listing; neighbours are out of reach, router, DNS, gate and the internet are not."""
    async with linked(shell=shell, language=language) as (station, link):
        machine = station.machine
        adapter = r"HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters\Interfaces\{3}"
        machine.registry.set(adapter, "NameServer", Value("REG_SZ", str(DNS)))
        plan = await planned(link, recipes=(), lockdown=lockdown_with(LAN_ON))
        report = await prepare(link, guard(station), plan)
        assert (report.fault, failed(report)) == ("", {})
        assert "lockdown.no_lan" in {step.name for step in report.steps}

        def reaches(address: object, port: int = 8080) -> bool:
            return not machine.firewall.blocks("out", "tcp", str(address), local_port=50000, remote_port=port)

        assert [address for address in (ROUTER, GATE, OWN, DNS, "8.8.8.8") if not reaches(address)] == []
        assert [
            address for address in ("192.168.1.3", "192.168.1.255", "10.1.2.3", "172.20.0.1") if reaches(address)
        ] == []
        # Drova's and SSH's ports: nothing of ours ever looks at what comes in, from whomever.
        for port in (22, 7985, 7990):
            assert not machine.firewall.blocks("in", "tcp", "192.168.1.3", local_port=port, remote_port=50000)


async def test_lan_that_netsh_shrank_is_not_confirmed():
    """What reads back with other addresses is no success, whatever the exit code was."""
    async with linked() as (station, link):
        plan = await planned(link, recipes=(), lockdown=lockdown_with(LAN_ON))
        firewall = station.machine.firewall
        add = firewall.add
        firewall.add = lambda rule: add(replace(rule, remote_address=rule.remote_address.rpartition(",")[0] or "any"))  # type: ignore[method-assign]  # a firewall that loses the last range
        report = await prepare(link, guard(station), plan)
        assert failed(report) == {
            "lockdown.no_lan": "netsh does not list the rule: is the Windows Firewall service on?"
        }
        assert not report.prepared


async def test_station_that_hides_its_router_is_not_cut_off():
    """No gateway in its settings: the rule is not written at all, the step says what to write, the station is not prepared."""
    async with linked() as (station, link):
        machine = station.machine
        interfaces = r"HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters\Interfaces"
        for key in [path for path, _ in machine.registry.walk(interfaces)]:
            if machine.registry.get(key, "DhcpDefaultGateway"):
                machine.registry.delete_value(key, "DhcpDefaultGateway")
        report = await prepare(link, guard(station), await planned(link, recipes=(), lockdown=lockdown_with(LAN_ON)))
        assert list(failed(report)) == ["lockdown.no_lan"]
        assert "leave_out" in failed(report)["lockdown.no_lan"]
        assert not report.prepared
        assert not machine.firewall.blocks("out", "tcp", str(ROUTER), local_port=50000, remote_port=53)
        assert len(machine.firewall.named("drova_gate")) == 2
