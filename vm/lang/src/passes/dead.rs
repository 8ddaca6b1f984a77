//! Removes what control does not reach.

use bytestone_spec::isa::Isa;

use crate::listing::{Entry, Listing};

/// Removes instructions that no way from the start leads to.
pub(super) fn remove_unreached(listing: &mut Listing, isa: &Isa) {
    let mut places = vec![None; listing.labels()];
    for (at, entry) in listing.entries.iter().enumerate() {
        if let Entry::Bind(label) = entry {
            places[label.index()] = Some(at);
        }
    }
    let mut reached = vec![false; listing.entries.len()];
    let mut open = vec![0];
    while let Some(start) = open.pop() {
        for (entry, reached) in listing.entries.iter().zip(&mut reached).skip(start) {
            if std::mem::replace(reached, true) {
                break;
            }
            let Entry::Step(step) = entry else { continue };
            open.extend(step.labels().filter_map(|label| places[label.index()]));
            if !isa.instruction(step.insn).effect.falls_through {
                break;
            }
        }
    }
    let mut reached = reached.into_iter();
    // Labels stay: those that nothing names any more go with the other unused ones.
    listing
        .entries
        .retain(|entry| reached.next().unwrap_or(true) || matches!(entry, Entry::Bind(_)));
}

/// Removes labels that no instruction names.
pub(super) fn remove_unused_labels(listing: &mut Listing) {
    let mut used = vec![false; listing.labels()];
    for entry in &listing.entries {
        if let Entry::Step(step) = entry {
            step.labels().for_each(|label| used[label.index()] = true);
        }
    }
    listing.entries.retain(|entry| match entry {
        Entry::Bind(label) => used[label.index()],
        Entry::Step(_) => true,
    });
}
