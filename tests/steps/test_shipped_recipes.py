"""What the shipped recipes are, as data: every app that is known, where each is from, what they leave to whom."""

import re
import tomllib
from pathlib import Path

import pytest

from drova_gate.settings import SETTINGS
from drova_gate.sim.windows.launchers import LAUNCHERS as PLANTED
from drova_gate.sim.windows.saved_games import WITHOUT_SIGN_IN
from drova_gate.steps.kinds import FileStep
from drova_gate.steps.lockdown import load_switches, read_lockdown
from drova_gate.steps.recipes import Level, Recipe, load_recipes, read_recipe, selected
from drova_gate.steps.shipped import LAUNCHERS, LOCKDOWN

DOCS = Path(__file__).parents[2] / "docs"
RECIPES = {recipe.name: recipe for recipe in load_recipes(LAUNCHERS)}

APPS = {
    "Steam": ("steam",),
    "Epic Games Launcher": ("epic",),
    "Ubisoft Connect": ("ubisoft",),
    "EA app": ("ea",),
    "Origin": ("origin",),
    "Battle.net": ("battlenet",),
    "Riot Client": ("riot",),
    "Rockstar Games Launcher": ("rockstar",),
    "GOG Galaxy": ("gog",),
    "Xbox app": ("xbox",),
    "Wargaming Game Center": ("wargaming",),
    "Lesta Game Center": ("lesta",),
    "BsgLauncher": ("bsg",),
    "HoYoverse games": ("hoyoverse", "hoyoverse_strict"),
    "HoYoPlay": ("hoyoplay",),
    "Wuthering Waves": ("kuro",),
    "Arknights: Endfield": ("gryphline",),
    "Arena Breakout": ("arena_breakout",),
    "Delta Force": ("delta_force",),
    "VK Play": ("vkplay",),
    "MY.GAMES": ("mygames",),
    "4game": ("fourgame",),
    "Roblox": ("roblox",),
    "Minecraft": ("minecraft",),
    "FACEIT": ("faceit",),
    "Amazon Games": ("amazon",),
    "itch": ("itch",),
    "Majestic": ("majestic",),
    "GTA5RP, RAGE MP": ("gta5rp",),
    "Discord": ("discord",),
    "Telegram": ("telegram",),
    "TeamSpeak": ("teamspeak",),
    "WhatsApp": ("whatsapp",),
    "Parsec": ("parsec",),
    "AnyDesk": ("anydesk",),
    "RustDesk": ("rustdesk",),
    "Chrome": ("chrome",),
    "Edge": ("edge",),
    "Firefox": ("firefox",),
    "Opera": ("opera",),
    "Yandex Browser": ("yandex",),
    "Brave": ("brave",),
    "Vivaldi": ("vivaldi",),
    "Credential Manager": ("credentials",),
    "Recent files": ("recent",),
    "GeForce NOW": ("geforce_now",),
    "Jagex": ("jagex",),
    "Albion Online": ("albion",),
    "MTG Arena": ("mtga",),
    "PS Remote Play": ("ps_remote_play",),
    "Meta Quest Link": ("oculus",),
    "OBS Studio": ("obs",),
    "MarketApp": ("marketapp",),
}
"""Every app that public sources know a sign-in of, with its recipes."""
SWITCHED_OFF = {"anydesk", "rustdesk", "recent", "credentials", "hoyoverse_strict"}
NOT_SHIPPED = ("Clipboard", "Downloads, Pictures, Videos, Music, recycle bin")
"""Parts of the same list that a recipe cannot or should not cover."""
UNTOUCHABLE = re.compile(
    r"^(vgc|vgk|vgtray|faceitservice|beservice|easyanticheat|eacservice|hoyo?k?protect|msedgewebview2)", re.IGNORECASE
)

each_recipe = pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))


@pytest.mark.parametrize("app", APPS)
def test_app_has_its_recipe(app: str):
    """Nothing of the list is forgotten."""
    assert [name for name in APPS[app] if name not in RECIPES] == []


def test_no_recipe_is_unlisted_and_what_is_not_shipped_is_explained():
    """A new recipe has its line above; what has no recipe, or one that is off, has its reason in the page for owners."""
    assert sorted(RECIPES) == sorted(name for names in APPS.values() for name in names)
    page = (DOCS / "verify-on-a-real-pc.md").read_text(encoding="utf-8")
    reasons = page[page.index("## Apps without a sign-out") :]
    assert [name for name in NOT_SHIPPED if f"| {name} |" not in reasons] == []
    off = {name for name, recipe in RECIPES.items() if not recipe.enabled}
    assert off == SWITCHED_OFF
    assert [name for name in (*off, "gta5rp") if f"(`{name}`)" not in reasons] == []


