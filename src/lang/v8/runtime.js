// The script of an isolate: loads the handlers, takes commands and answers calls.
//
// Runs on top of the runtime's snapshot; started once by isolate.rs, then driven by its event loop. The loop never
// awaits a handler: calls overlap wherever they await. It never publishes anything: effects go into the answer.

import { core } from "ext:core/mod.js";
import { build } from "ext:rohas/arguments.js";
import { failure, loadMessage, logFields, responseFields, toJson } from "ext:rohas/convert.js";

const {
  op_rohas_answer,
  op_rohas_booted,
  op_rohas_cancelled,
  op_rohas_failed,
  op_rohas_handlers,
  op_rohas_log,
  op_rohas_next,
  op_rohas_try_next,
} = core.ops;
const { parse, stringify } = JSON;
const now = Date.now;

/** `<kind> <name>` -> { kind, run }. */
const handlers = new Map();
/** Number -> Call: what has neither been answered nor cancelled. */
const calls = new Map();
/** The call whose code is running, across its awaits. */
const running = new core.AsyncVariable();

function log(call, level, message, fields) {
  const head = {
    level,
    message: typeof message === "string" ? message : String(message),
    handler: call?.head.handler ?? "",
    invocation: call?.head.invocation ?? "",
    trace_id: call?.head.trace_id ?? "",
  };
  let line;
  try {
    line = toJson({ ...head, fields: logFields(fields) });
  } catch (error) {
    line = stringify({ ...head, fields: { unreadable: String(error?.message) } });
  }
  op_rohas_log(line);
}

/** One call in flight. */
class Call {
  payloads = [];
  triggers = [];
  cancelled = false;
  controller = null;

  constructor(head) {
    this.head = head;
    this.started = now();
  }

  signal() {
    if (this.controller === null) {
      this.controller = new AbortController();
      if (this.cancelled) this.abort();
    }
    return this.controller.signal;
  }

  abort() {
    this.controller?.abort(new DOMException("the call was cancelled", "AbortError"));
  }
}

const LEVELS = { trace: "trace", debug: "debug", info: "info", warn: "warn", warning: "warn", error: "error" };

/** What a handler gets as its last argument. Its methods work detached, too. */
class State {
  #call;
  #logger = null;

  constructor(call) {
    this.#call = call;
  }

  get logger() {
    if (this.#logger === null) {
      const call = this.#call;
      const logger = {};
      for (const name in LEVELS) {
        logger[name] = (message, fields) => log(call, LEVELS[name], message, fields);
      }
      this.#logger = logger;
    }
    return this.#logger;
  }

  // Converted at once: a later change of the value does not change what is published.
  get triggerEvent() {
    const { triggers } = this.#call;
    return (name, payload) => void triggers.push(`[${stringify(String(name))},${toJson(payload)}]`);
  }

  get trigger_event() {
    return this.triggerEvent;
  }

  get setPayload() {
    const { payloads } = this.#call;
    return (name, payload) => void payloads.push(`[${stringify(String(name))},${toJson(payload)}]`);
  }

  get set_payload() {
    return this.setPayload;
  }

  get deadline() {
    return new Date(this.#call.started + this.#call.head.remaining_ms);
  }

  get signal() {
    return this.#call.signal();
  }

  get trace_id() {
    return this.#call.head.trace_id;
  }

  get traceId() {
    return this.#call.head.trace_id;
  }

  get attempt() {
    return this.#call.head.attempt;
  }
}

/** Runs one call to its answer. */
async function run(call, given) {
  const { head } = call;
  let answer;
  try {
    const handler = handlers.get(head.handler);
    if (handler === undefined) throw new Error(`there is no handler ${head.handler}`);
    const value = await handler.run(...build(handler.kind, given), new State(call));
    const returned = value instanceof Response ? await responseFields(value) : `"value":${toJson(value)}`;
    answer = `{${returned},"payloads":[${call.payloads}],"triggers":[${call.triggers}]}`;
  } catch (error) {
    answer = failure(error);
  }
  if (calls.delete(head.call)) op_rohas_answer(head.call, answer);
}

function begin(head, given, bigints) {
  // JSON.parse has rounded these: they come as digits, with their place.
  for (const [digits, ...place] of bigints) {
    const last = place.pop();
    let at = given;
    for (const step of place) at = at[step];
    at[last] = BigInt(digits);
  }
  const call = new Call(head);
  calls.set(head.call, call);
  const outside = running.enter(call);
  run(call, given);
  core.setAsyncContext(outside);
}

function cancel(number) {
  const call = calls.get(number);
  if (call !== undefined) {
    calls.delete(number);
    call.cancelled = true;
    call.abort();
  }
  op_rohas_cancelled(number);
}

/** Returns the function of a module: an export, or a method of a default export that is an object. */
function choose(module, names) {
  const fallback = module.default;
  for (const name of names) {
    if (typeof module[name] === "function") return module[name];
    if (fallback !== null && typeof fallback === "object" && typeof fallback[name] === "function") {
      return (...given) => fallback[name](...given);
    }
  }
  return null;
}

/** Imports every handler module; returns all problems. */
async function load() {
  const problems = [];
  for (const { kind, name, path, url, functions } of parse(op_rohas_handlers())) {
    const handler = `${kind} ${name}`;
    try {
      const module = await import(url);
      const run = choose(module, functions);
      if (run === null) {
        const exports = Object.keys(module).filter((key) => key !== "module.exports");
        problems.push({ kind: "function", handler, path, tried: functions, exports });
      } else {
        handlers.set(handler, { kind, run });
      }
    } catch (error) {
      problems.push({ kind: "load", handler, path, message: loadMessage(error) });
    }
  }
  return problems;
}

/** Takes commands for as long as there are any. */
async function serve() {
  let text = await op_rohas_next();
  while (text !== null) {
    const command = parse(text);
    if (command.cancel === undefined) begin(command.call, command.arguments, command.bigints);
    else cancel(command.cancel);
    text = op_rohas_try_next() ?? (await op_rohas_next());
  }
}

/** Sends what handlers print to the log, and errors that nobody handles. */
function redirect() {
  const { Console } = core.loadExtScript("ext:deno_web/01_console.js");
  const levels = ["debug", "info", "warn", "error"];
  globalThis.console = new Console((text, level) => {
    log(running.get(), levels[level] ?? "info", text.endsWith("\n") ? text.slice(0, -1) : text);
  });
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    log(running.get(), "error", "unhandled rejection", { error: event.reason });
  });
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    log(running.get(), "error", "uncaught error", { error: event.error });
  });
}

async function start() {
  for (const name of Object.keys(core.ops)) {
    if (name.startsWith("op_rohas_")) delete core.ops[name];
  }
  redirect();
  op_rohas_booted(stringify(await load()));
  await serve();
}

globalThis.__rohas_start = () => void start().catch((error) => op_rohas_failed(String(error?.stack ?? error)));
