"""The catalogue's copy: how soon a command has titles from it, against reading every line into a model, in one run."""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from drova_gate.cloud.catalogue_copy import CatalogueCopy
from drova_gate.cloud.models import CatalogueItem

GAMES = 1000
MOST_MS = 50.0
"""A thousand games must be there before anybody notices that he waits."""
WORDS = [
    "Ведьмак",
    "Мир",
    "Танков",
    "Звёздные",
    "Войны",
    "Far",
    "Cry",
    "Grand",
    "Theft",
    "Auto",
    "Dark",
    "Souls",
    "Star",
    "Hunt",
    "Legend",
    "Creed",
    "Odyssey",
    "Knight",
]
ALONE = """
import sys, time
from pathlib import Path
started = time.perf_counter()
{imports}
copy = CatalogueCopy(Path(sys.argv[1]))
assert {read}
print((time.perf_counter() - started) * 1000)
"""
LIGHT = ALONE.format(
    imports="from drova_gate.cloud.catalogue_copy import CatalogueCopy", read="len(copy.games()) == int(sys.argv[2])"
)
MODELS = ALONE.format(
    imports="from drova_gate.cloud.catalogue_copy import CatalogueCopy; import drova_gate.cloud.models",
    read="len(copy.items()) == int(sys.argv[2])",
)


def games(count: int) -> list[CatalogueItem]:
    """Games of the real catalogue's size: 1.4 to 1.8 kB each, half of it descriptions."""
    chance = random.Random(7)
    return [
        CatalogueItem.model_validate(
            {
                "productId": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
                "title": f"{' '.join(chance.choices(WORDS, k=3))} {number}",
                "displayName": "",
                "descriptionEn": "e" * 400,
                "descriptionRu": "ж" * 500,
                "inShopUrl": f"https://store.steampowered.com/app/{number + 10}/",
                "requiredAccount": "Steam",
                "useDefaultDesktop": False,
            }
        )
        for number in range(count)
    ]


def best_ms(times: int, work: Callable[[], object]) -> float:
    """The best of several runs: the machine's other work only ever adds."""
    found = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        found.append((time.perf_counter() - started) * 1000)
    return min(found)


def alone_ms(times: int, script: str, folder: Path, count: int) -> float:
    """The middle of several processes of their own, which have loaded nothing yet."""
    command = [sys.executable, "-c", script, str(folder), str(count)]
    return statistics.median(
        float(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(times)
    )


def main() -> int:
    """Print the figures; 1 when the reader misses its aim."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer runs")
    times = 3 if parser.parse_args().quick else 15
    with tempfile.TemporaryDirectory() as name:
        copy = CatalogueCopy(Path(name))
        copy.write(games(GAMES))
        index = copy.games()
        figures = {
            "size_mb": copy.path.stat().st_size / 1e6,
            "light_ms": best_ms(times, copy.games),
            "models_ms": best_ms(times, copy.items),
            "light_in_a_new_process_ms": alone_ms(times, LIGHT, Path(name), GAMES),
            "models_in_a_new_process_ms": alone_ms(times, MODELS, Path(name), GAMES),
            "search_ms": best_ms(times, lambda: index.search("ведмак танкв")),
        }
    figures["new_process_ratio"] = figures["models_in_a_new_process_ms"] / figures["light_in_a_new_process_ms"]
    print(json.dumps({name: round(value, 2) for name, value in figures.items()}))
    return 0 if figures["light_ms"] < MOST_MS else 1


if __name__ == "__main__":
    sys.exit(main())
