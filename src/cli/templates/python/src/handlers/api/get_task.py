from generated.api.get_task import GetTaskRequest, GetTaskResponse, NotFound
from lib import store


async def handler(request: GetTaskRequest) -> GetTaskResponse:
    task = store.find(request.id)
    if task is None:
        raise NotFound(message=f"there is no task {request.id}")
    return task
