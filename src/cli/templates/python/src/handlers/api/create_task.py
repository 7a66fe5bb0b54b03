from generated.api.create_task import CreateTaskRequest, CreateTaskResponse
from lib import store


# The body has been checked against the schema. What is returned is the answer, and the payload of TaskCreated.
async def handler(request: CreateTaskRequest) -> CreateTaskResponse:
    return store.add(request.body.title)
