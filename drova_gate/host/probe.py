"""Whether a TCP port takes connections."""

import asyncio
from contextlib import suppress

__all__ = ["port_open"]


async def port_open(host: str, port: int, timeout: float) -> bool:
    """Connect and hang up at once; ``False`` when refused, unreachable or silent for ``timeout`` seconds."""
    try:
        async with asyncio.timeout(timeout):
            _, writer = await asyncio.open_connection(host, port)
    except OSError:  # TimeoutError is one of them
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True
