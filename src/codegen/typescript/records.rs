//! The modules of shapes, enums and error classes. Called by [`files`](super::files).

use crate::schema::{Enum, Field, Scalar, Schema, Shape, Type};

use super::module::Module;
use super::types::{comment, key, literal};
use super::{Export, Generated};

/// What every `Error` has already, or every object: a declared field of that name is in the body of the error, not on
/// the error itself. `message` is what `Error` has, and a text.
const OF_ERRORS: [&str; 11] = [
    "message",
    "name",
    "stack",
    "cause",
    "constructor",
    "hasOwnProperty",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "toLocaleString",
    "toString",
    "valueOf",
];

/// Writes `models/<Name>.ts` of a shape.
pub(super) fn shape(shape: &Shape) -> Generated {
    let name = &shape.name;
    let mut module = Module::new([name]).declares_model(name);
    let fields = module.object(&shape.fields, 0);
    module.declare(&format!("{}export type {name} = {fields};\n", comment(shape.doc.as_deref(), None, 0)));
    Generated { folder: "models", name: name.clone(), text: module.finish(), exports: vec![Export::ty(name)] }
}

/// Writes `models/<Name>.ts` of an enum: a union of texts, and an object with the same name. A TypeScript `enum` is
/// more than a type: it could not be stripped.
pub(super) fn enumeration(item: &Enum) -> Generated {
    let name = &item.name;
    let doc = comment(item.doc.as_deref(), None, 0);
    let value = |value: &crate::schema::EnumValue| {
        let doc = comment(value.doc.as_deref(), None, 2);
        format!("{doc}  {}: {},\n", key(&value.name), literal(&value.name))
    };
    let values: String = item.values.iter().map(value).collect();
    let union: Vec<String> = item.names().map(literal).collect();
    let text = format!(
        "{doc}export type {name} = {};\n\n{doc}export const {name} = {{\n{values}}} as const;\n",
        union.join(" | ")
    );
    Generated { folder: "models", name: name.clone(), text, exports: vec![Export::value(name)] }
}

/// Writes `errors/<Name>.ts`: a class that is thrown to answer with a declared error.
pub(super) fn error(schema: &Schema, name: &str) -> Generated {
    let mut module = Module::new([name]);
    let parent = module.import_value("../runtime.ts", "ApiError");
    let shape = schema.shapes.get(name);
    let body = match shape {
        Some(_) => module.model(name),
        None => module.runtime("UntypedBody"),
    };
    let fields: &[Field] = shape.map_or(&[], |shape| &shape.fields);
    let own: String = fields
        .iter()
        .filter(|field| !OF_ERRORS.contains(&field.name.as_str()))
        .map(|field| module.field(field, "declare readonly ", 2))
        .collect();
    let gap = if own.is_empty() { "" } else { "\n" };
    let parameter = match (shape.is_none(), takes_text(fields)) {
        (true, _) => format!("body: {body} | string = {{}}"),
        (false, true) => format!("body: {body} | string"),
        (false, false) => format!("body: {body}"),
    };
    let doc = comment(shape.and_then(|shape| shape.doc.as_deref()), None, 0);
    let quoted = literal(name);
    module.declare(&format!(
        "{doc}export class {name} extends {parent} {{\n{own}{gap}  constructor({parameter}, options?: {{ cause?: unknown }}) {{\n    \
         super({quoted}, body, options);\n  }}\n}}\n"
    ));
    Generated {
        folder: "errors",
        name: name.to_owned(),
        text: module.finish(),
        exports: vec![Export::value(name)],
    }
}

/// Tells whether a text alone can be the body: as its message.
fn takes_text(fields: &[Field]) -> bool {
    let is_message = |field: &Field| {
        field.name == "message" && matches!(field.ty.required(), Type::Scalar(Scalar::String))
    };
    let may_be_absent =
        |field: &Field| field.ty.is_optional() || field.attributes.auto || field.attributes.default.is_some();
    fields.iter().any(is_message) && fields.iter().all(|field| is_message(field) || may_be_absent(field))
}
