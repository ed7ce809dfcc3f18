"""Asking the owner, on a terminal or not at all; each answer is looked at at once."""

import getpass
from collections.abc import Callable

from drova_gate.errors import CallOwner

__all__ = ["Left", "Talk"]

YES = ("y", "yes", "д", "да")
NO = ("n", "no", "н", "нет")
NOT_TEXT = "  this is not UTF-8; set the terminal to UTF-8, or use Latin letters"


class Left(CallOwner):
    """The owner went away in the middle: end of input."""


class Talk:
    """Questions and answers. ``live``: somebody is there; without him ``agreed`` says yes to all that a script wants (``--yes``)."""

    def __init__(self, tell: Callable[[str], None], turned: Callable[[str], str], *, live: bool, yes: bool) -> None:
        self.tell = tell
        self._turned = turned
        self.live = live and not yes
        self._yes = yes

    def ask(self, question: str, fault_of: Callable[[str], str], *, default: str = "", given: str | None = None) -> str:
        """Ask until the answer is right; what was given on the command line must be, and is not asked for."""
        if given is not None:
            if fault := fault_of(given):
                raise CallOwner(question, *_halves(fault))
            return given
        if not self.live:
            if default and not fault_of(default):
                return default
            raise CallOwner(question, "is not given, and nobody is there to be asked", "see drova_gate init --help")
        shown = f" [{default}]" if default else ""
        while True:
            answer = self._line(f"{self._turned(question)}{shown}: ") or default
            if not answer:
                continue
            if not (fault := fault_of(answer)):
                return answer
            self.tell(f"  {fault}")

    def ask_hidden(self, question: str) -> str:
        """Ask for a secret, which does not show; may be empty."""
        while True:
            try:
                answer = _readable(getpass.getpass(f"{self._turned(question)}: "))
            except EOFError:
                raise self._left() from None
            if answer is not None:
                return answer
            self.tell(NOT_TEXT)

    def agreed(self, question: str, *, default: bool = False) -> bool:
        """Ask yes or no; without anybody there it is yes if ``--yes`` was said."""
        if not self.live:
            return self._yes
        while True:
            answer = self._line(f"{self._turned(question)} {self._turned('[Y/n]' if default else '[y/N]')} ").casefold()
            if not answer:
                return default
            if answer in YES or answer in NO:
                return answer in YES

    def _left(self) -> Left:
        self.tell("")  # the question stands on the line still
        return Left("init", "the input ended", "nothing was written")

    def _line(self, prompt: str) -> str:
        while True:
            try:
                answer = _readable(input(prompt))
            except EOFError:
                raise self._left() from None
            if answer is not None:
                return answer.strip()
            self.tell(NOT_TEXT)


def _readable(answer: str) -> str | None:
    """Return the answer, or ``None`` for one with bytes that are no text of this terminal."""
    return None if any("\ud800" <= letter <= "\udfff" for letter in answer) else answer


def _halves(fault: str) -> tuple[str, str]:
    fact, _, advice = fault.partition("; ")
    return fact, advice
