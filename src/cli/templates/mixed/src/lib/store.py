"""The data of the Python handlers: in memory, gone when the app ends. A real app asks its database here."""

from typing import List

_journal: List[str] = []


def write(line: str) -> None:
    _journal.append(line)


def lines() -> List[str]:
    return _journal
