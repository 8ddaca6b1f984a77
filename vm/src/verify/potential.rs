//! Potentials: groups of frames whose heights are known relative to one another.

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;

/// A union-find structure over components that keeps the height of each one's zero as counted from
/// the zero of its group. The earliest component of a group lends it its zero.
pub(super) struct Potentials<'v> {
    /// The component that this one was tied to, itself if none, and the height of its own
    /// zero as counted from the other's.
    links: BumpVec<'v, (u32, i64)>,
}

impl<'v> Potentials<'v> {
    /// Without components, and with room for some.
    pub fn with_capacity(capacity: usize, arena: &'v Bump) -> Self {
        Self { links: BumpVec::with_capacity_in(capacity, arena) }
    }

    /// Adds a component, in a group of its own.
    pub fn add(&mut self) -> u32 {
        let component = self.links.len() as u32;
        self.links.push((component, 0));
        component
    }

    /// What [`Potentials::find`] says of each component.
    pub fn into_zeros(mut self) -> BumpVec<'v, (u32, i64)> {
        // That leaves each tied to the first of its group.
        for component in 0..self.links.len() {
            self.find(component as u32);
        }
        self.links
    }

    /// The first component of the group of `component`, and the height of its zero there.
    pub fn find(&mut self, component: u32) -> (u32, i64) {
        let (mut root, mut total) = (component, 0);
        while let (up, step) = self.links[root as usize]
            && up != root
        {
            (root, total) = (up, total + step);
        }
        let (mut at, mut rest) = (component, total);
        while at != root {
            let (up, step) = std::mem::replace(&mut self.links[at as usize], (root, rest));
            (at, rest) = (up, rest - step);
        }
        (root, total)
    }

    /// Lets height `a` of component `in_a` and height `b` of component `in_b` be the same.
    /// False if they are known to differ.
    pub fn tie(&mut self, (in_a, a): (u32, i64), (in_b, b): (u32, i64)) -> bool {
        let (root_a, zero_a) = self.find(in_a);
        let (root_b, zero_b) = self.find(in_b);
        let rise = (zero_a + a) - (zero_b + b);
        if root_a < root_b {
            self.links[root_b as usize] = (root_a, rise);
        } else if root_b < root_a {
            self.links[root_a as usize] = (root_b, -rise);
        } else {
            return rise == 0;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_hold_through_chains() {
        let arena = Bump::new();
        let mut groups = Potentials::with_capacity(8, &arena);
        let components: Vec<u32> = (0..8).map(|_| groups.add()).collect();
        // Each zero is as high as 10 in the one before; the chain is made from its end on.
        for pair in components.windows(2).rev() {
            assert!(groups.tie((pair[0], 10), (pair[1], 0)));
        }
        for ask in [7, 3, 5, 1, 0, 2, 4, 6, 7] {
            assert_eq!(groups.find(ask), (0, 10 * i64::from(ask)));
        }
        assert!(groups.tie((7, 1), (2, 51)));
        assert!(!groups.tie((7, 1), (2, 50)));
    }
}
