//! [`Path`]: the path parameters as a struct, as a tuple in the order of the path, or as one value.
//!
//! Which of them it is, a type says itself: [`Shape`] is what it asks a deserializer for. Called like every extractor.

use std::cell::Cell;
use std::fmt;
use std::ops::Deref;

use serde::de::{DeserializeOwned, Deserializer, Error, Visitor};

use crate::invocation::{Failure, Json, Kind};
use crate::lang::Problem;
use crate::lang::native::extract::{Arguments, Call, FromCall, Target, read, short_name};

/// The path parameters: a struct with their names, a tuple in the order of the path, or the only one. Dereferences to
/// them. Middlewares, which run before several paths, take a struct.
#[derive(Debug, Clone)]
pub struct Path<T>(pub T);

impl<T> Deref for Path<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned> FromCall for Path<T> {
    fn check(target: &Target<'_>) -> Result<(), Problem> {
        let taken = format!("Path<{}>", short_name::<T>());
        if matches!(target.arguments, Arguments::Event | Arguments::Tick) || target.params.is_empty() {
            let problem = target.problem(&taken, &format!("{} has no path parameters", target.entity));
            return Err(problem
                .hint("declare them in the schema, as in `path: \"/users/{id}\"`, or do not take them"));
        }
        let names = target.params.join(", ");
        let count = target.params.len();
        let why = match shape::<T>() {
            Shape::Tuple(length) if length != count => {
                format!("{} has {count} path parameter(s): {names}", target.entity)
            }
            Shape::Single if count != 1 => format!("{} has {count} path parameters: {names}", target.entity),
            Shape::Tuple(2..) | Shape::List if target.handler.kind == Kind::Middleware => {
                "a middleware runs before several paths, whose orders may differ".to_owned()
            }
            Shape::Struct(fields)
                if !fields.iter().any(|field| target.params.iter().any(|name| name == field)) =>
            {
                format!("none of its fields is a path parameter of {}: {names}", target.entity)
            }
            _ => return Ok(()),
        };
        let hint = "take a struct with these fields, a tuple in this order or, of one parameter, the value";
        Err(target.problem(&taken, &why).hint(hint))
    }

    async fn from_call(call: &Call) -> Result<Self, Failure> {
        let value = match shape::<T>() {
            Shape::Struct(_) | Shape::Map => return read(call.params()).map(Path),
            Shape::Any => return read_any(call).map(Path),
            Shape::Single => call.params_in_order().next().cloned().unwrap_or(Json::Null),
            Shape::Tuple(_) | Shape::List => call.params_in_order().cloned().collect(),
        };
        read(&value).map(Path)
    }
}

/// Reads a type that takes what comes: all of the parameters or, if those do not fit, the only one.
fn read_any<T: DeserializeOwned>(call: &Call) -> Result<T, Failure> {
    let mut values = call.params_in_order();
    match (T::deserialize(call.params()), values.next(), values.next()) {
        (Ok(all), ..) => Ok(all),
        (Err(_), Some(only), None) => read(only),
        (Err(_), ..) => read(call.params()),
    }
}

/// What a type wants to be read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Fields of these names.
    Struct(&'static [&'static str]),
    /// Names and values, not known beforehand.
    Map,
    /// Whatever there is: it looks at the value first, as decimals and untagged enums do.
    Any,
    /// So many values in order.
    Tuple(usize),
    /// Values in order.
    List,
    /// One value.
    Single,
}

/// Asks a type for its shape: it is given a deserializer that notes the question and gives no answer.
fn shape<T: DeserializeOwned>() -> Shape {
    let asked = Cell::new(Shape::Single);
    let _ = T::deserialize(Question { asked: &asked });
    asked.get()
}

struct Question<'a> {
    asked: &'a Cell<Shape>,
}

/// That there is no answer.
#[derive(Debug)]
struct NoAnswer;

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("only the question was wanted")
    }
}

impl std::error::Error for NoAnswer {}

impl Error for NoAnswer {
    fn custom<T: fmt::Display>(_: T) -> Self {
        NoAnswer
    }
}

impl Question<'_> {
    fn note<T>(&self, shape: Shape) -> Result<T, NoAnswer> {
        self.asked.set(shape);
        Err(NoAnswer)
    }
}

/// Twenty methods that differ in nothing but the name: serde's own macro would make them ask for anything.
macro_rules! single {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NoAnswer> {
            self.note(Shape::Single)
        }
    )*};
}

impl<'de> Deserializer<'de> for Question<'_> {
    type Error = NoAnswer;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NoAnswer> {
        self.note(Shape::Any)
    }

    fn deserialize_map<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NoAnswer> {
        self.note(Shape::Map)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, NoAnswer> {
        self.note(Shape::Struct(fields))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, _: V) -> Result<V::Value, NoAnswer> {
        self.note(Shape::Tuple(length))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        _: V,
    ) -> Result<V::Value, NoAnswer> {
        self.note(Shape::Tuple(length))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NoAnswer> {
        self.note(Shape::List)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, NoAnswer> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NoAnswer> {
        visitor.visit_some(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, NoAnswer> {
        self.note(Shape::Single)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NoAnswer> {
        self.note(Shape::Map)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, _: V) -> Result<V::Value, NoAnswer> {
        self.note(Shape::Single)
    }

    single! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32
        deserialize_f64 deserialize_char deserialize_str deserialize_string deserialize_bytes
        deserialize_byte_buf deserialize_unit deserialize_identifier
    }
}
