// The part of the handler contract that this project uses, as types.

export interface Request<Body = null, Query = Record<string, string>, Params = Record<string, never>> {
  body: Body;
  query: Query;
  params: Params;
  headers: Record<string, string>;
  method: string;
  path: string;
}

export interface Event<Payload> {
  id: string;
  name: string;
  payload: Payload;
  attempt: number;
}

export interface Connection {
  id: string;
  endpoint: string;
  params: Record<string, string>;
}

type Log = (message: string, fields?: Record<string, unknown>) => void;

export interface State {
  logger: { debug: Log; info: Log; warn: Log; error: Log };
  /** Publishes any event once the handler has succeeded. */
  triggerEvent(name: string, payload?: unknown): void;
  /** Replaces the payload of an event in the entity's `triggers`. */
  setPayload(name: string, payload: unknown): void;
  /** Aborted when nobody waits for the call any more. */
  signal: AbortSignal;
}
