"""``python -m drova_gate.sim``: a simulated cloud and stations to point the gate at, until Ctrl-C.

Prints the settings of each station as an env file, and how to play a session by hand. Orders are taken over HTTP on the cloud's port:

::

    POST   /sim/session                  {"server": uuid, "product": uuid, "client_ip": text}, each may be left out
    POST   /sim/session/{uuid}/status    {"status": "ACTIVE"}, then "FINISHED" or "ABORTED"
    GET    /sim/state                    stations, sessions, faults, refused calls
    POST   /sim/fault/{name}             switch a fault on; DELETE switches it off
"""

import argparse
import asyncio
import signal
import sys
import uuid
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack

from drova_gate.sim.cloud import Cloud, CloudPlan
from drova_gate.sim.faults import FAULTS
from drova_gate.sim.plan import Costs, StationPlan
from drova_gate.sim.station import Station

__all__ = ["main"]

_OWNER = str(uuid.uuid5(uuid.NAMESPACE_DNS, "owner.drova-gate.invalid"))
_MERCHANT_TOKEN = "merchant-token"  # noqa: S105 - of a simulated account
_STATIONS_MOST = 200
"""More than one owner has, and few enough for one process."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the simulation until SIGINT or SIGTERM; the exit code."""
    options = _parser().parse_args(arguments)
    if options.list_faults:
        width = max(map(len, FAULTS))
        for fault in FAULTS.values():
            print(f"{fault.name:<{width}}  {fault.side:<8} {fault.line}")
        return 0
    try:
        asyncio.run(_serve(options))
    except OSError as error:
        print(f"simulator: cannot open its ports: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m drova_gate.sim",
        description="Serve a simulated Drova cloud and simulated stations on loopback, and print the settings for the gate.",
    )
    parser.add_argument(
        "--stations", type=_station_count, default=1, metavar="N", help=f"how many (1 to {_STATIONS_MOST}; default 1)"
    )
    parser.add_argument(
        "--fault",
        action="append",
        type=_fault,
        default=[],
        metavar="NAME",
        help="something that goes wrong; may be repeated",
    )
    parser.add_argument("--list-faults", action="store_true", help="list the faults and stop")
    parser.add_argument("--language", choices=("ru", "en"), default="ru", help="of Windows (default ru)")
    parser.add_argument(
        "--shell", choices=("cmd", "powershell"), default="cmd", help="that the SSH server starts (default cmd)"
    )
    parser.add_argument(
        "--speed", type=_speed, default=1.0, metavar="X", help="stations X times as fast as real ones (default 1)"
    )
    return parser


def _fault(name: str) -> str:
    fault = FAULTS.get(name)
    if fault is None:
        raise argparse.ArgumentTypeError(f"no fault {name!r}; see --list-faults")
    if fault.side == "script":
        raise argparse.ArgumentTypeError(f"{name}: is played by whoever drives the session; see drova_gate demo")
    return name


def _station_count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= _STATIONS_MOST:
        raise argparse.ArgumentTypeError(f"a number from 1 to {_STATIONS_MOST} expected")
    return int(text)


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0.01 <= speed <= 1000:
        raise argparse.ArgumentTypeError("a number from 0.01 to 1000 expected")
    return speed


def _plan(number: int, options: argparse.Namespace) -> StationPlan:
    """A station; its identity is the same in every run, so that a gate's state fits when the simulation is started again."""
    name = f"pc{number}"
    server, token = (str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{what}.{name}.invalid")) for what in ("server", "token"))
    usual = Costs()
    return StationPlan(
        name=name,
        language=options.language,
        shell=options.shell,
        registrations=((server, token, _OWNER),),
        costs=Costs(
            command=usual.command / options.speed,
            process=usual.process / options.speed,
            reboot=usual.reboot / options.speed,
            ready=usual.ready / options.speed,
        ),
        faults=frozenset(name for name in options.fault if FAULTS[name].side != "cloud"),
    )


async def _serve(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for wanted in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(wanted, stop.set)
    cloud_faults = frozenset(name for name in options.fault if FAULTS[name].side == "cloud")
    async with AsyncExitStack() as parts:
        cloud = await parts.enter_async_context(Cloud(CloudPlan(faults=cloud_faults)))
        cloud.add_merchant_token(_MERCHANT_TOKEN, _OWNER)
        running: list[tuple[StationPlan, Station]] = []
        for number in range(1, options.stations + 1):
            plan = _plan(number, options)
            [(server, token, owner)] = plan.registrations
            cloud.add_server(server, plan.name, owner, token=token)
            station = await parts.enter_async_context(Station(plan))
            cloud.station_faults.append(station.faults)
            running.append((plan, station))
        print("\n".join(_announcement(cloud, running, options.fault)), flush=True)
        await stop.wait()
        print("simulator: stopping", file=sys.stderr, flush=True)


def _announcement(cloud: Cloud, stations: Iterable[tuple[StationPlan, Station]], faults: Sequence[str]) -> list[str]:
    """What a person needs to use the simulation; every line that is no setting is a comment, so the text is an env file."""
    lines = ["# drova_gate simulator. One block for each station: the settings of one env file."]
    lines += [f"# fault {name}: {FAULTS[name].line}" for name in faults]
    for plan, station in stations:
        lines += [
            "",
            f"# station {plan.name}, Drova server {plan.registrations[-1][0]}",
            f"WINDOWS_HOST={station.host}",
            f"WINDOWS_SSH_PORT={station.ssh_port}",
            f"WINDOWS_LOGIN={plan.login}",
            f"WINDOWS_PASSWORD={plan.password}",
            f"# WINDOWS_HOST_KEY={station.host_key_fingerprint}",
            f"SHADOW_DEFENDER_PASSWORD={plan.shadow_password}",
            f"DROVA_TARGET_PORT={station.agent_port}",
            f"DROVA_API_URL={cloud.url}",
            f"# DROVA_TOKEN={_MERCHANT_TOKEN}",
        ]
    url = f"{cloud.url}/sim"
    return [
        *lines,
        "",
        "# Play a session by hand (server: which station; may be left out with one):",
        f"""#   curl -X POST {url}/session -d '{{"server": "..."}}'          begins one, prints its uuid""",
        f"""#   curl -X POST {url}/session/UUID/status -d '{{"status": "ACTIVE"}}'    then FINISHED or ABORTED""",
        f"#   curl {url}/state                         stations, sessions, faults, refused calls",
        f"#   curl -X POST {url}/fault/NAME            switches a fault on; -X DELETE switches it off; names: --list-faults",
        "# ready; Ctrl-C stops",
    ]


if __name__ == "__main__":
    sys.exit(main())
