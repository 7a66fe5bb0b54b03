// What handlers do with generated types: all of it compiles, and every line under `@ts-expect-error` does not.

import type { PutLedgerHandler } from "./bigint/src/generated/api/PutLedger.ts";
import { Conflict, NotFound, PaymentRequired, type FailHandler } from "./errors/src/generated/api/Fail.ts";
import type { FailTooRequest, FailTooResponse } from "./errors/src/generated/api/FailToo.ts";
import { errors } from "./errors/src/generated/index.ts";
import type { Happened, HappenedHandler, HappenedPayload } from "./events/src/generated/events/Happened.ts";
import type { InlinedHandler } from "./events/src/generated/events/Inlined.ts";
import type { MappedHandler } from "./events/src/generated/events/Mapped.ts";
import type { OptionalHandler } from "./events/src/generated/events/Optional.ts";
import type { CronHandler, HandlerContext, Middleware, State } from "./events/src/generated/runtime.ts";
import { Response as Answer } from "./events/src/generated/runtime.ts";
import type { GetUserHandler } from "./names_typescript/src/generated/api/GetUser.ts";
import { models } from "./names_typescript/src/generated/index.ts";
import type { ChatConnectHandler, ChatMessageHandler } from "./names_typescript/src/generated/websockets/Chat.ts";
import type { AnyHandler } from "./types/src/generated/api/Any.ts";
import type { EchoHandler } from "./types/src/generated/api/Echo.ts";
import type { NothingHandler } from "./types/src/generated/api/Nothing.ts";
import { Kind } from "./types/src/generated/models/Kind.ts";
import type { Everything } from "./types/src/generated/models/Everything.ts";

// Handlers, in both forms, asynchronous or not.
export const echo: EchoHandler = async (request) => request.body;
export const plain: EchoHandler = ({ body }) => body;
export const answer: EchoHandler = () => Response.json({ any: "thing" }, { status: 202 });
export const imported: EchoHandler = () => new Answer("text");
// @ts-expect-error: not the declared body
export const wrong: EchoHandler = () => ({ s: 1 });
// @ts-expect-error: nothing is returned
export const forgotten: EchoHandler = async () => {};
export const nothing: NothingHandler = async () => {};
export const any: AnyHandler = (request) => ({ everything: request.body, nested: [1, null, { a: "b" }] });
export const anyModel = (value: Everything): ReturnType<AnyHandler> => value;
export async function handler(request: FailTooRequest, state: State): Promise<FailTooResponse> {
  state.logger.warning("called", { request });
  return { message: request.body.message, id: 1, with: { message: "", id: 2 }, at: null };
}

// Path parameters are on the request, where no part of it has the name.
export const user: GetUserHandler = (request) => {
  const id: number = request.id;
  const body: { a: number } = request.body;
  const headers: boolean = request.params.headers;
  const tenant: string | undefined = request.headers["x-tenant"];
  const text: string = request.toString();
  const client: string | null = request.client_addr ?? request.clientAddr;
  const limit: string | undefined = request.queryParams["limit"] ?? request.query_params["limit"];
  // @ts-expect-error: no such parameter
  request.nothing;
  return [{ b: id + body.a + (headers ? 1 : 0) + text.length + (tenant ?? client ?? limit ?? "").length }];
};

// Enums are unions and objects.
export const kinds: Everything["kinds"] = [Kind.RED, "GREEN", ...Object.values(Kind)];
// @ts-expect-error: not a value of the enum
export const unknown: Kind = "BLUE";
export const name: models.Kind = models.Kind.constructor;

// Optional fields are absent, null or there; what has a default is there; what the store makes may be absent.
export const read = (value: Everything): number => {
  // @ts-expect-error: may be null
  value.so.length;
  const made: number | undefined = value.made;
  return value.with + (value.withOptional ?? 0) + (value.so?.length ?? 0) + (made ?? 0);
};

// Big integers.
export const ledger: PutLedgerHandler = ({ id, body, query, headers }) => {
  const sum: bigint = id + body.id + (query.after ?? 0n) + headers["x-version"];
  const count: number = headers["x-count"] ?? query.limit;
  // @ts-expect-error: a number is not a bigint
  body.nested.deep[0]!.amount = 1;
  return { ...body, id: sum, plain: count, entries: [{ amount: 1n }] };
};

// Errors.
export const fail: FailHandler = () => {
  if (Math.random() > 1) throw new NotFound("not there");
  if (Math.random() > 1) throw new PaymentRequired();
  // @ts-expect-error: more than a message is needed
  if (Math.random() > 1) throw new Conflict("taken");
  // @ts-expect-error: the type is not right
  if (Math.random() > 1) throw new Conflict({ message: "taken", id: "1" });
  const conflict = new errors.Conflict({ message: "taken", id: 1 }, { cause: new Error("why") });
  // @ts-expect-error: the fields of an error stay as they are
  conflict.id = 2;
  const id: number = conflict.id;
  const message: string = conflict.message;
  throw id > 1 ? conflict : new Error(message);
};

// Events: the payload's fields are on the event, where it has none of the name.
export const happened: HappenedHandler = (event, state) => {
  const id: number = event.thing_id + event.payload.thing_id;
  const attempt: number = event.attempt;
  const own: string = event.payload.attempt;
  const when: string = event.time + event.correlation_id + (event.causationId ?? "");
  const name: "Happened" = event.name;
  state.triggerEvent("Counted", id);
  state.trigger_event("Happened", event.payload);
  state.setPayload("Counted", attempt);
  state.set_payload("Named", null);
  state.triggerEvent("Named");
  state.triggerEvent("Bare");
  // @ts-expect-error: no such event
  state.triggerEvent("Nothing", 1);
  // @ts-expect-error: not its payload
  state.triggerEvent("Counted", "1");
  // @ts-expect-error: it has a payload
  state.triggerEvent("Counted");
  const { logger, triggerEvent } = state;
  triggerEvent("Listed", [event.payload]);
  logger.trace("t");
  logger.debug(own, { when });
  logger.info(name, new Error("e"));
  logger.warn("w", new Map([["a", 1]]));
  logger.error("e", event);
};
export const inlined: InlinedHandler = (event) => {
  const id: string = event.id;
  const name: number = event.payload.name;
  return [id, name, event.other.thing_id];
};
export const mapped: MappedHandler = (event): number => (event.payload["a"] ?? 0) + (event["b"] ?? 0);
export const optional: OptionalHandler = (event): number => event.payload?.thing_id ?? 0;
export const thing: Happened["payload"] = { thing_id: 1, attempt: "x" } satisfies HappenedPayload;
export const context = (state: HandlerContext): [Date, AbortSignal, string, string, number] => [
  state.deadline,
  state.signal,
  state.traceId,
  state.trace_id,
  state.attempt,
];

// Crons, sockets, middlewares.
export const cron: CronHandler = async (tick, state) => state.logger.info(tick.scheduledAt + tick.name);
export const connect: ChatConnectHandler = (connection) => ({ text: connection.params.room + connection.endpoint });
export const message: ChatMessageHandler = ({ text }, { id, clientAddr }, state) => {
  if (state.signal.aborted) return undefined;
  return { text: `${id} ${clientAddr} ${text}` };
};
export const pass: Middleware = () => {};
export const change: Middleware = async (request) => ({ headers: { ...request.headers, "x-user": 7 } });
export const stop: Middleware = ({ headers }) =>
  headers["x-key"] === "k" ? undefined : Response.json({ message: "a key is needed" }, { status: 401 });
