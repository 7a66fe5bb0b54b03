//! The stable codes of diagnostics: title, severity, explanation, an example of the problem and its cure. Used by every
//! pass, by `rohas explain` and by the docs; a code is never given another meaning.
//!
//! The examples and cures are the files `codes/S0001.ro` and `codes/S0001_cured.ro`; a test compiles them all.

use super::diagnostic::Severity;

/// What there is to say about a code.
#[derive(Debug, Clone, Copy)]
pub struct Code {
    /// The code itself, `S0001`.
    pub code: &'static str,
    /// The problem in a few words.
    pub title: &'static str,
    /// Whether it keeps an app from starting; the same for every diagnostic of the code.
    pub severity: Severity,
    /// What it means and why it is a problem, in one to four sentences.
    pub explanation: &'static str,
    /// A whole schema that has this problem and no other.
    pub example: &'static str,
    /// The same schema without the problem.
    pub cure: &'static str,
}

macro_rules! codes {
    ($($name:ident = $code:literal, $severity:ident, $title:literal, $explanation:literal;)*) => {
        $(#[doc = concat!("Names the problem `", $code, "`: ", $title, ".")] pub const $name: &str = $code;)*

        /// Lists every code, in order.
        pub const ALL: &[Code] = &[$(Code {
            code: $code,
            title: $title,
            severity: Severity::$severity,
            explanation: $explanation,
            example: include_str!(concat!("codes/", $code, ".ro")),
            cure: include_str!(concat!("codes/", $code, "_cured.ro")),
        }),*];
    };
}

// A macro of our own, so that a code cannot exist without standing in the table.
codes! {
    SYNTAX = "S0001", Error, "syntax error",
    "Here stands something that the language does not have at this place: a sign too many, a value that is \
     missing, `=` for `:`, single quotes. The rest of the item is still read, so that one slip hides no other \
     problem.";

    UNCLOSED = "S0002", Error, "a brace, a text or a comment is never closed",
    "What is opened must be closed: `{`, `[`, `(` and `<` within their item, a text within its line, `/*` within \
     the file. A new item at the start of a line ends the one before it, so look between the marked place and the \
     next item.";

    UNKNOWN_ITEM = "S0003", Error, "unknown kind of item",
    "A file is a row of items, and each begins with one of the words model, input, type, enum, api, event, cron \
     and ws.";

    DUPLICATE_ITEM = "S0004", Error, "item declared twice",
    "All files of a project form one namespace. Models, inputs, types and enums share their names; apis, events, \
     crons and websockets have each their own set. The second item of a name is not used.";

    DUPLICATE_FIELD = "S0005", Error, "field or enum value declared twice",
    "A field of a shape, a header and a value of an enum stand for one thing each. The second one of a name is \
     not used.";

    DUPLICATE_PROPERTY = "S0006", Error, "property given twice",
    "Each property of an item is given once; older spellings of a property (`handlers` for `handler`) count as \
     the same. The second one is not used.";

    UNKNOWN_PROPERTY = "S0007", Error, "unknown property",
    "Every kind of item has a fixed set of properties. A misspelt one would silently do nothing, so it is an \
     error.";

    UNKNOWN_TYPE = "S0008", Error, "unknown type",
    "A type is a scalar (String, Int, Float, Boolean, DateTime, Date, Uuid, Decimal, Bytes, Json), a declared \
     model, input, type or enum, or made of these with `[]`, `?`, `Map<…>` and `{ … }`. Case counts.";

    UNKNOWN_EVENT = "S0009", Error, "unknown event",
    "`triggers` names events of the schema, because what is published is checked against their payload. Declare \
     the event, even if nothing handles it yet.";

    UNKNOWN_ATTRIBUTE = "S0010", Error, "unknown attribute",
    "Attributes begin with `@` and are a fixed set: @id @auto @unique @optional @default @deprecated @min @max \
     @length @pattern @format @secret @bigint.";

    MISPLACED_ATTRIBUTE = "S0011", Error, "attribute cannot apply here",
    "An attribute limits or describes a field of a certain type: `@min` a number, `@pattern` a text. On another \
     type it could never hold, and on a property of an api, event, cron or websocket it would mean nothing.";

    BAD_ARGUMENT = "S0012", Error, "bad argument of an attribute",
    "The attribute is known, but what stands in its parentheses is missing, of the wrong kind, or contradicts \
     itself or another attribute of the field, as a `@min` above the `@max`.";

    BAD_DEFAULT = "S0013", Error, "default does not fit its type",
    "A default is used where the value is absent, so it must itself be a value of the type, within the limits of \
     the field. Defaults are literals, values of an enum, lists of these, `{}` for maps and Json, `now` for times \
     and `uuid` for identifiers.";

    DUPLICATE_ROUTE = "S0014", Error, "routes that cannot be told apart",
    "The router cannot tell the paths of two apis of one method, or of two websockets, apart: they differ in the names \
     of parameters only, or `{*rest}` stands where the other path has a parameter. Apis of different methods, and an \
     api and a websocket, are never in each other's way.";

    DUPLICATE_PARAMETER = "S0015", Error, "path parameter declared twice",
    "Handlers get path parameters by name, so a path can use each name once.";

    UNKNOWN_PARAMETER = "S0016", Error, "parameter is not in the path",
    "`params` gives types to the parameters of the path; a name that the path does not have would never get a \
     value.";

    BAD_PATH = "S0017", Error, "malformed path",
    "A path starts with `/` and consists of segments. A parameter is a whole segment, `{id}` or `:id`; `{*rest}` \
     takes the rest and stands last. Query strings do not belong to it.";

    BAD_SCHEDULE = "S0018", Error, "bad cron expression",
    "A schedule has 5 fields (minute, hour, day, month, weekday), 6 with seconds first, 7 with the year last, or is a \
     nickname as @daily.";

    BAD_TIMEZONE = "S0019", Error, "unknown time zone",
    "Time zones are names of the IANA database, because only these know daylight saving time.";

    BAD_DURATION = "S0020", Error, "bad duration",
    "A duration is a whole number above zero with a unit: ms, s, m, h or d. In older schemas a bare number is \
     seconds. The longest wait of a `retry` cannot be shorter than its first.";

    UNKNOWN_KEY = "S0021", Error, "key is not a field that can keep order",
    "The `key` of an event names a field of its payload whose value keeps events in order: it must exist, be there in \
     every payload, and be a scalar other than Json, or an enum.";

    MISSING_PROPERTY = "S0022", Error, "required property is missing",
    "An api needs `method` and `path`, a cron its `schedule`, a websocket its `path`. Nothing sensible could be \
     assumed for them.";

    BAD_METHOD = "S0023", Error, "unknown HTTP method",
    "Methods are GET, POST, PUT, PATCH, DELETE, HEAD and OPTIONS.";

    BAD_STATUS = "S0024", Error, "bad HTTP status",
    "`status` is that of success, 200 to 399; those of failures, 400 to 599, are the keys of `errors`.";

    BAD_VALUE = "S0025", Error, "property has a value that it cannot have",
    "The property is known, but its value is of another kind (a number for a text), not one of its words, or a \
     list that names something twice.";

    ENDLESS_TYPE = "S0026", Error, "type can never be built",
    "A shape whose required fields lead back to itself would need an endless value, and an enum without values \
     has none. An optional field, a list or a map ends the cycle, because it can be empty.";

    TRIGGER_CYCLE = "S0027", Warning, "events trigger each other in a cycle",
    "When every event of a cycle is handled, the next is published, without end. This is right only where a \
     handler ends it by failing or the cycle is meant; what an api or a cron triggers is never part of a cycle. Of \
     events that lead to each other in many ways, one cycle is shown.";

    TOO_DEEP = "S0028", Error, "nested too deeply",
    "At most 32 levels of brackets in one item and 8 of `?` and `[]` on one type. Declare a type of its own for \
     the inner part.";

    BAD_NAME = "S0029", Error, "name cannot be used",
    "Names of items, fields, enum values and path parameters become identifiers in three languages: ASCII \
     letters, digits and `_`, no digit first, not `__` first, at least one letter or digit. Types cannot be named \
     as a built-in one, and headers have the letters that HTTP allows.";

    UNUSED_ITEM = "S0030", Warning, "type is never used",
    "No api, event, websocket or model leads to this type, so it is generated for nothing. Models are stored and \
     need no other use; events may be published by any handler and are never reported.";

    NAME_COLLISION = "S0031", Error, "names collide in generated code",
    "Generated code and handler files spell names in the case of each language, and some file systems ignore \
     case, so names of items that differ only in case or `_` become one: `UserID` and `UserId`. Fields and enum values \
     are kept apart.";

    BAD_PARAMETER_TYPE = "S0032", Error, "type cannot stand in a path, query or header",
    "Parameters arrive as text. In a path and in headers one can be a scalar other than Json, or an enum; a header may be \
     optional. A query is a shape whose fields are scalars, enums and lists of these, each perhaps optional; nothing deeper \
     has one agreed spelling in a URL.";

    RESERVED_WORD = "S0033", Error, "name is reserved",
    "The name of an item becomes a name in generated code, and this one is a word of TypeScript, Python or Rust. \
     Fields and enum values may have such names: generated code appends a `_` where it \
     must and keeps the name on the wire.";

    HANDLER_CLASH = "S0034", Error, "handler name used by two kinds",
    "A handler is found by name, and a Rust function is registered by nothing else. So one name cannot be an api \
     and an event handler, a cron or a middleware at once; functions of a websocket are named with it, as \
     `Chat.on_message`. The same name twice within one kind is one handler with two uses.";

    MEANINGLESS_OPTIONAL = "S0035", Warning, "optional where it says nothing",
    "Absent and null are the same, so a type is optional once: `T??` is `T?`, and `T? @optional` too.";

    UNEXPECTED_BODY = "S0036", Error, "a body where HTTP allows none",
    "A GET or HEAD request has no body that servers and proxies agree on: take the values from `query`. An answer \
     with the status 204, 205 or 304 has none by definition, so it cannot have a `response`.";

    DOUBTFUL_ERROR = "S0037", Warning, "error is nearly the name of a type",
    "A name in `errors` that is a model, input or type gives the error that body; any other name is an error with \
     a plain message. This one is so near to a declared type that it was probably meant.";
}

/// Returns what there is to say about `code`, in either case: `S0007`, `s0007`.
pub fn find(code: &str) -> Option<&'static Code> {
    ALL.iter().find(|known| known.code.eq_ignore_ascii_case(code))
}
