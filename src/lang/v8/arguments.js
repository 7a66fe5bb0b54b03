// Builds what a handler is called with from the JSON arguments, by the kind of the handler.
//
// Called by runtime.js for each call. Real attributes always win: parameters and payload fields are copied onto the
// argument only where nothing of that name is there.

const { assign } = Object;

/** Makes `camel` another name of the attribute `snake`. */
function alias(type, camel, snake) {
  Object.defineProperty(type.prototype, camel, {
    get() {
      return this[snake];
    },
    set(value) {
      this[snake] = value;
    },
    configurable: true,
  });
}

class Request {}
alias(Request, "queryParams", "query_params");
alias(Request, "clientAddr", "client_addr");

class Connection {}
alias(Connection, "queryParams", "query_params");
alias(Connection, "clientAddr", "client_addr");

class Event {}
alias(Event, "correlationId", "correlation_id");
alias(Event, "causationId", "causation_id");

class Tick {}
alias(Tick, "scheduledAt", "scheduled_at");

/** Makes the fields of `source` readable on `target` as well. */
function expose(target, source) {
  if (source === null || typeof source !== "object" || Array.isArray(source)) return;
  for (const name in source) {
    if (!(name in target)) target[name] = source[name];
  }
}

function isObject(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** Returns the positional arguments before `state`. */
export function build(kind, given) {
  if (kind === "ws") {
    // After the message, or alone.
    given.push(assign(new Connection(), given.pop()));
    return given;
  }
  const first = given[0];
  if (!isObject(first)) return given;
  switch (kind) {
    case "api":
    case "middleware": {
      const request = assign(new Request(), first);
      expose(request, first.params);
      given[0] = request;
      break;
    }
    case "event": {
      const event = assign(new Event(), first);
      expose(event, first.payload);
      given[0] = event;
      break;
    }
    case "cron":
      given[0] = assign(new Tick(), first);
      break;
  }
  return given;
}
