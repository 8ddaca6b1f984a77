//! Heights: which blocks can be reached, and how high the stack is before each of them.

use bumpalo::collections::Vec as BumpVec;

use super::block::{Blocks, Exit, ExitKind, NONE};
use super::potential::Potentials;

/// A limit of the stack that is broken whenever control comes to a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Breach {
    /// More is taken than can be there.
    Underflow,
    /// The stack gets deeper than the machine allows.
    Overflow,
}

/// What is known of a block.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// The component that reached it first, or [`NONE`].
    component: u32,
    /// The height before it, from the zero of that component.
    height: i32,
    /// How much higher the stack is when the frame returns, or [`NEVER`].
    return_height: i32,
    /// Whether the way to the next block was followed.
    goes_on: bool,
    /// Why no way from the block is followed.
    breach: Option<Breach>,
}

/// The change of height until a return that does not come.
const NEVER: i32 = i32::MIN;

const UNREACHED: Place =
    Place { component: NONE, height: 0, return_height: NEVER, goes_on: false, breach: None };

impl Place {
    fn return_height(self) -> Option<i32> {
        (self.return_height != NEVER).then_some(self.return_height)
    }
}

/// The blocks that can be reached, with their heights.
pub(super) struct Heights<'v> {
    /// The blocks.
    pub blocks: &'v Blocks<'v>,
    /// How deep the stack of the machine is.
    pub depth: i32,
    places: &'v mut [Place],
    /// The place of the latest jump or call that was followed to a block, or [`NONE`].
    coming: &'v mut [u32],
    /// By the place of a jump or call that was followed.
    links: &'v mut [Link],
    /// For each component its group, and the height of its zero there.
    zeros: BumpVec<'v, (u32, i64)>,
    /// The start, or that of each function, then the entry of each call that is reached, in the
    /// order in which they were met.
    entries: BumpVec<'v, u32>,
}

impl<'v> Heights<'v> {
    /// Explores a program that has a block, on a machine with a stack of `depth` cells.
    pub fn explore(blocks: &'v Blocks<'v>, depth: i32) -> Self {
        let arena = blocks.subject.arena;
        let entry_count = blocks.roots().len() + blocks.place_count();
        let mut entries = BumpVec::with_capacity_in(entry_count, arena);
        entries.extend_from_slice(blocks.roots());
        let heights = Self {
            blocks,
            depth,
            places: arena.alloc_slice_fill_copy(blocks.len(), UNREACHED),
            coming: arena.alloc_slice_fill_copy(blocks.len(), NONE),
            links: arena.alloc_slice_fill_copy(blocks.place_count(), NOT_FOLLOWED),
            zeros: BumpVec::new_in(arena),
            entries,
        };
        let mut explorer = Explorer {
            heights,
            groups: Potentials::with_capacity(entry_count, arena),
            returning: BumpVec::with_capacity_in(blocks.len(), arena),
            pending: BumpVec::with_capacity_in(blocks.len(), arena),
        };
        explorer.run();
        Self { zeros: explorer.groups.into_zeros(), ..explorer.heights }
    }

    /// Whether control can come to a block.
    pub fn is_reached(&self, block: u32) -> bool {
        self.places[block as usize].component != NONE
    }

    /// The entries of subroutines that are called, once for each call.
    pub fn entries(&self) -> &[u32] {
        &self.entries[self.blocks.roots().len()..]
    }

    /// The group of frames whose heights are told with that of `block`, which is reached.
    pub fn group(&self, block: u32) -> u32 {
        self.zeros[self.places[block as usize].component as usize].0
    }

    /// The height before a block that is reached, from the zero of its group. The zero of the
    /// start's group is the empty stack.
    pub fn before(&self, block: u32) -> i64 {
        let place = &self.places[block as usize];
        self.zeros[place.component as usize].1 + i64::from(place.height)
    }

