import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

import { Forbidden, Unreachable } from "../../lib/errors.ts";
import type { Request, State } from "../../lib/rohas.ts";

type Query = { url: string; timeoutMs: number };

export async function handler({ query }: Request<null, Query>, state: State) {
  // The configuration grants no other host either; this makes it a 403 instead of a 500.
  if (new URL(query.url).hostname !== "127.0.0.1") throw new Forbidden("only 127.0.0.1 may be probed");
  const signal = AbortSignal.any([state.signal, AbortSignal.timeout(query.timeoutMs)]);
  const started = Date.now();
  const response = await attempt(query.url, signal).catch(async () => {
    await delay(20, undefined, { signal });
    return attempt(query.url, signal);
  }).catch((error) => {
    throw new Unreachable(`${query.url} does not answer`, { cause: error });
  });
  const fingerprint = createHash("sha256").update(await response.text()).digest("hex");
  return { status: response.status, millis: Date.now() - started, fingerprint };
}

function attempt(url: string, signal: AbortSignal): Promise<Response> {
  return fetch(url, { signal });
}
