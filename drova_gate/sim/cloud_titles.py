"""Titles for the simulated catalogue: what players know, and words for what they do not."""

__all__ = ["EXTRA_IDS", "EXTRA_TITLES", "FIRST_WORDS", "LAST_WORDS", "STEAM_TITLES"]

STEAM_TITLES: tuple[tuple[str, int], ...] = (
    ("Cyberpunk 2077", 1_091_500),
    ("Counter-Strike 2", 730),
    ("Dota 2", 570),
    ("PLAYERUNKNOWN'S BATTLEGROUNDS (PUBG)", 578_080),
    ("Grand Theft Auto V Legacy (Steam)", 271_590),
    ("Grand Theft Auto V Enhanced (Steam)", 3_240_220),
    ("Red Dead Redemption 2", 1_174_180),
    ("Ведьмак 3: Дикая Охота", 292_030),
    ("ELDEN RING", 1_245_620),
    ("Baldur's Gate 3", 1_086_940),
    ("Hogwarts Legacy", 990_080),
    ("Rust", 252_490),
    ("Valheim", 892_970),
    ("Apex Legends", 1_172_470),
    ("Warframe", 230_410),
    ("Destiny 2", 1_085_660),
    ("Метро: Исход", 412_020),
    ("S.T.A.L.K.E.R. 2: Сердце Чернобыля", 1_643_320),
    ("Atomic Heart", 668_580),
    ("Kingdom Come: Deliverance II", 1_771_300),
    ("HELLDIVERS 2", 553_850),
    ("Palworld", 1_623_730),
    ("Black Myth: Wukong", 2_358_720),
    ("Marvel Rivals", 2_767_030),
    ("Euro Truck Simulator 2", 227_300),
    ("Forza Horizon 4", 1_293_830),
    ("Forza Horizon 5", 1_551_360),
    ("No Man's Sky", 275_850),
    ("Dead by Daylight", 381_210),
    ("Fallout 4", 377_160),
    ("Starfield", 1_716_740),
    ("The Elder Scrolls V: Skyrim Special Edition", 489_830),
    ("Sekiro: Shadows Die Twice", 814_380),
    ("DARK SOULS III", 374_320),
    ("Far Cry 5 (Steam)", 552_520),
    ("Desperados III", 610_370),
    ("Path of Exile", 238_960),
    ("Path of Exile 2", 2_694_490),
    ("God of War", 1_593_500),
    ("Detroit: Become Human", 1_222_140),
    ("Resident Evil 4", 2_050_650),
    ("Monster Hunter: World", 582_010),
    ("Космические рейнджеры HD: Революция", 214_730),
    ("Мор (Pathologic 2)", 505_230),
    ("Terraria", 105_600),
    ("Stardew Valley", 413_150),
    ("Hades", 1_145_360),
    ("Subnautica", 264_710),
    ("Satisfactory", 526_870),
    ("Phasmophobia", 739_630),
    ("Lethal Company", 1_966_720),
    ("Half-Life 2", 220),
    ("Left 4 Dead 2", 550),
    ("Team Fortress 2", 440),
)
"""Title and Steam's number."""

EXTRA_IDS: tuple[tuple[str, str], ...] = (
    ("PlanetSide 2", "b6346f52-f780-42a9-98a2-1c7d6c4b4473"),
    ("The Walking Dead: Season Two", "7d628e11-0bb1-442c-98a4-8106176b13b8"),
)
"""Games of Steam that the catalogue gives no shop address."""

