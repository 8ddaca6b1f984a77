//! Strongly connected components of a graph, without recursion.

/// Calls `found` with every strongly connected component of what can be reached from node 0.
///
/// A component comes after all those that it leads to, and its nodes are in the order in which a
/// depth-first search is done with them. There are `nodes` nodes; node `n` has exits with the
/// numbers below `exits(n)`, and `exit(n, number)` is where one leads, if anywhere.
///
/// This is the algorithm of Pearce (An Improved Algorithm for Finding the Strongly Connected
/// Components of a Directed Graph, 2005), which keeps a single number for each node.
pub(super) fn components(
    nodes: usize,
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
    let mut path: Vec<Visit> = Vec::new();
    let mut next = (nodes > 0).then_some(0);
    loop {
        if let Some(node) = next.take() {
            met += 1;
            ranks[node as usize] = met;
            path.push(Visit { node, rank: met, exit: 0 });
        }
        let Some(visit) = path.last_mut() else { return };
        let (node, rank) = (visit.node as usize, visit.rank);
        if visit.exit < exits(visit.node) {
            let target = exit(visit.node, visit.exit);
            visit.exit += 1;
            match target {
                Some(target) if ranks[target as usize] == 0 => next = Some(target),
                Some(target) => ranks[node] = ranks[node].min(ranks[target as usize]),
                None => {}
            }
            continue;
        }
        open.push(visit.node);
        path.pop();
        if ranks[node] == rank {
            let members = open.iter().rev().take_while(|&&at| ranks[at as usize] >= rank).count();
            let start = open.len() - members;
            open[start..].iter().for_each(|&member| ranks[member as usize] = DONE);
            found(&open[start..]);
            open.truncate(start);
        } else if let Some(from) = path.last() {
            let from = from.node as usize;
            ranks[from] = ranks[from].min(ranks[node]);
        }
    }
}

/// A node on the path of the search.
struct Visit {
    node: u32,
    /// The rank it was met with.
    rank: u32,
    /// The next exit to follow.
    exit: u32,
}
