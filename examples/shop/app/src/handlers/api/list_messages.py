from rohas_runtime import Request

from lib import office


def handler(request: Request):
    return [message for message in office.messages if message["room"] == request.room]
