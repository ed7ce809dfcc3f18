"""The simulated firewall: what netsh takes and shows, where Windows keeps it, and which connections it drops."""

import pytest
from test_programs import Desk

from drova_gate.sim.windows import addresses
from drova_gate.sim.windows.firewall import Rule

ADD = 'netsh advfirewall firewall add rule name="x" dir=out action=block'
RULES_KEY = r"HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules"


@pytest.mark.parametrize(
    ("given", "listed"),
    [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("10.0.0.0/255.0.0.0", "10.0.0.0/8"),
        ("10.0.0.0-10.255.255.255", "10.0.0.0/8"),
        ("192.168.0.2-192.168.0.254,10.1.2.3", "192.168.0.2-192.168.0.254,10.1.2.3/32"),
        ("LocalSubnet,dns", "LocalSubnet,DNS"),
        ("fc00::/7", "fc00::/7"),
    ],
)
async def test_addresses_are_listed_in_windows_own_form(given: str, listed: str):
    """A subnet shows with its prefix however it was written; keywords with their capitals."""
    desk = Desk("english_windows")
    assert await desk.run(f"{ADD} protocol=any remoteip={given}") == 0
    assert await desk.run('netsh advfirewall firewall show rule name="x"') == 0
    (line,) = (line for line in desk.out.splitlines() if line.startswith("RemoteIP:"))
    assert line.split() == ["RemoteIP:", listed]


@pytest.mark.parametrize(
    "words",
    [
        "remoteip=10.0.0.0/33",
        "remoteip=10.0.0.9-10.0.0.1",
        "remoteip=10.0.0.1-fe80::1",
        "remoteip=lan",
        "remoteip=10.0.0.1,",
        "remoteip=any,10.0.0.1",
        'remoteip="10.0.0.1, 10.0.0.2"',
        "remoteip=10.0.0.1 remoteport=445",
        "protocol=TCP remoteport=139,445,",
        "protocol=TCP remoteport=70000",
        "protocol=TCP remoteport=9-5",
        "protocol=XYZ",
        "profile=home",
        "enable=maybe",
    ],
)
async def test_what_netsh_does_not_take_changes_nothing(words: str):
    desk = Desk()
    assert await desk.run(f"{ADD} {words}") == 1
    assert desk.machine.firewall.named("x") == []


async def test_registry_holds_the_rules():
    """What netsh adds, switches and deletes stands in the registry at once, and a reset takes it away with the rest."""
    desk = Desk()
    registry = desk.machine.registry

    def held(part: str) -> list[str]:
        return [str(value.data) for _, value in registry.key(RULES_KEY).values.values() if part in str(value.data)]

    assert len(held("EmbedCtxt=@FirewallAPI.dll,-32752|")) == 24
    desk.machine.shadow.enter("C", now=True)
    await desk.run(f"{ADD} protocol=TCP remoteport=445 remoteip=10.0.0.1-10.0.0.9")
    assert held("Name=x|") == [
        "v2.31|Action=Block|Active=TRUE|Dir=Out|Protocol=6|RPort=445|RA4=10.0.0.1-10.0.0.9|Name=x|"
    ]
    await desk.run('netsh advfirewall firewall set rule group="@FirewallAPI.dll,-32752" new enable=no')
    assert all("Active=FALSE" in rule for rule in held("EmbedCtxt=@FirewallAPI.dll,-32752|"))
    await desk.run('netsh advfirewall firewall delete rule name="x"')
    assert held("Name=x|") == []
    desk.machine.shadow.exit("C", now=False)
    desk.machine.boot()
    assert all("Active=TRUE" in rule for rule in held("EmbedCtxt=@FirewallAPI.dll,-32752|"))


def test_one_block_beats_every_allow():
    """Windows decides by the action, not by order or by how narrow a rule is; a switched-off rule decides nothing."""
    firewall = Desk().machine.firewall
    firewall.add(Rule("all", "out", "block", remote_address="192.168.0.0/16"))
    firewall.add(Rule("router", "out", "allow", remote_address="192.168.1.1"))
    out = {"local_port": 50000, "remote_port": 53}
    assert firewall.blocks("out", "udp", "192.168.1.1", **out)
    assert not firewall.blocks("out", "udp", "8.8.8.8", **out)
    assert not firewall.blocks("in", "tcp", "192.168.1.1", local_port=22, remote_port=50000)
    firewall.delete(firewall.named("all"))
    firewall.add(Rule("off", "out", "block", enabled=False))
    assert not firewall.blocks("out", "udp", "192.168.1.1", **out)


def test_ports_and_protocol_narrow_a_rule():
    firewall = Desk().machine.firewall
    firewall.add(Rule("smb", "out", "block", protocol="tcp", remote_port="139,445,5000-5010"))
    for port, blocked in ((445, True), (446, False), (5005, True), (5011, False)):
        assert firewall.blocks("out", "tcp", "10.0.0.1", local_port=50000, remote_port=port) is blocked
    assert not firewall.blocks("out", "udp", "10.0.0.1", local_port=50000, remote_port=445)


def test_cover_knows_the_ends_of_a_range():
    for address, inside in (("10.0.0.1", True), ("10.0.0.9", True), ("10.0.0.0", False), ("10.0.0.10", False)):
        assert addresses.covers("10.0.0.1-10.0.0.9,LocalSubnet", address) is inside
    assert not addresses.covers("10.0.0.0/8", "fe80::1")