    /// The height before a block that is reached, and the least that is allowed in it, both as
    /// counted from the entry that reached it first: in a subroutine from an empty stack, of which
    /// as much may be taken as the stack of the machine can hold.
    pub fn alone(&self, block: u32) -> (i64, i64) {
        let place = &self.places[block as usize];
        (i64::from(place.height), i64::from(least(self.blocks, place.component, self.depth)))
    }

    /// How much higher the stack is when the frame returns than before the block, if it can.
    pub fn return_height(&self, block: u32) -> Option<i32> {
        self.places[block as usize].return_height()
    }

    /// Why a block is not left, if it is not.
    pub fn breach(&self, block: u32) -> Option<Breach> {
        self.places[block as usize].breach
    }

    /// Whether control goes on from a block to the next.
    pub fn goes_on(&self, block: u32) -> bool {
        self.places[block as usize].goes_on
    }

    /// Whether control comes to a block by a jump or a call.
    pub fn is_entered(&self, block: u32) -> bool {
        self.coming[block as usize] != NONE
    }

    /// How much higher the stack is behind a jump or on the next block than before `block`;
    /// `None` behind a call that does not return.
    pub fn rise(&self, block: u32, kind: ExitKind) -> Option<i64> {
        let this = self.blocks.work(block);
        let net = i64::from(this.net);
        if kind == ExitKind::Next && this.ending.calls {
            Some(net + i64::from(self.return_height(self.blocks.callee(block)?)?))
        } else {
            Some(net)
        }
    }

    /// The same behind a jump or on the next block that control goes to and where heights agree.
    #[inline]
    pub fn rise_to(&self, block: u32, next: u32) -> i64 {
        let (here, there) = (&self.places[block as usize], &self.places[next as usize]);
        if here.component == there.component {
            i64::from(there.height) - i64::from(here.height)
        } else {
            self.before(next) - self.before(block)
        }
    }

    /// Whether control can leave a block by one of its exits and heights agree behind it.
    #[inline]
    pub fn is_way(&self, block: u32, exit: Exit) -> bool {
        let this = &self.places[block as usize];
        let followed = match exit.kind {
            ExitKind::Next => this.goes_on,
            ExitKind::Jump | ExitKind::Call => self.links[exit.place as usize].from != NONE,
        };
        followed && this.breach.is_none()
    }
}

/// The least height that a component may come to. The components of what the start of the program reaches without a
/// call, or that of a function, come first; their heights are absolute.
fn least(blocks: &Blocks, component: u32, depth: i32) -> i32 {
    if (component as usize) < blocks.roots().len() { 0 } else { -depth }
}

/// A jump or call, as a way by which control came to a block.
#[derive(Clone, Copy)]
struct Link {
    /// The block it leaves, or [`NONE`] if it was not followed.
    from: u32,
    /// The place of the one that was followed before to the same block, or [`NONE`].
    earlier: u32,
}

const NOT_FOLLOWED: Link = Link { from: NONE, earlier: NONE };

/// The exploration.
struct Explorer<'v> {
    /// What is known, without the zeros.
    heights: Heights<'v>,
    groups: Potentials<'v>,
    /// Blocks that are known to return, of which those that lead to them do not know yet.
    returning: BumpVec<'v, u32>,
    /// Blocks that were reached and not yet left.
    pending: BumpVec<'v, u32>,
}

