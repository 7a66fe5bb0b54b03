//! The modules of shapes, enums and error classes. Called by [`Package`](super::Package).

use crate::codegen::PythonModels;
use crate::schema::{Enum, Field, Shape, Type};

use super::Package;
use super::module::Module;
use super::names::{Holder, attributes, module_name};
use super::types::{comment, docstring, may_be_absent, quoted};

/// Writes `models/<name>.py` of a shape.
pub(super) fn shape(package: &Package<'_>, shape: &Shape) -> String {
    let mut module =
        Module::new(package, "models", &module_name(&shape.name), std::slice::from_ref(&shape.name));
    module.reserve_fields(&shape.fields);
    module.record(&shape.name, &shape.fields, shape.doc.as_deref());
    module.finish()
}

/// Writes `models/<name>.py` of an enum.
pub(super) fn enumeration(package: &Package<'_>, item: &Enum) -> String {
    let mut module =
        Module::new(package, "models", &module_name(&item.name), std::slice::from_ref(&item.name));
    let members = attributes(item.names(), Holder::Enum, &[]);
    let (text, parent) = (module.builtin("str"), module.import("enum", "Enum"));
    let mut body = docstring(item.doc.as_deref(), "    ");
    if !body.is_empty() {
        body.push('\n');
    }
    for (value, member) in item.values.iter().zip(&members) {
        body += &comment(value.doc.as_deref(), None, "    ");
        body += &format!("    {member} = {}\n", quoted(&value.name));
    }
    module.class(&format!("class {}({text}, {parent}):\n{body}", item.name));
    module.export(&item.name);
    module.finish()
}

/// Writes `errors/<name>.py`: an exception with the fields of the shape by that name.
pub(super) fn error(package: &Package<'_>, name: &str) -> String {
    let stem = &package.errors[name];
    let mut module = Module::new(package, "errors", stem, &[name.to_owned()]);
    let exception = module.runtime("DeclaredError");
    let doc = Some(package.schema.shapes.get(name).and_then(|shape| shape.doc.as_deref()))
        .flatten()
        .unwrap_or("Raise it to answer with this error.");
    match package.schema.shapes.get(name) {
        Some(shape) => {
            let names = attributes(
                shape.fields.iter().map(|field| field.name.as_str()),
                Holder::Error,
                module.classes(),
            );
            module.reserve(names);
            module.dataclass(name, Some(&exception), &shape.fields, Some(doc));
        }
        None => {
            module.reserve(["message".to_owned()]);
            let (dataclass, text) = (module.import("dataclasses", "dataclass"), module.builtin("str"));
            let doc = docstring(Some(doc), "    ");
            module.class(&format!(
                "@{dataclass}(eq=False)\nclass {name}({exception}):\n{doc}\n    message: {text} = \"\"\n"
            ));
            module.export(name);
        }
    }
    module.finish()
}

