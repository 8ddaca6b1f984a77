//! Strongly connected components of a graph, without recursion.

/// Calls `found` with every strongly connected component of what can be reached from `roots`.
///
/// A component comes after all those that it leads to, and its nodes are in the order in which a
/// depth-first search is done with them. There are `nodes` nodes; node `n` has exits with the
/// numbers below `exits(n)`, and `exit(n, number)` is where one leads, if anywhere.
///
/// This is the algorithm of Pearce (An Improved Algorithm for Finding the Strongly Connected
/// Components of a Directed Graph, 2005), which keeps a single number for each node.
pub(super) fn components(
    nodes: usize,
    roots: &[u32],
    exits: impl Fn(u32) -> u32,
    exit: impl Fn(u32, u32) -> Option<u32>,
    mut found: impl FnMut(&[u32]),
) {
    // 0 for a node that was not met. While its component is open: the least rank known of the nodes
    // on the path that it leads to. Then DONE.
    const DONE: u32 = u32::MAX;
    let mut ranks = vec![0; nodes];
    let mut met = 0;
    // Nodes that the search is done with but whose component is open.
    let mut open: Vec<u32> = Vec::new();
    let mut path: Vec<Visit> = Vec::with_capacity(nodes);
    let mut roots = roots.iter().copied();
    let mut next = None;
    loop {
        if path.is_empty() && next.is_none() {
            next = roots.find(|&root| ranks[root as usize] == 0);
        }
        if let Some(node) = next.take() {
            met += 1;
            ranks[node as usize] = met;
            path.push(Visit { node, exit: 0, is_root: true });
        }
        let Some(visit) = path.last_mut() else { return };
        if visit.exit < exits(visit.node) {
            let target = exit(visit.node, visit.exit);
            visit.exit += 1;
            match target {
                Some(target) if ranks[target as usize] == 0 => next = Some(target),
                Some(target) => visit.reaches(ranks[target as usize], &mut ranks),
                None => {}
            }
            continue;
        }
        let Visit { node, is_root, .. } = *visit;
        let rank = ranks[node as usize];
        open.push(node);
        path.pop();
        if is_root {
            let members = open.iter().rev().take_while(|&&at| ranks[at as usize] >= rank).count();
            let start = open.len() - members;
            open[start..].iter().for_each(|&member| ranks[member as usize] = DONE);
            found(&open[start..]);
            open.truncate(start);
        } else if let Some(from) = path.last_mut() {
            from.reaches(rank, &mut ranks);
        }
    }
}

/// A node on the path of the search.
struct Visit {
    node: u32,
    /// The next exit to follow.
    exit: u32,
    /// Whether it is not known to lead to a node that was met before.
    is_root: bool,
}

impl Visit {
    /// Notes that the node leads to where a rank is `rank`.
    fn reaches(&mut self, rank: u32, ranks: &mut [u32]) {
        let known = &mut ranks[self.node as usize];
        if rank < *known {
            *known = rank;
            self.is_root = false;
        }
    }
}
