// The errors that apis declare in `errors:`. The class name is what the schema names; anything else thrown is a 500.

export class NotFound extends Error {}
export class Conflict extends Error {}
export class Forbidden extends Error {}
export class Unreachable extends Error {}