EXTRA_TITLES: tuple[tuple[str, str | None, str | None, bool, str], ...] = (
    (
        *("Fortnite", "d5f88d94-87d5-11e7-bb31-000000003778", "Epic Games", True),
        "C:\\Program Files\\Epic Games\\Fortnite\\FortniteGame\\Binaries\\Win64\\FortniteClient-Win64-Shipping.exe",
    ),
    (
        *("Genshin Impact", "b05acb00-93ab-4b6d-ab6c-792f72e43665", "hoYoverse", False),
        "C:\\Program Files\\HoYoPlay\\games\\Genshin Impact game\\GenshinImpact.exe",
    ),
    (
        *("Honkai: Star Rail", "5e3c271e-da2a-4898-a420-9b49d74f2695", "hoYoverse", False),
        "C:\\Program Files\\HoYoPlay\\games\\Star Rail Games\\StarRail.exe",
    ),
    (
        *("Zenless Zone Zero", "0864eddb-d20d-437d-a322-329ccda51ad0", "hoYoverse", False),
        "C:\\Program Files\\HoYoPlay\\games\\ZenlessZoneZero Game\\ZenlessZoneZero.exe",
    ),
    (
        *("Wuthering Waves", "934386db-5b9e-4635-ab70-59d02b6a988d", None, False),
        "C:\\Wuthering Waves\\Wuthering Waves Game\\Wuthering Waves.exe",
    ),
    (
        *("Escape from Tarkov", "cdb6d8f4-6b6f-4f92-a240-56447ed9b42d", None, True),
        "C:\\Battlestate Games\\EFT\\EscapeFromTarkov.exe",
    ),
    (
        *("Escape from Tarkov Arena", "1b4253f2-11ae-4d14-92aa-b506a18cf247", None, True),
        "C:\\Battlestate Games\\Arena\\EscapeFromTarkovArena.exe",
    ),
    (
        *("Мир танков", "d5f88d94-87d5-11e7-bb31-000000002432", "Lesta", False),
        "C:\\Games\\Tanki\\Tanki.exe",
    ),
    (
        *("World of Tanks", "c1661a7c-4950-4346-a193-103fb385b6d6", "Wargaming", False),
        "C:\\Games\\World_of_Tanks_EU\\WorldOfTanks.exe",
    ),
    (
        *("Мир кораблей", "21d8c648-8d39-4b3f-8989-69d58fbe7dff", "Lesta", False),
        "C:\\Games\\Korabli\\Korabli.exe",
    ),
    (
        *("World of Warships", "21d8c648-8d39-4b3f-8989-69d58fbe7e00", "Wargaming", False),
        "C:\\Games\\World_of_Warships_EU\\WorldOfWarships.exe",
    ),
    ("Смута", None, "VK Play", False, "C:\\VK Play\\Smuta\\Smuta.exe"),
    (
        *("Grand Theft Auto V Enhanced (Epic Games)", None, "Epic Games", True),
        "C:\\Program Files\\Epic Games\\GTAVEnhanced\\PlayGTAV.exe",
    ),
    ("Battlefield 6", None, "Origin", False, "C:\\Program Files\\EA Games\\Battlefield 6\\bf6.exe"),
    (
        *("Diablo IV", None, "Battle.net", False),
        "C:\\Program Files (x86)\\Diablo IV\\Diablo IV Launcher.exe",
    ),
)
"""Title, id where people rely on it, ``requiredAccount``, whether it opens the desktop, path."""

FIRST_WORDS = (
    *(
        "Iron",
        "Silent",
        "Last",
        "Frozen",
        "Crimson",
        "Endless",
        "Hollow",
        "Broken",
        "Golden",
        "Neon",
        "Lost",
        "Burning",
    ),
    *("Тихий", "Последний", "Северный", "Красный", "Ночной", "Вечный", "Забытый", "Стальной", "Древний", "Звёздный"),
    *("Dark", "Wild", "Ancient", "Rogue", "Cosmic", "Distant", "Fallen", "Hidden", "Savage", "Tiny"),
)
LAST_WORDS = (
    *(
        "Horizon",
        "Kingdom",
        "Frontier",
        "Protocol",
        "Siege",
        "Odyssey",
        "Harvest",
        "Racer",
        "Legends",
        "Tactics",
        "Shore",
    ),
    *("рубеж", "город", "поход", "лес", "патруль", "дозор", "горизонт", "караван", "остров", "экспресс"),
    *("Arena", "Empire", "Dungeon", "Simulator", "Chronicles", "Outpost", "Garden", "Machine", "Rebellion", "Voyage"),
)