impl Module<'_> {
    /// Keeps the names of fields, and of those of their inline types, from being those of imports.
    pub(super) fn reserve_fields(&mut self, fields: &[Field]) {
        let wire = fields.iter().map(|field| field.name.as_str());
        let names = attributes(wire, self.holder(), self.classes());
        self.reserve(names);
        for field in fields {
            self.reserve_type(&field.ty);
        }
    }

    /// Keeps the names of the fields of inline types.
    pub(super) fn reserve_type(&mut self, ty: &Type) {
        match ty {
            Type::Inline(fields) => self.reserve_fields(fields),
            Type::List(inner) | Type::Map(inner) | Type::Optional(inner) => self.reserve_type(inner),
            Type::Scalar(_) | Type::Named(_) => {}
        }
    }

    /// Adds the class of a shape or an inline type, after those of the inline types in it.
    pub(super) fn record(&mut self, name: &str, fields: &[Field], doc: Option<&str>) {
        for field in fields {
            self.inline_records(&field.ty, field.doc.as_deref());
        }
        match self.package.models {
            PythonModels::Dataclass => self.dataclass(name, None, fields, doc),
            PythonModels::Pydantic => self.pydantic(name, fields, doc),
        }
    }

    /// Adds the classes of the inline types in `ty`.
    pub(super) fn inline_records(&mut self, ty: &Type, doc: Option<&str>) {
        match ty {
            Type::Inline(fields) => {
                let name = self.inline(ty);
                self.record(&name, fields, doc);
            }
            Type::List(inner) | Type::Map(inner) | Type::Optional(inner) => self.inline_records(inner, doc),
            Type::Scalar(_) | Type::Named(_) => {}
        }
    }

    fn dataclass(&mut self, name: &str, exception: Option<&str>, fields: &[Field], doc: Option<&str>) {
        let holder = if exception.is_some() { Holder::Error } else { Holder::Dataclass };
        let body = self.body(fields, holder, doc, |module, field, attribute| {
            let mut options = Vec::new();
            let default = module.default_option(field, false, &mut options);
            let mut metadata = Vec::new();
            if attribute != field.name {
                metadata.push(format!("\"rohas\": {}", quoted(&field.name)));
            }
            if field.attributes.auto && !field.ty.is_optional() && field.attributes.default.is_none() {
                metadata.push("\"rohas_auto\": True".to_owned()); // None is left out: null is not a value of it
            }
            match (default, options.is_empty() && metadata.is_empty()) {
                (default, true) => default.map(|default| format!(" = {default}")).unwrap_or_default(),
                (default, false) => {
                    options.extend(default.map(|default| format!("default={default}")));
                    if !metadata.is_empty() {
                        options.push(format!("metadata={{{}}}", metadata.join(", ")));
                    }
                    format!(" = {}({})", module.import("dataclasses", "field"), options.join(", "))
                }
            }
        });
        let decorator = self.import("dataclasses", "dataclass");
        // An exception must have a hash.
        let (decorator, parents) = match exception {
            Some(exception) => (format!("{decorator}(eq=False)"), format!("({exception})")),
            None => (decorator, String::new()),
        };
        self.class(&format!("@{decorator}\nclass {name}{parents}:\n{body}"));
        self.export(name);
    }

    fn pydantic(&mut self, name: &str, fields: &[Field], doc: Option<&str>) {
        let body = self.body(fields, Holder::Pydantic, doc, |module, field, attribute| {
            let mut options = Vec::new();
            let default = module.default_option(field, true, &mut options);
            if attribute != field.name {
                let wire = quoted(&field.name);
                options.push(format!("validation_alias={wire}, serialization_alias={wire}"));
            }
            if options.is_empty() {
                return default.map(|default| format!(" = {default}")).unwrap_or_default();
            }
            if let Some(default) = default {
                options.insert(0, format!("default={default}"));
            }
            format!(" = {}({})", module.import("pydantic", "Field"), options.join(", "))
        });
        let parent = self.import_own("models._record", "Record");
        self.class(&format!("class {name}({parent}):\n{body}"));
        self.export(name);
    }

    /// Returns the default of a field, or adds its factory to `options`.
    fn default_option(&mut self, field: &Field, copies: bool, options: &mut Vec<String>) -> Option<String> {
        let Some(default) = &field.attributes.default else {
            return may_be_absent(field).then(|| "None".to_owned());
        };
        match self.default(&field.ty, default) {
            (value, false) => Some(value),
            // pydantic copies what is mutable.
            (value, true) if copies && value.starts_with(['[', '{']) => Some(value),
            (value, true) => {
                let factory = match value.as_str() {
                    "[]" => self.builtin("list"),
                    "{}" => self.builtin("dict"),
                    value => match value.strip_suffix("()") {
                        Some(function) if !function.contains(['(', '.']) => function.to_owned(),
                        _ => format!("lambda: {value}"),
                    },
                };
                options.push(format!("default_factory={factory}"));
                None
            }
        }
    }

    /// Writes the body of a class: what has no default comes first, as a dataclass needs it.
    fn body(
        &mut self,
        fields: &[Field],
        holder: Holder,
        doc: Option<&str>,
        assignment: impl Fn(&mut Self, &Field, &str) -> String,
    ) -> String {
        let names = attributes(fields.iter().map(|field| field.name.as_str()), holder, self.classes());
        let mut ordered: Vec<(&Field, &String)> = fields.iter().zip(&names).collect();
        ordered.sort_by_key(|(field, _)| may_be_absent(field) || field.attributes.default.is_some());
        let mut body = docstring(doc, "    ");
        if !body.is_empty() && !fields.is_empty() {
            body.push('\n');
        }
        for (field, name) in ordered {
            let mut ty = self.ty(&field.ty);
            if may_be_absent(field) && !field.ty.is_optional() {
                ty = self.optional(&ty);
            }
            let value = assignment(self, field, name);
            body += &comment(field.doc.as_deref(), field.attributes.deprecated.as_deref(), "    ");
            body += &format!("    {name}: {ty}{value}\n");
        }
        if body.is_empty() { "    pass\n".to_owned() } else { body }
    }
}
