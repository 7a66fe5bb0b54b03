// What handlers are called with and what they may do, as types. The objects themselves are made by the engine; only the
// error class and `Response` exist here.

/** A date and time as RFC 3339: `2024-05-01T12:30:00Z`. */
export type DateTime = string;
/** A day: `2024-05-01`. The scalar `Date` of the schema. */
export type DateOnly = string;
/** A hyphenated UUID. */
export type Uuid = string;
/** An exact decimal number: `12.50`. */
export type Decimal = string;
/** Bytes in base64. */
export type Bytes = string;
/** Any JSON value. */
export type Json = string | number | boolean | null | Json[] | { [name: string]: Json | undefined };

/** Texts by name; any of them may be absent. */
export type Texts = { [name: string]: string | undefined };

/** The payload of every event of the schema. */
export type Events = {};

/** The payload as an argument; one that may be null may be left out. */
type PayloadOf<Name extends keyof Events> = null extends Events[Name]
  ? [payload?: Events[Name]]
  : [payload: Events[Name]];

type Log = (message: string, fields?: object) => void;

/** Writes log lines that carry the handler, the call and the trace. */
export type Logger = {
  trace: Log;
  debug: Log;
  info: Log;
  warn: Log;
  warning: Log;
  error: Log;
};

/** What a handler can do; its last argument. The functions may be taken out of it. */
export type State = {
  readonly logger: Logger;
  /** Publishes one more event when the call succeeds. */
  readonly triggerEvent: <Name extends keyof Events>(name: Name, ...payload: PayloadOf<Name>) => void;
  /** Another name of `triggerEvent`. */
  readonly trigger_event: State["triggerEvent"];
  /** Replaces the payload of an event in the `triggers` of what is handled. */
  readonly setPayload: <Name extends keyof Events>(name: Name, ...payload: PayloadOf<Name>) => void;
  /** Another name of `setPayload`. */
  readonly set_payload: State["setPayload"];
  /** When the call has to be over. */
  readonly deadline: Date;
  /** Aborted when nobody waits for the call any more. */
  readonly signal: AbortSignal;
  /** The W3C trace id. */
  readonly traceId: string;
  /** Another name of `traceId`. */
  readonly trace_id: string;
  /** The first attempt is 1. */
  readonly attempt: number;
};

/** Another name of `State`, as Python has it. */
export type HandlerContext = State;

/** A response with a status, headers and a body of its own: the one of the web. */
export const Response: typeof globalThis.Response = globalThis.Response;
/** A response with a status, headers and a body of its own: the one of the web. */
export type Response = InstanceType<typeof globalThis.Response>;

/** What is readable on an object beside what it has itself: the fields of `Source`. */
type Exposed<Source, Own> = Source extends string | number | boolean | bigint | null | readonly unknown[]
  ? unknown
  : Omit<Source, keyof Own | keyof Object>;

type RequestParts<Params, Query, Headers> = {
  /** The path parameters; each is readable on the request as well. */
  params: Params;
  query: Query;
  /** The query as the client wrote it. */
  query_params: Texts;
  /** Another name of `query_params`. */
  queryParams: Texts;
  /** Names in lower case. */
  headers: Headers;
  cookies: Texts;
  method: string;
  path: string;
  /** Address and port of the client; null for a call from within the app. */
  client_addr: string | null;
  /** Another name of `client_addr`. */
  clientAddr: string | null;
};

type ApiRequestParts<Params, Query, Headers, Body> = RequestParts<Params, Query, Headers> & { body: Body };

/** What the handler of an api is called with. */
export type ApiRequest<Params, Query, Headers, Body> = ApiRequestParts<Params, Query, Headers, Body> &
  Exposed<Params, ApiRequestParts<Params, Query, Headers, Body>>;

/** The handler of an api: returns the body of the response, or a whole `Response`. */
export type ApiHandler<Request, Body> = (
  request: Request,
  state: State,
) => Body | Response | Promise<Body | Response>;

type EventParts<Name, Payload> = {
  id: Uuid;
  name: Name;
  time: DateTime;
  /** The fields of an object are readable on the event as well. */
  payload: Payload;
  /** The first attempt is 1. */
  attempt: number;
  correlation_id: Uuid;
  /** Another name of `correlation_id`. */
  correlationId: Uuid;
  causation_id: Uuid | null;
  /** Another name of `causation_id`. */
  causationId: Uuid | null;
};

/** What the handlers of an event are called with. */
export type EventMessage<Name, Payload> = EventParts<Name, Payload> & Exposed<Payload, EventParts<Name, Payload>>;

/** A handler of an event: what it returns is the payload of the event's `triggers`. */
export type EventHandler<Event> = (event: Event, state: State) => unknown;

/** What the handler of a cron is called with. */
export type CronTick = {
  name: string;
  scheduled_at: DateTime;
  /** Another name of `scheduled_at`. */
  scheduledAt: DateTime;
  /** The first attempt is 1. */
  attempt: number;
};

/** The handler of a cron: what it returns is the payload of the cron's `triggers`. */
export type CronHandler = (tick: CronTick, state: State) => unknown;

/** The connection that a function of a WebSocket endpoint is called for. */
export type WsConnection<Endpoint, Params> = RequestParts<Params, Texts, Texts> & {
  id: Uuid;
  endpoint: Endpoint;
};

/** A function that runs when a client has connected, or has gone. */
export type WsHandler<Connection> = (connection: Connection, state: State) => unknown;

/** A function that runs for every message of a client. */
export type WsMessageHandler<Message, Connection> = (
  message: Message,
  connection: Connection,
  state: State,
) => unknown;

/** What a middleware is called with; `body` is there for apis only. An integer no `number` can hold is a `bigint`. */
export type MiddlewareRequest = RequestParts<{ [name: string]: unknown }, unknown, { [name: string]: unknown }> & {
  body?: unknown;
};

/** Goes on with nothing, goes on with the parts of the request it returns, or stops with a `Response`. */
export type MiddlewareResult = Partial<MiddlewareRequest> | Response | null | undefined | void;

/** A middleware. */
export type Middleware = (
  request: MiddlewareRequest,
  state: State,
) => MiddlewareResult | Promise<MiddlewareResult>;

/** The body of an error that the schema only names. */
export type UntypedBody = { message?: string; [field: string]: Json | undefined };

/** By this the engine knows a declared error and its body. */
const DECLARED = Symbol.for("rohas.error");

/** An error that an api declares: thrown by a handler, it answers with the declared status and its body. */
export abstract class ApiError extends Error {
  constructor(name: string, given: object | string, options?: { cause?: unknown }) {
    const body: { [field: string]: unknown } = typeof given === "string" ? { message: given } : { ...given };
    super(typeof body["message"] === "string" ? body["message"] : name, options);
    Object.defineProperty(this, "name", { value: name, configurable: true, writable: true });
    Object.defineProperty(this, DECLARED, { value: { name, body } });
    for (const field of Object.keys(body)) {
      if (!(field in this) && field !== "cause") Object.defineProperty(this, field, { value: body[field], enumerable: true });
    }
  }
}
