"""The simulated cloud's answers beside sanitised live ones (the folder GATE_API_SAMPLES): the same names, the same types."""

import json
import os
from pathlib import Path

import pytest
from test_cloud import MERCHANT, OWNER, PC1, two_stations

from drova_gate.sim.cloud import GAME

FOLDER = os.environ.get("GATE_API_SAMPLES")
REDACTED = "<redacted>"


def kinds_of(value):
    """The JSON types of a value by the path to it; what is redacted could be of any."""
    if isinstance(value, str) and value.startswith("<") and value.endswith(">") and ":" in value:
        return {"": {REDACTED}}
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = [("[]", child) for child in value]
    else:
        return {"": {type(value).__name__}}
    found = {"": {type(value).__name__}}
    for name, child in children:
        for path, kinds in kinds_of(child).items():
            found.setdefault(f"{name}.{path}", set()).update(kinds)
    return found


@pytest.mark.skipif(not FOLDER, reason="GATE_API_SAMPLES names no folder with live answers")
@pytest.mark.parametrize(
    ("sample", "path"),
    [
        ("account.json", "/accounting/myaccount"),
        ("account_prepaid_stats.json", f"/accounting/prepaid/prepaid_stats4merchant/{OWNER}"),
        ("promocodes_unused.json", "/accounting/prepaid/list_unused_promocodes/false"),
        ("server_1_endpoints_limit_5.json", f"/server-manager/serverendpoint/list/{PC1}?limit=5&server_id={PC1}"),
        ("server_1_products.json", f"/server-manager/serverproduct/list4edit2/{PC1}?user_id={OWNER}"),
        ("server_1_sessions_limit_5.json", f"/session-manager/sessions?server_id={PC1}&limit=5"),
        ("servers.json", f"/server-manager/servers?user_id={OWNER}"),
        ("test_station_product_edit.json", f"/server-manager/serverproduct/list4edit2/{PC1}/{GAME}"),
        ("test_station_publish_toggle.json", f"/server-manager/servers/{PC1}/set_published/true"),
        ("test_station_publish_toggle_confirm.json", f"/server-manager/servers?user_id={OWNER}"),
        ("test_station_source.json", f"/server-manager/servers/{PC1}?user_id={OWNER}"),
    ],
)
async def test_answers_have_the_names_and_types_of_the_live_ones(sample, path):
    """Name by name and type by type, nulls too; an empty text of the live one is no body."""
    live = json.loads((Path(FOLDER) / sample).read_text(encoding="utf-8"))
    async with two_stations() as (cloud, call):
        for end in (cloud.finish, cloud.abort):
            end(cloud.start_session(PC1))
        await call("/accounting/prepaid/issue_promocodes/1/60000", MERCHANT)
        ours = await call(path, MERCHANT, method=live["method"], status=live["status"])

    ours, theirs = kinds_of("" if ours is None else ours), kinds_of(live["response"])
    assert ours.keys() == theirs.keys()
    for name, kinds in theirs.items():
        known = kinds - {REDACTED}
        # Nulls depend on the station: of what is null there a value is no other type.
        assert REDACTED in kinds or ours[name] - {"NoneType"} <= known or known == {"NoneType"}, name