impl Explorer<'_> {
    fn run(&mut self) {
        let mut explored = 0;
        loop {
            if let Some(block) = self.returning.pop() {
                self.tell_return(block);
            } else if let Some(block) = self.pending.pop() {
                self.leave(block);
            } else if let Some(&entry) = self.heights.entries.get(explored) {
                explored += 1;
                if self.heights.places[entry as usize].component == NONE {
                    let component = self.groups.add();
                    self.enter(entry, component, 0);
                }
            } else {
                return;
            }
        }
    }

    fn enter(&mut self, block: u32, component: u32, height: i32) {
        self.heights.places[block as usize] =
            Place { component, height, ..self.heights.places[block as usize] };
        self.pending.push(block);
    }

    /// Follows the ways from a block, unless it breaks a limit.
    fn leave(&mut self, block: u32) {
        let this = self.heights.blocks.work(block);
        let place = &mut self.heights.places[block as usize];
        if place.height.saturating_add(this.low)
            < least(self.heights.blocks, place.component, self.heights.depth)
        {
            place.breach = Some(Breach::Underflow);
            return;
        }
        if place.height.saturating_add(this.high) > self.heights.depth {
            place.breach = Some(Breach::Overflow);
            return;
        }
        let after = place.height + this.net;
        if this.ending.returns {
            self.set_return(block, this.net);
        }
        for exit in self.heights.blocks.exits(block).rev() {
            match exit.kind {
                ExitKind::Call => self.call(block, exit),
                ExitKind::Next if this.ending.calls => {}
                ExitKind::Next | ExitKind::Jump => self.follow(block, exit, after),
            }
        }
    }

    fn call(&mut self, block: u32, exit: Exit) {
        self.link(block, exit);
        self.heights.entries.push(exit.to);
        if let Some(net) = self.heights.places[exit.to as usize].return_height() {
            self.go_on(block, net);
        }
    }

    /// Goes on behind a call whose callee changes the height by `net`.
    fn go_on(&mut self, block: u32, net: i32) {
        let place = &mut self.heights.places[block as usize];
        let after = place.height + self.heights.blocks.work(block).net + net;
        if after < least(self.heights.blocks, place.component, self.heights.depth) {
            place.breach = Some(Breach::Underflow);
        } else if after > self.heights.depth {
            place.breach = Some(Breach::Overflow);
        } else if let Some(exit) = self.heights.blocks.next(block) {
            self.follow(block, exit, after);
        }
    }

    /// Follows a way at whose end the height is `after`, from the zero of the block's component.
    fn follow(&mut self, block: u32, exit: Exit, after: i32) {
        let component = self.heights.places[block as usize].component;
        let there = self.heights.places[exit.to as usize];
        if there.component == NONE {
            self.enter(exit.to, component, after);
        } else if there.component == component {
            if there.height != after {
                return;
            }
        } else {
            let here = (component, i64::from(after));
            if !self.groups.tie(here, (there.component, i64::from(there.height))) {
                return;
            }
        }
        self.link(block, exit);
        if let Some(net) = there.return_height() {
            let rise = after - self.heights.places[block as usize].height;
            self.set_return(block, rise + net);
        }
    }

    fn link(&mut self, from: u32, Exit { kind, to, place }: Exit) {
        if kind == ExitKind::Next {
            self.heights.places[from as usize].goes_on = true;
        } else {
            let earlier = std::mem::replace(&mut self.heights.coming[to as usize], place);
            self.heights.links[place as usize] = Link { from, earlier };
        }
    }

    /// Notes how a block's frame returns, unless that is known. A change that no stack has room
    /// for is none: no execution returns that way.
    fn set_return(&mut self, block: u32, net: i32) {
        let place = &mut self.heights.places[block as usize];
        if place.return_height == NEVER && net.abs() <= self.heights.depth {
            place.return_height = net;
            self.returning.push(block);
        }
    }

    /// Tells the blocks that lead to `block`, and its callers if it is an entry, that it returns.
    fn tell_return(&mut self, block: u32) {
        let Some(net) = self.heights.places[block as usize].return_height() else { return };
        if let Some(from) = block.checked_sub(1)
            && self.heights.places[from as usize].goes_on
        {
            let called = if self.heights.blocks.work(from).ending.calls {
                self.heights
                    .blocks
                    .callee(from)
                    .and_then(|entry| self.heights.places[entry as usize].return_height())
            } else {
                Some(0)
            };
            if let Some(called) = called {
                self.set_return(from, self.heights.blocks.work(from).net + called + net);
            }
        }
        let mut place = self.heights.coming[block as usize];
        while let Some(&Link { from, earlier }) = self.heights.links.get(place as usize) {
            if self.heights.blocks.is_call(from, place) {
                self.go_on(from, net);
            } else {
                self.set_return(from, self.heights.blocks.work(from).net + net);
            }
            place = earlier;
        }
    }
}
