"""The calls about sessions."""

import asyncio
from uuid import UUID, uuid4

from drova_gate.cloud.answers import all_sessions, own_sessions
from drova_gate.cloud.calls import Calls
from drova_gate.cloud.models import Session
from drova_gate.errors import AnswerNotUnderstood, CloudForbidden, CloudRefused

__all__ = ["SESSIONS_MOST", "SESSIONS_PATH", "SessionCalls"]

SESSIONS_PATH = "/session-manager/sessions"
SESSIONS_MOST = 1000
"""The most that the API lists at once; there is no second page."""
READ_BESIDE = 100
"""Rows from which a list is read in a thread: players' bytes pass through the loop, and a thousand rows take a router a second."""


class SessionCalls(Calls):
    """Who played, and who plays."""

    # Neither ``status`` nor ``state`` is sent: whether the API filters by them, and under which name, is not known.

    async def sessions(self, server_id: UUID, limit: int = 10) -> tuple[Session, ...]:
        """A station's newest sessions, newest first; an answer that might hide one of them is an error."""
        answer = await self._read(SESSIONS_PATH, server_id=server_id, limit=limit)
        if limit < READ_BESIDE:
            own, foreign = own_sessions(answer, server_id)
        else:
            own, foreign = await asyncio.to_thread(own_sessions, answer, server_id)
        if foreign and foreign + len(own) >= limit and limit < SESSIONS_MOST:
            # The API did not go by server_id, so others may have pushed this station's sessions out of the list.
            answer = await self._read(SESSIONS_PATH, server_id=server_id, limit=SESSIONS_MOST)
            own, _ = own_sessions(answer, server_id)
        return own[:limit]

    async def merchant_sessions(self, merchant_id: UUID, limit: int = SESSIONS_MOST) -> tuple[Session, ...]:
        """The newest sessions on all stations of a merchant, newest first; ``limit`` of them hide whatever is older."""
        return all_sessions(await self._read(SESSIONS_PATH, merchant_id=merchant_id, limit=limit))

    async def bound_to(self) -> UUID | None:
        """The station whose own token this seems to be: such a token is told that one's sessions whatever is asked for.

        ``None``: nothing speaks for it, which is no proof: the station may not have had a session yet.
        """
        nobodys = uuid4()
        try:
            found = all_sessions(await self._read(SESSIONS_PATH, server_id=nobodys, limit=1))
        except (CloudForbidden, CloudRefused, AnswerNotUnderstood):
            return None  # it goes by the station that is asked for, and knows none of that id
        return found[0].server_id if found else None
