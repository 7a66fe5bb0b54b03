"""The data of the example: in memory, gone when the app ends. A real app asks its database here."""

from datetime import datetime, timezone
from typing import List, Optional

from generated.models.task import Task

_tasks: List[Task] = []
_journal: List[str] = []


def add(title: str) -> Task:
    task = Task(id=len(_tasks) + 1, title=title, done=False, created=datetime.now(timezone.utc))
    _tasks.append(task)
    return task


def find(id: int) -> Optional[Task]:
    return next((task for task in _tasks if task.id == id), None)


def newest(limit: int, done: Optional[bool]) -> List[Task]:
    wanted = [task for task in reversed(_tasks) if done is None or task.done == done]
    return wanted[:limit]


def write(line: str) -> None:
    _journal.append(line)


def lines() -> List[str]:
    return _journal
