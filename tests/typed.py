"""An owner's command as he types it: in a thread of this process, so that what is simulated answers from the test's own loop."""

import asyncio
import contextlib
import io

import pytest

from drova_gate.cli import main
from drova_gate.cli.speech import spoken

__all__ = ["typed"]


async def typed(*words: object, stdin: str = "", **environment: str) -> tuple[int, str, str]:
    """Run it in English, with no setting but those given; its exit code, what it printed and what it complained of."""

    def command() -> int:
        try:
            return main([str(word) for word in words])
        except SystemExit as end:
            return int(end.code or 0)

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.MonkeyPatch.context() as patched:
        patched.setattr("sys.stdin", io.StringIO(stdin))
        for name in ("DROVA_TOKEN", "DROVA_STATE_DIR", "DROVA_API_URL", "ENV_LOCATION"):
            patched.delenv(name, raising=False)
        for name, value in ({"DROVA_LANG": "en"} | environment).items():
            patched.setenv(name, value)
        spoken.cache_clear()
        async with asyncio.timeout(30):
            code = await asyncio.to_thread(command)
    spoken.cache_clear()
    return code, out.getvalue(), err.getvalue()
