//! The stable codes of diagnostics with their titles. Used by every pass and by the docs; a code is never reused.

macro_rules! codes {
    ($($name:ident = $code:literal, $title:literal;)*) => {
        $(#[doc = concat!("Names the problem `", $code, "`: ", $title, ".")] pub const $name: &str = $code;)*

        /// Lists every code with its one-line title, in order.
        pub const ALL: &[(&str, &str)] = &[$(($code, $title)),*];
    };
}

// A macro of our own, so that a code cannot exist without standing in the table.
codes! {
    SYNTAX = "S0001", "syntax error";
    UNCLOSED = "S0002", "a brace, a text or a comment is never closed";
    UNKNOWN_ITEM = "S0003", "unknown kind of item";
    DUPLICATE_ITEM = "S0004", "item declared twice";
    DUPLICATE_FIELD = "S0005", "field or enum value declared twice";
    DUPLICATE_PROPERTY = "S0006", "property given twice";
    UNKNOWN_PROPERTY = "S0007", "unknown property";
    UNKNOWN_TYPE = "S0008", "unknown type";
    UNKNOWN_EVENT = "S0009", "unknown event";
    UNKNOWN_ATTRIBUTE = "S0010", "unknown attribute";
    MISPLACED_ATTRIBUTE = "S0011", "attribute cannot apply here";
    BAD_ARGUMENT = "S0012", "bad argument of an attribute";
    BAD_DEFAULT = "S0013", "default does not fit its type";
    DUPLICATE_ROUTE = "S0014", "route declared twice";
    DUPLICATE_PARAMETER = "S0015", "path parameter declared twice";
    UNKNOWN_PARAMETER = "S0016", "parameter is not in the path";
    BAD_PATH = "S0017", "malformed path";
    BAD_SCHEDULE = "S0018", "bad cron expression";
    BAD_TIMEZONE = "S0019", "unknown time zone";
    BAD_DURATION = "S0020", "bad duration";
    UNKNOWN_KEY = "S0021", "key is not a field of the payload";
    MISSING_PROPERTY = "S0022", "required property is missing";
    BAD_METHOD = "S0023", "unknown HTTP method";
    BAD_STATUS = "S0024", "bad HTTP status";
    BAD_VALUE = "S0025", "property has the wrong kind of value";
    ENDLESS_TYPE = "S0026", "type can never be built";
    TRIGGER_CYCLE = "S0027", "events trigger each other in a cycle";
    TOO_DEEP = "S0028", "nested too deeply";
    BAD_NAME = "S0029", "name cannot be used";
    UNUSED_ITEM = "S0030", "item is never used";
    NAME_COLLISION = "S0031", "names collide in generated code";
    BAD_PARAMETER_TYPE = "S0032", "path parameter has a type that cannot stand in a path";
}

/// Returns the one-line title of `code`.
pub fn title(code: &str) -> Option<&'static str> {
    ALL.iter().find(|(known, _)| *known == code).map(|(_, title)| *title)
}
