from generated.api.list_tasks import ListTasksRequest, ListTasksResponse
from lib import store


async def handler(request: ListTasksRequest) -> ListTasksResponse:
    return store.newest(request.query.limit, request.query.done)
