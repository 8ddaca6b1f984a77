//! Looks at instructions that stand one after the other, and replaces them by fewer.

use super::{Replacement, Rule};
use crate::listing::{Entry, Listing, Step};

/// Applies rules until none applies to what comes out. Linear: each replacement makes the listing
/// shorter.
pub(super) fn shorten(listing: &mut Listing, rules: &[Rule<'_>]) {
    let Some(most) = rules.iter().map(|rule| rule.len).max() else { return };
    let mut done: Vec<Entry> = Vec::with_capacity(listing.entries.len());
    let mut window: Vec<Step> = Vec::with_capacity(most);
    for &entry in &listing.entries {
        done.push(entry);
        loop {
            look_back(&done, most, &mut window);
            let Some((len, replacement)) = rules.iter().find_map(|rule| matched(rule, &window))
            else {
                break;
            };
            done.truncate(done.len() - len);
            if let Replacement::One(step) = replacement {
                done.push(Entry::Step(step));
            }
        }
    }
    listing.entries = done;
}

/// Puts the last instructions that no label parts into `window`, `most` at most.
fn look_back(done: &[Entry], most: usize, window: &mut Vec<Step>) {
    window.clear();
    for entry in &done[done.len().saturating_sub(most)..] {
        match entry {
            Entry::Step(step) => window.push(*step),
            Entry::Bind(_) => window.clear(),
        }
    }
}

/// What a rule makes of the last instructions, and of how many.
fn matched(rule: &Rule<'_>, window: &[Step]) -> Option<(usize, Replacement)> {
    let last = &window[window.len().checked_sub(rule.len)?..];
    (rule.apply)(last).map(|replacement| (rule.len, replacement))
}
