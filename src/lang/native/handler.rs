//! [`Handler`]: what makes a typed async function of up to six arguments a handler.
//!
//! Called by the builder: `erase` when a function is registered, `check` and `bind` once the schema is known. Knows
//! nothing of any argument but that it is [`FromCall`].

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::invocation::{Failure, Invocation, Outcome};
use crate::lang::Problem;
use crate::lang::native::extract::{Call, FromCall, Site, Target};
use crate::lang::native::reply::IntoReply;

/// A handler with its types erased, bound to its place in an app.
pub type Function = Arc<dyn Fn(Arc<Invocation>) -> BoxFuture<'static, Outcome> + Send + Sync>;

type Check = fn(&Target<'_>) -> Result<(), Problem>;
type Run = dyn Fn(Call) -> BoxFuture<'static, Outcome> + Send + Sync;

/// An async function that can handle calls: it takes up to six arguments in any order, each of which is
/// [`FromCall`], and returns a `Result<R, E>` with any [`IntoReply`] and any error that converts into [`Failure`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler",
    label = "not a handler",
    note = "a handler is an async function of 0 to 6 arguments, each of which implements FromCall (Request, Body, Path, \
            Query, Headers, Event, Tick, Message, Connection, State, Data, …); the types of a closure's arguments must \
            be written",
    note = "it returns Result<R, E>: R implements Serialize or is a Response, E converts into rohas::Failure; its \
            future is Send"
)]
pub trait Handler<A>: Send + Sync + Sized + 'static {
    /// Erases the types.
    fn erase(self) -> Definition;
}

/// A handler with its types erased.
pub struct Definition {
    checks: Vec<Check>,
    run: Box<Run>,
}

impl Definition {
    /// Checks every argument of the handler against what it serves.
    pub fn check(&self, target: &Target<'_>) -> Vec<Problem> {
        self.checks.iter().filter_map(|check| check(target).err()).collect()
    }

    /// Gives the handler its place.
    pub fn bind(self, site: Site) -> Function {
        let (run, site) = (self.run, Arc::new(site));
        Arc::new(move |invocation| run(Call::new(invocation, Arc::clone(&site))))
    }
}

/// Turns what a handler returned into its outcome.
fn finish<R: IntoReply, E: Into<Failure>>(call: &Call, result: Result<R, E>) -> Outcome {
    let mut reply = result.map_err(Into::into)?.into_reply()?;
    reply.effects = call.state().take_effects();
    Ok(reply)
}

/// One implementation per number of arguments: Rust has no way to say this of all of them.
macro_rules! handler {
    ($($argument:ident $value:ident),*) => {
        impl<F, Fut, R, E, $($argument,)*> Handler<($($argument,)*)> for F
        where
            F: Fn($($argument),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = Result<R, E>> + Send + 'static,
            R: IntoReply + 'static,
            E: Into<Failure> + 'static,
            $($argument: FromCall + Send + 'static,)*
        {
            fn erase(self) -> Definition {
                let function = Arc::new(self);
                let run = move |call: Call| -> BoxFuture<'static, Outcome> {
                    let function = Arc::clone(&function);
                    Box::pin(async move {
                        $(let $value = $argument::from_call(&call).await?;)*
                        let returned = function($($value),*);
                        finish(&call, returned.await)
                    })
                };
                Definition { checks: vec![$($argument::check),*], run: Box::new(run) }
            }
        }
    };
}

handler!();
handler!(A a);
handler!(A a, B b);
handler!(A a, B b, C c);
handler!(A a, B b, C c, D d);
handler!(A a, B b, C c, D d, G g);
handler!(A a, B b, C c, D d, G g, H h);
