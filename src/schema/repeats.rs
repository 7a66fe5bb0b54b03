//! What is declared or given a second time: it counts for nothing, but its own errors are told. Called by `resolve`.

use super::ast::Item;
use super::model::Schema;
use super::resolve::{Properties, Resolver};

impl Resolver<'_> {
    /// Notes the properties of an item that are given again, each in an item that has nothing else.
    pub(super) fn repeats(
        &mut self,
        item: &Item,
        first: &Properties<'_>,
        known: &[&str],
        aliases: &[(&str, &'static str)],
    ) {
        for entry in &item.entries {
            let written = entry.key.text.as_str();
            let is_known = known.contains(&written) || aliases.iter().any(|(old, _)| *old == written);
            if is_known && !first.values().any(|kept| std::ptr::eq(*kept, entry)) {
                // It was told already where an attribute cannot stand; what is missing in it is elsewhere.
                let mut entry = entry.clone();
                entry.attributes.clear();
                let (kind, name) = (item.kind, item.name.clone());
                let (entries, values) = (vec![entry], Vec::new());
                self.repeated.push(Item { kind, name, entries, values, doc: None, broken: true });
            }
        }
    }

    /// Resolves an item for its errors. Of what it says, only the names that it was meant to use are kept.
    pub(super) fn discarded(&mut self, item: &Item) {
        let kept = std::mem::take(&mut self.facts);
        self.item(item, &mut Schema::default());
        let facts = std::mem::replace(&mut self.facts, kept);
        self.facts.defaults.extend(facts.defaults);
        self.facts.meant.extend(facts.meant);
    }
}
