"""The calls about stations: what they are, and what the owner says of them. Every write is read back."""

from uuid import UUID

from drova_gate.cloud.answers import Answer, about, names, not_confirmed, read_json, reading_back, several, single
from drova_gate.cloud.calls import Calls, word
from drova_gate.cloud.models import Endpoint, Server
from drova_gate.errors import CloudRefused

__all__ = ["StationCalls"]

SERVERS_PATH = "/server-manager/servers"
IN_THE_CABINET = "look in the cabinet whether it can be changed there"


class StationCalls(Calls):
    """The owner's stations."""

    async def servers(self, user_id: UUID) -> tuple[Server, ...]:
        """All stations of an account; one that cannot be read is left out and said."""
        return several(await self._read(SERVERS_PATH, user_id=user_id), Server)

    async def server(self, server_id: UUID, user_id: UUID) -> Server:
        """One station."""
        _, found = await self._server(server_id, user_id)
        return found

    async def server_names(self) -> dict[UUID, str]:
        """What the owner's stations are called."""
        return names(await self._read(f"{SERVERS_PATH}/server_names"))

    async def endpoints(self, server_id: UUID, limit: int = 100) -> tuple[Endpoint, ...]:
        """The addresses of a station, its agent's own and those that the owner set; none for one that never started."""
        path = f"/server-manager/serverendpoint/list/{server_id}"
        return several(await self._read(path, server_id=server_id, limit=limit), Endpoint)

    async def set_published(self, server_id: UUID, user_id: UUID, *, visible: bool) -> None:
        """Show the station in the catalogue or hide it, and read it back; ``NotConfirmed`` if it reads otherwise."""
        # ``true`` shows: live samples say so, against the first description of the API. No body: as the live sample.
        write = await self._write("POST", f"{SERVERS_PATH}/{server_id}/set_published/{word(visible)}")
        read, found = await self._server(server_id, user_id, after=write)
        if found.published is not visible:
            state = "shown" if found.published else "hidden"
            not_confirmed(write, read, f"the station still reads as {state}", IN_THE_CABINET)

    async def set_allow_desktop(self, server_id: UUID, user_id: UUID, *, allowed: bool) -> None:
        """Let players have the station's desktop or not, and read it back; ``NotConfirmed`` if it reads otherwise."""
        write = await self._write("POST", f"{SERVERS_PATH}/{server_id}/set_allow_desktop/{word(allowed)}", body={})
        read, found = await self._server(server_id, user_id, after=write)
        if found.allow_desktop is not allowed:
            not_confirmed(write, read, f"allow_desktop reads as {_said(found.allow_desktop)}", IN_THE_CABINET)

    async def set_updates(self, server_id: UUID, user_id: UUID, *, allowed: bool) -> None:
        """Let Drova update the station or not, and read it back; ``NotConfirmed`` if it reads otherwise."""
        # The API knows the inverse, ``disable_updates``; the cabinet shows it as "updates".
        write = await self._write(
            "POST", f"{SERVERS_PATH}/{server_id}/set_disable_updates/{word(not allowed)}", body={}
        )
        read, found = await self._server(server_id, user_id, after=write)
        if found.disable_updates is not (not allowed):
            not_confirmed(write, read, f"disable_updates reads as {_said(found.disable_updates)}", IN_THE_CABINET)

    async def describe(
        self, server_id: UUID, user_id: UUID, *, name: str | None = None, description: str | None = None
    ) -> Server:
        """Set a station's name, its description (HTML) or both, and read them back; what is not given stays as it is."""
        # The API erases whichever of the two is not sent.
        if name is None or description is None:
            read, _ = await self._server(server_id, user_id)
            name = _kept(read, "name") if name is None else name
            description = _kept(read, "description") if description is None else description
        body = {"name": name, "description": description}
        write = await self._write("PUT", f"{SERVERS_PATH}/{server_id}", body=body)
        read, found = await self._server(server_id, user_id, after=write)
        other = [field for field in body if _kept(read, field) != body[field]]
        if other:
            not_confirmed(write, read, f"not as asked: {', '.join(other)}", IN_THE_CABINET)
        return found

    async def _server(self, server_id: UUID, user_id: UUID, after: Answer | None = None) -> tuple[Answer, Server]:
        with reading_back(after):
            answer = await self._read(f"{SERVERS_PATH}/{server_id}", user_id=user_id)
            found = single(answer, Server)
            about(answer, "uuid", found.uuid, server_id)
        return answer, found


def _kept(answer: Answer, field: str) -> str:
    """Return a text of the station as it is; one of an unknown form must not be sent back as something else."""
    value = read_json(answer).get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        fact = f"the station's {field} is no text{answer.mark}, and would be lost"
        raise CloudRefused(answer.subject, fact, "nothing was sent; give the name and the description")
    return value


def _said(value: bool | None) -> str:  # noqa: FBT001 - it is the value itself
    return "unknown" if value is None else word(value)
