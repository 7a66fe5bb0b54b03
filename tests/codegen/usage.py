"""Handlers as a user writes them; mypy checks them against the generated types, nothing runs them."""

from datetime import date, datetime, timezone
from decimal import Decimal
from typing import List, Optional

from d_apis.api.get_item import GetItemHandler, GetItemRequest, Item, NotFound
from d_apis.api.own_names import OwnNamesRequest
from d_apis.api.put_item import Conflict, PutItemHandler, PutItemRequest, PutItemResponse
from d_apis.models.item_kind import ItemKind
from d_apis.runtime import HandlerContext, Response, State
from d_attributes.models.account import Account
from d_derived_names.api.create_user import CreateUserRequest
from d_payload_names.api.ping import PingHandler, PingRequest
from d_payload_names.events.planned import Planned, PlannedHandler
from d_payload_names.models.body import body as Body
from d_payload_names.models.level import Level
from d_payloads.events.user_made import UserMade, UserMadeHandler
from d_payloads.runtime import State as EventState
from d_inline.api.inline_all import InlineAllResponse
from d_inline.models.place import Place, PlaceLocation
from d_reserved_fields.api.words import WordsRequest
from d_websockets.runtime import State as SocketState
from d_websockets.websockets.rooms import RoomsConnection, RoomsMessage, RoomsMessageHandler
from p_attributes.models.account import Account as PydanticAccount
from p_reserved_fields.models.python_words import PythonWords


async def get_item(request: GetItemRequest, state: State) -> Item:
    number: int = request.id + request.params.id
    page: Optional[str] = request.query.get("page")
    state.logger.info("asked", {"id": number}, page=page, trace=state.trace_id)
    if number == 0:
        raise NotFound(message="no such item")
    state.trigger_event("ItemChanged", Item(id=number, name="x"))
    return Item(id=number, name="item")


async def put_item(request: PutItemRequest, state: State) -> PutItemResponse:
    kind: ItemKind = request.kind
    dry: bool = request.query.dry
    tenant: Optional[str] = request.headers["x-tenant"]
    if kind is ItemKind.LARGE and not dry:
        raise Conflict("late", Item(1, tenant or "none"), since=datetime.now(timezone.utc), args_=["a"])
    return Item(id=request.id, name=request.body.name)


def own_names(request: OwnNamesRequest, context: HandlerContext) -> Response:
    text: str = request.body + request.method + request.params.body + request.params.get + request.params.id
    return Response(text, status=201, headers={"x-name": context.handler_name, "set-cookie": ["a", "b"]})


async def user_made(event: UserMade, state: EventState) -> None:
    email: Optional[str] = event.email
    state.logger.warning(f"{event.payload.name} {event.name} {event.attempt} {email} {event.createdAt.year}")


def on_message(message: RoomsMessage, connection: RoomsConnection, state: SocketState) -> List[str]:
    return [message.text, connection.params.room, str(connection.params.seat + 1), connection.id]


def words(request: WordsRequest) -> int:
    return request.class_ + (request.query.in_ or 0) + request.body.import_


def plan(event: Planned) -> None:
    until: Optional[date] = event.until
    texts: List[str] = [event.text, event.int]
    assert (until or event.date) <= event.datetime.date() and event.dd > event.datetime and texts


def ping(request: PingRequest) -> Body:
    return Body(level=Level(request.body["level"]))


def renamed(request: CreateUserRequest) -> str:
    return f"{request.body.name} {request.query.page} {request.params.id} {request.id}"


def build() -> object:
    account = Account(email="a@b.c", ref="", v4="", v6="", host="", age=1, rate=1.0, price=Decimal("1.5"), code="de",
                      tags=[], notes={}, blob=b"x", big=1, password="p")
    same = PydanticAccount(email="a@b.c", ref="", v4="", v6="", host="", age=1, rate=1.0, price=Decimal("1.5"), code="de",
                           tags=[], notes={}, blob=b"x", big=1, password="p")
    response = InlineAllResponse(ok=True, rows=[])
    return account, same, response, Place, PlaceLocation, PythonWords


handlers: List[GetItemHandler] = [get_item]
planned: PlannedHandler = plan
pinged: PingHandler = ping
put: PutItemHandler = put_item
made: UserMadeHandler = user_made
message: RoomsMessageHandler = on_message
