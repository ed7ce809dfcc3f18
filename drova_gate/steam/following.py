r"""What Steam's own log and a manifest tell of one verification. Pure: lines in, a phase and a result out.

The words are those that clients have written into ``logs\content_log.txt`` since 2013 (docs/facts.md has the sources). The log alone tells
the end: a manifest says "fully installed" during a verification as well, and its bytes may be an earlier update's. Where there is no log at
all, a manifest that was seen at work and then at rest has to do, and the result says so.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from drova_gate.steam.manifest import InstalledApp

__all__ = ["Following", "Phase", "Result", "Verdict"]


class Phase(StrEnum):
    """Where a verification is."""

    ASKED = "asked"
    """Steam was told, and has not shown that it heard."""
    QUEUED = "queued"
    CHECKING = "checking"
    REPAIRING = "repairing"
    OVER = "over"


class Verdict(StrEnum):
    """How a verification ended."""

    VERIFIED = "verified"
    REPAIRED = "repaired"
    FAILED = "failed"
    NOT_STARTED = "not started"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Result:
    """The end of one game's verification."""

    verdict: Verdict
    reason: str = ""
    """Empty where the verdict says it all."""
    files: int | None = None
    """Files that were looked at; ``None``: Steam did not say."""
    wrong_files: int | None = None
    wrong_bytes: int | None = None


_STAMP = re.compile(r"^\[[^\]]{1,40}\]\s*")
_APP = re.compile(r"^AppID (?P<app>\d+) (?P<what>.*)$", re.IGNORECASE)
_START = re.compile(r"^Start validating appID (?P<app>\d+)\b", re.IGNORECASE)
_SKIP = re.compile(r'^AppID (?P<app>\d+) is marked "(?P<mark>[^"]*)" - skipping validation', re.IGNORECASE)
_FINISHED = re.compile(
    r"^File validation finished: (?P<files>\d+) files \(\d+ bytes\) total, (?P<wrong>\d+) files \((?P<bytes>\d+) bytes\) mismatched",
    re.IGNORECASE,
)
_FULL_SCAN = re.compile(r"^Validation: full scan found (?P<wrong>\d+)/(?P<files>\d+) mismatching files", re.IGNORECASE)
_SCHEDULER = re.compile(
    r"^scheduler finished : (?P<how>removed from|staying in) schedule \(result (?P<result>.*?),", re.IGNORECASE
)
_DOWNLOAD = re.compile(r"^update started : download (?P<done>\d+)/(?P<total>\d+)", re.IGNORECASE)
_GOOD = "no error"
_REST = frozenset({"Fully Installed", "App Running"})
"""State words of a game that Steam has done with."""


