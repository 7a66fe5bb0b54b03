// Turns what handlers return, raise and publish into JSON text.
//
// Called by runtime.js. Plain values take V8's own fast path; only values that hold something JSON does not know go
// through a replacer. Never changes a value of the handler.

const { parse, rawJSON, stringify } = JSON;
const { isArray } = Array;
const { fromEntries, getPrototypeOf, keys } = Object;
const { isInteger, isSafeInteger } = Number;
const { isView } = ArrayBuffer;
const { asIntN } = BigInt;
const plainPrototype = Object.prototype;

/** Deeper values take the slow path, which also finds cycles. */
const PLAIN_DEPTH = 64;

/** Tells whether JSON.stringify alone converts `value` as we want it. */
function isPlain(value, depth) {
  switch (typeof value) {
    case "object":
      break;
    case "bigint":
      return false;
    case "number":
      return isSafeInteger(value) || !isInteger(value);
    default:
      return true;
  }
  if (value === null) return true;
  if (depth === 0) return false;
  if (isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      if (!isPlain(value[i], depth - 1)) return false;
    }
    return true;
  }
  const prototype = getPrototypeOf(value);
  if (prototype !== plainPrototype && prototype !== null) return false;
  for (const key in value) {
    if (!isPlain(value[key], depth - 1)) return false;
  }
  return true;
}

function base64(view) {
  const bytes = isView(view)
    ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
    : new Uint8Array(view);
  return bytes.toBase64();
}

/** Replaces what JSON does not know; `this[key]` is the value before any `toJSON`. */
function replace(key, value) {
  const raw = this[key];
  // Exact as far as an `Int` reaches; what is larger is text, as which a `Decimal` takes it.
  if (typeof value === "bigint") return asIntN(64, value) === value ? rawJSON(String(value)) : String(value);
  // A number that large has been rounded, perhaps: it is no integer to whoever wants one exactly.
  if (typeof value === "number" && isInteger(value) && !isSafeInteger(value)) {
    const digits = String(value);
    return digits.includes("e") ? value : rawJSON(`${digits}.0`);
  }
  if (raw === null || typeof raw !== "object") return value;
  if (raw instanceof Map) return fromEntries(raw);
  if (raw instanceof Set) return [...raw];
  if (isView(raw) || raw instanceof ArrayBuffer) return base64(raw);
  return value;
}

/** Returns the JSON text of `value`; null for what has none (undefined, functions, symbols). */
export function toJson(value) {
  const text = isPlain(value, PLAIN_DEPTH) ? stringify(value) : stringify(value, replace);
  return text === undefined ? "null" : text;
}

/** Returns the head and the body of a web Response as the fields of an answer. */
export async function responseFields(response) {
  const headers = [...response.headers];
  // Bytes that are not text would arrive broken: fail instead, until bodies can be bytes.
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await response.arrayBuffer());
  const type = response.headers.get("content-type") ?? "";
  const head = stringify({ status: response.status, headers });
  return `"value":${body(text, type)},"response":${head}`;
}

function body(text, type) {
  if (text === "") return "null";
  if (/^application\/(?:[\w.+-]+\+)?json\b/i.test(type)) {
    try {
      parse(text);
      return text;
    } catch {
      // Says JSON and is not: pass on what the handler wrote.
    }
  }
  return stringify(text);
}

/** Frames of these scripts say nothing about the handler. */
const OUR_FRAME = /\n\s+at [^\n]*\bext:rohas\/[^\n]*/g;

/** Returns the stack of `error`, with those of its causes. */
function stackOf(error) {
  let stack = "";
  for (let depth = 0; depth < 8 && error !== null && typeof error === "object"; depth++) {
    const own = typeof error.stack === "string" ? error.stack : `${error.name ?? "Error"}: ${error.message ?? ""}`;
    stack += depth === 0 ? own : `\nCaused by: ${own}`;
    error = error.cause;
  }
  return stack.replace(OUR_FRAME, "");
}

/** By this the generated error classes carry their name in the schema and their body. */
const DECLARED = Symbol.for("rohas.error");

/** Returns the name, message, stack and body of whatever was thrown. */
function describe(thrown) {
  if (thrown === null || (typeof thrown !== "object" && typeof thrown !== "function")) {
    const message = String(thrown);
    return { name: "Error", message, stack: "", body: { message } };
  }
  const declared = thrown[DECLARED];
  if (declared !== undefined) {
    return { name: declared.name, message: String(thrown.message), stack: stackOf(thrown), body: declared.body };
  }
  const named = typeof thrown.name === "string" && thrown.name !== "" && thrown.name !== "Error";
  const name = named ? thrown.name : thrown.constructor?.name || "Error";
  const message = typeof thrown.message === "string" ? thrown.message : toJson(thrown);
  const body = {};
  for (const key of keys(thrown)) {
    if (key !== "name" && key !== "message" && key !== "stack" && key !== "cause") body[key] = thrown[key];
  }
  body.message = message;
  return { name, message, stack: stackOf(thrown), body };
}

/** Returns the JSON text of the answer for `thrown`; never throws itself. */
export function failure(thrown) {
  try {
    const error = describe(thrown);
    try {
      return `{"error":${toJson(error)}}`;
    } catch {
      // A field that cannot be converted must not hide the error.
      return stringify({ error: { ...error, body: { message: error.message } } });
    }
  } catch (error) {
    return stringify({ error: { name: "Error", message: `an error that cannot be read (${error?.message})` } });
  }
}

/** Returns the fields of a log line as a plain value; errors become their stacks. */
export function logFields(fields) {
  if (fields === undefined || fields === null) return null;
  if (fields instanceof Error) return { error: stackOf(fields) };
  if (typeof fields !== "object" || isArray(fields)) return { value: fields };
  const plain = {};
  for (const [key, value] of fields instanceof Map ? fields : Object.entries(fields)) {
    plain[key] = value instanceof Error ? stackOf(value) : value;
  }
  return plain;
}

/** Returns a one-line description with its place of an error that kept a module from loading. */
export function loadMessage(error) {
  if (error === null || typeof error !== "object") return String(error);
  // Whatever the loader reports arrives as a TypeError, so that name says nothing.
  const named = error.name !== undefined && error.name !== "Error" && error.name !== "TypeError";
  const text = `${named ? `${error.name}: ` : ""}${error.message}`;
  if (/file:\/\/\S+:\d+/.test(text)) return text;
  const place = /file:\/\/[^\s()]+:\d+:\d+/.exec(String(error.stack));
  return place === null ? text : `${text} at ${place[0]}`;
}
