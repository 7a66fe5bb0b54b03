//! [`Names`]: values of any type by name, one table per app; where references to a program's own actors are found.
//!
//! Written and read through the app's handle and by handlers through [`State`](super::State). Never keeps a value
//! longer than its [`Registration`] or its app.

use std::any::{Any, type_name};
use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::invocation::Failure;
use crate::schema;

/// Why a name does not lead to a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The name is given away already.
    #[error("the name \"{0}\" is registered already")]
    Taken(String),
    /// Nothing is registered under the name.
    #[error("nothing is registered as \"{name}\"{}", .near.as_ref().map(|near| format!("; did you mean \"{near}\"?")).unwrap_or_default())]
    Unknown {
        /// The name.
        name: String,
        /// The nearest name that there is.
        near: Option<String>,
    },
    /// What is registered is something else.
    #[error("\"{name}\" is a {is}, not a {wanted}")]
    OtherType {
        /// The name.
        name: String,
        /// The type of what is registered.
        is: &'static str,
        /// The type that was asked for.
        wanted: &'static str,
    },
    /// The app is gone.
    #[error("the app is gone, and its names with it")]
    Closed,
}

impl From<NameError> for Failure {
    fn from(error: NameError) -> Self {
        match error {
            NameError::Closed => Failure::ShuttingDown,
            error => Failure::internal(error),
        }
    }
}

struct Entry {
    type_name: &'static str,
    value: Box<dyn Any + Send + Sync>,
}

/// None when the app is gone.
type Entries = Mutex<Option<HashMap<String, Entry>>>;

/// The names of one app; clones share them.
#[derive(Clone)]
pub struct Names(Arc<Entries>);

impl Default for Names {
    fn default() -> Self {
        Names(Arc::new(Mutex::new(Some(HashMap::new()))))
    }
}

impl Names {
    /// Registers `value` as `name` until the returned registration is dropped.
    ///
    /// # Errors
    /// [`NameError::Taken`]: a name leads to one value. [`NameError::Closed`].
    pub fn register<T: Any + Clone + Send + Sync>(
        &self,
        name: &str,
        value: T,
    ) -> Result<Registration, NameError> {
        let mut entries = self.0.lock();
        let entries = entries.as_mut().ok_or(NameError::Closed)?;
        if entries.contains_key(name) {
            return Err(NameError::Taken(name.to_owned()));
        }
        let entry = Entry { type_name: type_name::<T>(), value: Box::new(value) };
        entries.insert(name.to_owned(), entry);
        Ok(Registration { entries: Arc::downgrade(&self.0), name: name.to_owned() })
    }

    /// Returns a clone of what is registered as `name`.
    ///
    /// # Errors
    /// [`NameError::Unknown`] with the nearest name, [`NameError::OtherType`], [`NameError::Closed`].
    pub fn whereis<T: Any + Clone + Send + Sync>(&self, name: &str) -> Result<T, NameError> {
        let entries = self.0.lock();
        let entries = entries.as_ref().ok_or(NameError::Closed)?;
        let Some(entry) = entries.get(name) else {
            let near = schema::nearest(name, entries.keys().map(String::as_str)).map(str::to_owned);
            return Err(NameError::Unknown { name: name.to_owned(), near });
        };
        entry.value.downcast_ref().cloned().ok_or_else(|| NameError::OtherType {
            name: name.to_owned(),
            is: entry.type_name,
            wanted: type_name::<T>(),
        })
    }

    /// Forgets every name for good: the app is gone, and values may hold it.
    pub fn close(&self) {
        let entries = self.0.lock().take();
        drop(entries); // outside the lock: a value that is dropped may hold a registration
    }
}

/// Holds a name; dropping it gives the name back.
#[must_use = "the name is given back when this is dropped: keep it beside what it names, or call keep()"]
#[derive(Debug)]
pub struct Registration {
    entries: Weak<Entries>,
    name: String,
}

impl Registration {
    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Leaves the name registered for as long as the app runs.
    pub fn keep(mut self) {
        self.entries = Weak::new();
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let Some(entries) = self.entries.upgrade() else { return };
        // A name is given once: while this is held, what stands under it is ours.
        let entry = entries.lock().as_mut().and_then(|entries| entries.remove(&self.name));
        drop(entry); // outside the lock
    }
}