class Following:
    """One verification of one app; feed it what the log says since it was asked for."""

    def __init__(self, app_id: int) -> None:
        self.app_id = app_id
        self.phase = Phase.ASKED
        self.result: Result | None = None
        self.download: tuple[int, int] | None = None
        """Bytes fetched and to be fetched for the repair."""
        self.log_spoke = False
        """The log has told of this verification."""
        self._half = ""
        self._whose: int | None = None
        """The app that lines without a name are about."""
        self._files: int | None = None
        self._wrong: tuple[int, int | None] | None = None
        self._at_rest = False
        self._update_over = False
        self._last_word = ""

    def hear(self, text: str) -> None:
        """Take in more of the log; a line that is not whole yet is kept for the next time."""
        *lines, self._half = (self._half + text).split("\n")
        for line in lines:
            if self.result is None:
                self._line(_STAMP.sub("", line.strip()))

    def see(self, app: InstalledApp | None, *, no_log: bool = False) -> None:
        """Take in the manifest as it is now; ``None``: it could not be read just now. With ``no_log`` it alone must tell."""
        if app is None or self.result is not None:
            return
        if self.download is not None and app.to_download == self.download[1]:
            # The total is the log's own, so these bytes are of this repair and of no earlier update.
            self.download = (min(app.downloaded, app.to_download), app.to_download)
        if not no_log:
            return
        if app.busy:
            self.phase = Phase.CHECKING
        elif self.phase is Phase.CHECKING and app.ready:
            self._end(Result(Verdict.VERIFIED, "by the manifest alone: Steam keeps no log there"))

    @property
    def resting(self) -> bool:
        """Whether the game is at rest after a complete check: the end, unless the log's last word is still to come."""
        return self.result is None and self._at_rest and self._update_over

    def settled(self) -> Result:
        """Take the rest for the end: some clients write no last word."""
        self._end(self._verdict())
        return self._verdict()

    @property
    def started(self) -> bool:
        """Whether Steam has begun to work on it."""
        return self.phase not in (Phase.ASKED, Phase.QUEUED)

    @property
    def last_word(self) -> str:
        """Result that Steam gave while it kept the job, such as ``No Connection``; empty: none."""
        return self._last_word

    def _line(self, line: str) -> None:
        if match := _START.match(line):
            self._whose = int(match["app"])
            if self._whose == self.app_id:
                self.log_spoke = True
                self.phase = Phase.QUEUED
        elif match := _SKIP.match(line):
            if int(match["app"]) == self.app_id:
                self._end(Result(Verdict.SKIPPED, f"its maker marks it {match['mark']}: Steam does not verify it"))
        elif match := _APP.match(line):
            self._of_app(int(match["app"]), match["what"].strip())
        elif self._whose == self.app_id:
            self._of_check(line)

    def _of_app(self, app: int, what: str) -> None:
        if what.startswith("update changed :") and "Validating" in what:
            self._whose = app
        if app != self.app_id or not self.log_spoke:
            # Before "Start validating" it tells of something else, an update that was under way.
            return
        if match := _SCHEDULER.match(what):
            self._scheduler(match["how"].lower().startswith("removed"), match["result"].strip())
        elif match := _DOWNLOAD.match(what):
            done, total = int(match["done"]), int(match["total"])
            if total:
                self.download = (done, total)
        elif what.startswith("update changed :"):
            self._update(what.partition(":")[2])
        elif what.startswith("state changed :"):
            words = {word.strip() for word in what.partition(":")[2].split(",")} - {""}
            self._at_rest = self._files is not None and "Fully Installed" in words and words <= _REST
            if "Update Queued" in words and "Update Running" not in words:
                self.phase = Phase.QUEUED

    def _update(self, words: str) -> None:
        self._update_over = words.strip(" ,") == "None"
        if "Validating" in words:
            self.phase = Phase.CHECKING
        elif any(word in words for word in ("Downloading", "Staging", "Committing")):
            self.phase = Phase.REPAIRING
        elif "Running" in words and self.phase is Phase.QUEUED:
            self.phase = Phase.CHECKING

    def _of_check(self, line: str) -> None:
        match = _FINISHED.match(line) or _FULL_SCAN.match(line)
        if match:
            self._files = int(match["files"])
            size = match.groupdict().get("bytes")
            self._wrong = (int(match["wrong"]), None if size is None else int(size))
            if self._wrong[0]:
                self.phase = Phase.REPAIRING

    def _scheduler(self, removed: bool, result: str) -> None:  # noqa: FBT001 - the log's own two words
        if result.casefold() != _GOOD:
            self._last_word = result
        if removed and result.casefold() == _GOOD:
            self._end(self._verdict())
        elif removed:
            self._end(Result(Verdict.FAILED, f"Steam says: {result}", self._files, *(self._wrong or (None, None))))

    def _verdict(self) -> Result:
        wrong, size = self._wrong or (None, None)
        if wrong:
            return Result(Verdict.REPAIRED, "", self._files, wrong, size)
        if self._files is None:
            return Result(Verdict.VERIFIED, "Steam's log does not say how many files")
        return Result(Verdict.VERIFIED, "", self._files, wrong, size)

    def _end(self, result: Result) -> None:
        self.result, self.phase = result, Phase.OVER
