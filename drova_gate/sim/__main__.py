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
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

from drova_gate.sim import cloud_past
from drova_gate.sim.cloud import Cloud, CloudPlan
from drova_gate.sim.faults import ACCOUNT_FAULTS, FAULTS
from drova_gate.sim.plan import Costs, StationPlan
from drova_gate.sim.station import Station

__all__ = ["main"]

_OWNER = str(uuid.uuid5(uuid.NAMESPACE_DNS, "owner.drova-gate.invalid"))
_MERCHANT_TOKEN = "merchant-token"  # noqa: S105 - of a simulated account
_STATIONS_MOST = 200
"""More than one owner has, and few enough for one process."""
_SESSIONS_MOST = 5000
"""Of each station; the real list ends at 1000."""
_CATALOGUE_USUAL, _CATALOGUE_MOST = 120, 2000
_ANY_FAULT = {**FAULTS, **ACCOUNT_FAULTS}
_PLAYING = 0.4
"""Share of the stations without a PC on which somebody plays."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the simulation until SIGINT or SIGTERM; the exit code."""
    options = _parser().parse_args(arguments)
    if options.list_faults:
        width = max(map(len, _ANY_FAULT))
        for fault in _ANY_FAULT.values():
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
        "--stations",
        type=_between(1, _STATIONS_MOST),
        default=1,
        metavar="N",
        help=f"how many (1 to {_STATIONS_MOST}; default 1)",
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
    _add_account(parser)
    parser.add_argument(
        "--speed", type=_speed, default=1.0, metavar="X", help="stations X times as fast as real ones (default 1)"
    )
    return parser


def _add_account(parser: argparse.ArgumentParser) -> None:
    account = parser.add_argument_group("the owner's account")
    account.add_argument(
        *("--history",),
        type=_between(0, _SESSIONS_MOST),
        default=0,
        metavar="N",
        help="past sessions of each station, with games, players, scores and income (default 0)",
    )
    account.add_argument(
        *("--cloud-only",),
        type=_between(0, _STATIONS_MOST),
        default=0,
        metavar="N",
        help="further stations that only the cloud knows, without a PC to log in to; some are busy, off or hidden (default 0)",
    )
    account.add_argument(
        *("--catalogue",),
        type=_between(1, _CATALOGUE_MOST),
        default=_CATALOGUE_USUAL,
        metavar="N",
        help=f"games in the catalogue (default {_CATALOGUE_USUAL}; the real one has about a thousand)",
    )
    account.add_argument(
        "--odd-names", action="store_true", help="stations and reviews with emoji, HTML and formulas in their texts"
    )
    account.add_argument(
        "--merchant",
        action="store_true",
        help="print the owner's token as a setting, for drova_gate stations and the like",
    )


def _fault(name: str) -> str:
    fault = _ANY_FAULT.get(name)
    if fault is None:
        raise argparse.ArgumentTypeError(f"no fault {name!r}; see --list-faults")
    if fault.side == "script":
        raise argparse.ArgumentTypeError(f"{name}: is played by whoever drives the session; see drova_gate demo")
    return name


def _between(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"a number from {least} to {most} expected")
        return int(text)

    return number


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
        faults=frozenset(name for name in options.fault if _ANY_FAULT[name].side != "cloud"),
    )


async def _serve(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for wanted in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(wanted, stop.set)
    cloud_faults = frozenset(name for name in options.fault if _ANY_FAULT[name].side == "cloud")
    async with AsyncExitStack() as parts:
        cloud = await parts.enter_async_context(Cloud(CloudPlan(catalogue=options.catalogue, faults=cloud_faults)))
        cloud.add_merchant_token(_MERCHANT_TOKEN, _OWNER)
        running: list[tuple[StationPlan, Station]] = []
        for number in range(1, options.stations + 1):
            plan = _plan(number, options)
            [(server, token, owner)] = plan.registrations
            cloud.add_server(server, plan.name, owner, token=token)
            station = await parts.enter_async_context(Station(plan))
            cloud.station_faults.append(station.faults)
            running.append((plan, station))
        _fill(cloud, options)
        print("\n".join(_announcement(cloud, running, options)), flush=True)
        await stop.wait()
        print("simulator: stopping", file=sys.stderr, flush=True)


def _fill(cloud: Cloud, options: argparse.Namespace) -> None:
    """Give the account what was asked for; on stations with a PC nobody plays yet."""
    with_pc = list(cloud.servers.values())
    if options.history:
        cloud_past.add_games(cloud.world, with_pc)
        cloud_past.add_past(cloud.world, with_pc, options.history, odd_texts=options.odd_names)
    cloud.fill(
        _OWNER,
        stations=options.cloud_only,
        sessions=options.history,
        playing=_PLAYING,
        odd_names=options.odd_names,
        seed=1,
    )


def _announcement(
    cloud: Cloud, stations: Sequence[tuple[StationPlan, Station]], options: argparse.Namespace
) -> list[str]:
    """What a person needs to use the simulation; every line that is no setting is a comment, so the text is an env file."""
    lines = ["# drova_gate simulator. One block for each station: the settings of one env file."]
    lines += [f"# fault {name}: {_ANY_FAULT[name].line}" for name in options.fault]
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
            f"{'' if options.merchant else '# '}DROVA_TOKEN={_MERCHANT_TOKEN}",
        ]
    if alone := len(cloud.servers) - len(stations):
        lines += ["", f"# and {alone} stations that only the cloud knows"]
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
