from generated.runtime import State
from lib import store


async def handler(tick: object, state: State) -> None:
    state.logger.info("the journal", {"lines": len(store.lines())})
