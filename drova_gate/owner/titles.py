"""What games are called: from the catalogue's copy on disk, else from Drova, else their ids."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

from drova_gate.cloud.catalog import Catalogue
from drova_gate.cloud.catalogue_copy import CatalogueCopy
from drova_gate.cloud.client import DrovaClient
from drova_gate.cloud.models import DESKTOP_PRODUCT
from drova_gate.errors import GateError
from drova_gate.owner.asking import ask_all
from drova_gate.vocabulary import DESKTOP_TITLE

__all__ = ["titles_of"]

ASKED_SINGLY = 4
"""Unknown games up to which each is asked for; for more the whole catalogue costs no more, and is kept."""


async def titles_of(products: Iterable[UUID], client: DrovaClient, state_dir: Path) -> dict[UUID, str]:
    """Name every product; never an error, for a list of sessions is worth reading without titles too."""
    wanted = dict.fromkeys(products)
    titles = {one: DESKTOP_TITLE for one in wanted if one == DESKTOP_PRODUCT}
    copied = await asyncio.to_thread(CatalogueCopy(state_dir).games)
    titles |= {one: title for one in wanted if one not in titles and (title := copied.title(one))}
    missing = [one for one in wanted if one not in titles]
    if len(missing) > ASKED_SINGLY:
        try:
            fetched = await Catalogue(client, state_dir).games()
        except GateError:
            pass
        else:
            titles |= {one: title for one in missing if (title := fetched.title(one))}
            missing = [one for one in missing if one not in titles]
    if len(missing) <= ASKED_SINGLY:
        for product, answer in zip(missing, await ask_all(missing, client.product), strict=True):
            if not isinstance(answer, GateError) and answer.title:
                titles[product] = answer.title
    return {one: titles.get(one, str(one)) for one in wanted}
