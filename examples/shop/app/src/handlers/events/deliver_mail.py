import asyncio

from rohas_runtime import Event, State

from lib import office


async def handler(event: Event, state: State):
    await asyncio.sleep(0.01)  # the mail server
    office.mails.append({"to": event.to, "subject": event.subject})
    state.logger.info("mail delivered", to=event.to)
