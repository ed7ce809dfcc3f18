"""What Windows programs print, in two languages, and back again."""

from hypothesis import given, settings
from hypothesis import strategies as st

from drova_gate.host.parse import (
    Process,
    RegistryValue,
    SessionRow,
    StepLine,
    decode,
    labels,
    processes,
    registry_keys,
    session_rows,
    step_lines,
)
from drova_gate.host.paths import folder_of, sftp_path

# -- reg query -------------------------------------------------------------------------------------------------------

_TEXT = st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), max_size=20)
_NAMES = st.text("abcXYZ0189 _-.(){}Жя", min_size=1, max_size=12).filter(
    lambda name: "    " not in name and name == name.strip() and name.casefold() not in ("(default)", "(по умолчанию)")
)
_VALUES = st.tuples(_NAMES, st.sampled_from(["REG_SZ", "REG_EXPAND_SZ", "REG_DWORD", "REG_BINARY", "REG_NONE"]), _TEXT)
_KEYS = st.dictionaries(
    st.lists(
        st.text("abcXYZ 09{}-Ж", min_size=1, max_size=8).filter(lambda part: part == part.strip()),
        min_size=1,
        max_size=4,
    ).map(lambda parts: "\\".join(["HKEY_LOCAL_MACHINE", *parts])),
    st.lists(_VALUES, max_size=4, unique_by=lambda value: value[0].casefold()),
    max_size=5,
)


def printed(keys, summary):
    """What reg.exe prints for keys with values."""
    blocks = [
        "\r\n" + key + "\r\n" + "".join(f"    {n}    {k}    {d}\r\n" for n, k, d in values)
        for key, values in keys.items()
    ]
    return "".join(blocks) + summary


@settings(deadline=None, max_examples=60)
@given(
    keys=_KEYS,
    summary=st.sampled_from(
        ["", "\r\nEnd of search: 2 match(es) found.\r\n", "\r\nКонец поиска: найдено совпадений: 2.\r\n"]
    ),
)
def test_registry_answer_reads_back(keys, summary):
    """Whatever reg.exe printed is read back whole, in any language."""
    keys = {key: values for key, values in keys.items() if [k.casefold() for k in keys].count(key.casefold()) == 1}

    read = registry_keys(printed(keys, summary))

    assert {key.path: [(v.name, v.kind, v.data) for v in key.values] for key in read.keys} == keys


def test_registry_default_value_in_both_languages():
    """The default value's translated name reads as the empty name."""
    for name in ("(Default)", "(по умолчанию)", "(По умолчанию)"):
        key = registry_keys(f"\r\nHKEY_CURRENT_USER\\X\r\n    {name}    REG_SZ    data\r\n").get(r"hkey_current_user\x")

        assert key is not None
        assert key.values == (RegistryValue("", "REG_SZ", "data"),)


def test_registry_empty_data_and_numbers():
    """Empty data is empty text; a DWORD is a number, a text never is."""
    key = registry_keys(
        "HKEY_LOCAL_MACHINE\\A\r\n    empty    REG_SZ    \r\n    none    REG_SZ\r\n    n    REG_DWORD    0x1f\r\n    t    REG_SZ    5\r\n"
    ).keys[0]

    assert key.text("EMPTY") == key.text("none") == ""
    assert key.value("n").number == 31
    assert key.value("t").number is None
    assert key.value("missing") is None


def test_registry_subkeys_without_s():
    """Without /s the subkeys are printed bare, the key itself first when it has values."""
    keys = registry_keys(
        "\r\nHKEY_USERS\\.DEFAULT\r\nHKEY_USERS\\S-1-5-21-1-2-3-1001\r\nHKEY_USERS\\S-1-5-21-1-2-3-1001_Classes\r\n"
    )

    assert [key.path for key in keys.below("HKEY_USERS")] == [key.path for key in keys.keys]
    assert len(keys.keys) == 3


def test_registry_error_sentence_is_no_key():
    """A localised error gives nothing at all."""
    assert not registry_keys("ОШИБКА: Не удается найти указанный раздел или параметр в реестре.\r\n")