@each_recipe
def test_recipe_says_where_it_is_from(recipe: Recipe):
    """A file is named as its recipe; sources are public names; what rests on one source or on none says so to the owner."""
    file = LAUNCHERS / f"{recipe.name}.toml"
    assert file.is_file()
    assert recipe.sources or recipe.verified == "unverified"
    assert recipe.note or recipe.verified != "unverified"
    assert recipe.note or recipe.enabled, "an owner must read why it is off"
    assert (recipe.verified == "field") == (recipe.name == "gryphline"), (
        "only where a fork is known to use it on stations"
    )


def test_unverified_recipes_are_in_the_page_for_owners():
    """Each recipe that rests on one source or an inference is in the checklist by which an owner can settle it."""
    page = (DOCS / "verify-on-a-real-pc.md").read_text(encoding="utf-8")
    missing = [name for name, recipe in RECIPES.items() if recipe.verified == "unverified" and f"`{name}`" not in page]
    assert missing == []


def test_no_two_recipes_share_a_step():
    """A path or value that two recipes wipe would be counted twice and blamed on the wrong one."""
    owners: dict[tuple[str, ...], str] = {}
    shared = []
    for recipe in RECIPES.values():
        for step in recipe.minimum + recipe.full:
            what = (
                (step.path,)
                if isinstance(step, FileStep)
                else (step.key, getattr(step, "value", getattr(step, "prefix", "")))
            )
            folded = (type(step).__name__, *(part.casefold() for part in what))
            if owners.setdefault(folded, recipe.name) != recipe.name:
                shared.append((owners[folded], recipe.name, what))
    assert [pair for pair in shared if set(pair[:2]) != {"hoyoverse", "hoyoverse_strict"}] == []


@each_recipe
def test_recipe_leaves_anti_cheats_and_shared_programs_alone(recipe: Recipe):
    """No anti-cheat is killed or stopped, no web view of other programs, and no name that others bear without its folder."""
    named = [*recipe.kill, *(each.image for each in recipe.kill_under), *recipe.services]
    assert [name for name in named if UNTOUCHABLE.match(name)] == []
    assert [each for each in recipe.kill_under if len(each.folder.strip("\\")) < 4] == []


@each_recipe
def test_smallest_wipe_does_something(recipe: Recipe):
    """Every sign-out has a step at its smallest level; full keeps what min does, by itself or by a step that holds it."""
    if recipe.name == "gta5rp":
        assert selected(recipe, Level.FULL) == ()
        return
    assert selected(recipe, Level.MIN)
    assert len(selected(recipe, Level.FULL)) >= 1
    assert recipe.kill or recipe.kill_under or recipe.name in ("credentials", "recent")


def test_simulated_owner_is_signed_in_to_everything():
    """What is wiped is also planted on the simulated station, by names written down independently; and nothing else is."""
    enabled = {name for name, recipe in RECIPES.items() if recipe.enabled}
    assert set(PLANTED) | set(WITHOUT_SIGN_IN) == enabled


@pytest.mark.parametrize("name", sorted(PLANTED))
def test_processes_of_the_simulated_owner_are_known_to_the_recipe(name: str):
    """Each process that the simulated launcher leaves running is named by its recipe, or is the child of one that is."""
    recipe, running = RECIPES[name], PLANTED[name].running
    images = {image.casefold() for image in recipe.kill}
    for process in running:
        under = any(
            process.image.casefold() == each.image.casefold()
            and each.folder.casefold() in _full(process.path).casefold()
            for each in recipe.kill_under
        )
        assert under or process.image.casefold() in images or process.child_of, process.path
    assert set(PLANTED[name].services) == set(recipe.services)


def _full(path: str) -> str:
    return path.replace("%LOCALAPPDATA%", r"C:\Users\x\AppData\Local").replace(
        "%APPDATA%", r"C:\Users\x\AppData\Roaming"
    )


def test_examples_of_the_guide_load():
    """What an owner copies out of the guide on own recipes is accepted as it stands."""
    guide = (DOCS / "ru" / "svoi-recepty.md").read_text(encoding="utf-8")
    examples = re.findall(r"```toml\n(.*?)```", guide, re.DOTALL)
    recipes = [read_recipe("example.toml", text) for text in examples if "verified" in text]
    assert [recipe.name for recipe in recipes] == ["parsec", "moy_launcher"]
    settings, locked = [text for text in examples if "verified" not in text]
    (named,) = tomllib.loads(settings)["defaults"]
    assert named.upper() in {setting.name for setting in SETTINGS}
    applied = read_lockdown("lockdown.toml", locked, load_switches(LOCKDOWN)).applied
    names = {switch.name for switch in applied}
    assert {"hide_settings_pages", "no_lan", "no_taskbar_pins"} <= names
    assert "ssdp" not in names
