from generated.api.get_journal import GetJournalResponse
from lib import store


async def handler() -> GetJournalResponse:
    return store.lines()