# -- tasklist, qwinsta -----------------------------------------------------------------------------------------------


def test_tasklist_rows():
    """Rows are read by position; memory with a comma or a no-break space does not matter."""
    text = '"sihost.exe","4321","Console","1","12,345 K"\r\n"a, b.exe","7","Services","0","1\xa0024 КБ"\r\n'

    assert processes(text) == (Process("sihost.exe", 4321, 1), Process("a, b.exe", 7, 0))


def test_tasklist_none_found():
    """The localised sentence for none found is no row."""
    assert processes("INFO: No tasks are running which match the specified criteria.\r\n") == ()
    assert processes("Информация: Задачи, отвечающие заданным критериям, отсутствуют.\r\n") == ()


RUSSIAN = """\
 СЕАНС             ПОЛЬЗОВАТЕЛЬ             ID  СТАТУС  ТИП         УСТР-ВО
 services                                    0  Диск
 console                                     1  Подключено
>rdp-tcp#0         Администратор             2  Активно
                   Игрок 2                   3  Диск
 rdp-tcp                                 65537  Прием
"""
ENGLISH = """\
 SESSIONNAME       USERNAME                 ID  STATE   TYPE        DEVICE
 services                                    0  Disc
 console           player                    2  Active
 rdp-tcp                                 65536  Listen
"""


def test_qwinsta_russian_as_captured():
    """The real Russian output is read without its words."""
    assert session_rows(RUSSIAN) == (
        SessionRow("services", "", 0),
        SessionRow("console", "", 1),
        SessionRow("rdp-tcp#0", "Администратор", 2),
        SessionRow("", "Игрок 2", 3),
        SessionRow("rdp-tcp", "", 65537),
    )


def test_qwinsta_english():
    """The English one reads the same way."""
    assert session_rows(ENGLISH)[1] == SessionRow("console", "player", 2)


def test_qwinsta_error_is_no_console():
    """A translated error never passes for the console row."""
    rows = session_rows("Ошибка 5 при получении сведений о сеансах\r\nОшибка [5]: Отказано в доступе.\r\n")

    assert not [row for row in rows if row.name == "console"]


# -- our own lines, bytes, paths -------------------------------------------------------------------------------------


def test_step_lines_and_labels():
    """Whole evidence lines are read; a half-written one is left out."""
    text = "@@ step steam.token changed\r\n@@ step epic.web failed 5\r\n@@ reboot ok\r\n@@ USERPROFILE C:\\Users\\a b\r\n@@ step chro"

    assert step_lines(text) == (StepLine("steam.token", "changed"), StepLine("epic.web", "failed", "5"))
    assert labels(text) == {"reboot": "ok", "USERPROFILE": r"C:\Users\a b"}


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=200))
def test_decode_never_fails(data):
    """Any bytes become text: a stray 0x98 must not cost the connection."""
    assert isinstance(decode(data), str)


def test_decode_russian_console():
    """Code page 866 reads as Russian, UTF-8 as UTF-8."""
    assert decode("ОШИБКА: Ш".encode("cp866")) == "ОШИБКА: Ш"
    assert decode("Игрок".encode()) == "Игрок"


def test_decode_both_encodings_in_one_answer():
    """What a program wrote before chcp 65001 does not spoil the names that reg.exe writes after it."""
    mixed = "имя.exe 8 КБ\r\n".encode("cp866") + "HKEY_USERS\\S\\原神\r\nИгрок".encode()
    assert decode(mixed) == "имя.exe 8 КБ\r\nHKEY_USERS\\S\\原神\r\nИгрок"


def test_sftp_paths():
    """Windows paths become rooted forward-slash paths; relative ones are refused."""
    assert sftp_path(r"C:\Users\Игрок\a b.ini") == "/C:/Users/Игрок/a b.ini"
    assert sftp_path("C:") == "/C:"
    assert folder_of(r"C:\ProgramData\drova_gate\x.reg") == "/C:/ProgramData/drova_gate"
    for wrong in (r"Users\x", r"%APPDATA%\x", "", "C:x"):
        try:
            sftp_path(wrong)
        except ValueError:
            continue
        raise AssertionError(wrong)
