//! The names that code in Python and Rust needs beyond those of the schema: these languages cannot write a type in place.
//!
//! Called by `python` and `rust`. Knows no words of a language.

use std::collections::HashSet;

use crate::schema::{Type, pascal_case};

/// Adds `_` until nothing has the name.
pub(super) fn free(mut name: String, taken: impl Fn(&str) -> bool) -> String {
    while taken(&name) {
        name.push('_');
    }
    name
}

/// Returns the name of an inline type: `User` and `home_address` → `UserHomeAddress`.
pub(super) fn joined(owner: &str, field: &str) -> String {
    let field: String = field.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    format!("{owner}{}", pascal_case(&field))
}

/// Identifies a type expression: the schema does not move while code is generated.
pub(super) fn address(ty: &Type) -> usize {
    std::ptr::from_ref(ty).addr()
}

/// Names the inline types of one module: their owner's name with their field's.
pub(super) struct Namer<'d> {
    /// Names that are taken in many modules.
    declared: &'d HashSet<String>,
    /// The names of this module.
    pub(super) taken: HashSet<String>,
    /// The inline types by their addresses, in the order of their owners.
    pub(super) named: Vec<(usize, String)>,
}

impl<'d> Namer<'d> {
    pub(super) fn new(declared: &'d HashSet<String>, own: impl IntoIterator<Item = String>) -> Self {
        Namer { declared, taken: own.into_iter().collect(), named: Vec::new() }
    }

    /// Names the inline types of a body, a response and the like: `name`, which is taken, is for the whole.
    pub(super) fn whole(&mut self, ty: &Type, name: &str) {
        if matches!(ty, Type::Inline(_)) {
            self.taken.remove(name);
            self.part(ty, name.to_owned());
        } else {
            self.part(ty, format!("{name}Item"));
        }
    }

    /// Names the inline types in `ty`; the outermost is called `name`, if that is free.
    pub(super) fn part(&mut self, ty: &Type, name: String) {
        match ty {
            Type::Inline(fields) => {
                let name = free(name, |name| self.taken.contains(name) || self.declared.contains(name));
                self.taken.insert(name.clone());
                self.named.push((address(ty), name.clone()));
                for field in fields {
                    self.part(&field.ty, joined(&name, &field.name));
                }
            }
            Type::List(inner) | Type::Map(inner) | Type::Optional(inner) => self.part(inner, name),
            Type::Scalar(_) | Type::Named(_) => {}
        }
    }
}
