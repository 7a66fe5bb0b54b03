from generated.events.task_created import TaskCreated
from generated.runtime import State
from lib import store


async def handler(event: TaskCreated, state: State) -> None:
    task = event.payload
    store.write(f"task {task.id}: {task.title}")
    state.logger.info("written down", {"id": task.id})
