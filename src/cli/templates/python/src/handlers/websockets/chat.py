from generated.models.chat_message import ChatMessage


async def on_connect() -> ChatMessage:
    return ChatMessage(author="{{name}}", text="somebody came in")


async def on_message(message: ChatMessage) -> ChatMessage:
    return message
