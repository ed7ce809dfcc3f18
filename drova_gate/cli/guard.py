"""``drova_gate run``, ``poll`` and ``socket``: the guard itself."""

import argparse
import logging
import os
from pathlib import Path

from drova_gate.cli.light import go_light
from drova_gate.cli.surroundings import read_settings, run_loop, state_dir_of
from drova_gate.config import Mode
from drova_gate.settings import SETTINGS

__all__ = ["add"]


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    for name, mode, text in (
        (
            "run",
            Mode.RUN,
            "guard all stations of DROVA_CONFIG (or the one of the settings), each as its own settings say",
        ),
        ("poll", Mode.POLL, "guard the station, learning of sessions from the cloud"),
        ("socket", Mode.SOCKET, "guard the station and relay its players on DROVA_SOCKET_LISTEN"),
    ):
        command = commands.add_parser(
            name,
            help=text,
            description=text,
            epilog=f"Example: drova_gate {name} --env /etc/drova_gate/pc1.env\n\n{_settings_help()}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_argument("--env", type=Path, help="read the settings from this file (instead of ENV_LOCATION)")
        command.set_defaults(command=_guard, mode=mode)


def _settings_help() -> str:
    width = max(len(setting.name) for setting in SETTINGS)
    lines = [
        f"  {setting.name:<{width}}  {setting.meaning}" + (f" [{setting.default}]" if setting.default else "")
        for setting in SETTINGS
    ]
    return "settings (environment, file, systemd credentials):\n" + "\n".join(lines)


def _guard(options: argparse.Namespace) -> int:
    go_light()
    config = read_settings(options.mode, options.env)
    # Late: the SSH and HTTP libraries take a second to import on a router, and a settings fault should not wait for them.
    from drova_gate.daemon import Process, run  # noqa: PLC0415
    from drova_gate.logs import configure_logging  # noqa: PLC0415

    configure_logging(config.log_format, config.log_level, under_systemd="JOURNAL_STREAM" in os.environ)
    runtime = os.environ.get("RUNTIME_DIRECTORY", "")
    watchdog = os.environ.get("WATCHDOG_USEC", "")
    process = Process(
        state_dir=state_dir_of(config),
        notify_socket=os.environ.get("NOTIFY_SOCKET"),
        watchdog_seconds=int(watchdog) / 1e6 if watchdog.isdigit() else None,
        runtime_dir=Path(runtime.split(":")[0]) if runtime else None,
        read_again=lambda: read_settings(options.mode, options.env),
    )

    async def guard() -> None:
        await run(config, process)
        # All is closed and written. A name look-up that gets no answer (the line is down) sits in a thread that cannot be stopped,
        # and Python would wait for it: 20 s, while the owner or systemd waits for us.
        logging.shutdown()
        os._exit(0)

    run_loop(guard)
    return 0
