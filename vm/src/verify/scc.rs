//! Strongly connected components of a graph, without recursion.

/// The strongly connected components of what can be reached from node 0.
///
/// A component comes after all those that it leads to, and its nodes are in the order in which a
/// depth-first search is done with them.
pub(super) struct Components {
    nodes: Vec<u32>,
    /// For each component the end of its nodes.
    ends: Vec<u32>,
}

impl Components {
    /// Finds the components of a graph of `nodes` nodes, in which node `n` has exits with the
    /// numbers below `exits(n)`, and `exit(n, number)` is where one leads, if anywhere.
    ///
    /// This is the algorithm of Pearce (An Improved Algorithm for Finding the Strongly Connected
    /// Components of a Directed Graph, 2005), which keeps a single number for each node.
    pub fn find(
        nodes: usize,
        exits: impl Fn(u32) -> u32,
        exit: impl Fn(u32, u32) -> Option<u32>,
    ) -> Self {
        // 0 for a node that was not met. While a node is open: the least rank known of the
        // nodes on the path that it leads to. Then DONE.
        const DONE: u32 = u32::MAX;
        let mut ranks = vec![0; nodes];
        let mut met = 0;
        let mut found = Self { nodes: Vec::new(), ends: Vec::new() };
        let mut open: Vec<u32> = Vec::new();
        let mut path = Vec::new();
        let mut meet = |node: u32, ranks: &mut [u32], path: &mut Vec<Visit>| {
            met += 1;
            ranks[node as usize] = met;
            path.push(Visit { node, rank: met, exit: 0 });
        };
        if nodes > 0 {
            meet(0, &mut ranks, &mut path);
        }
        while let Some(visit) = path.last_mut() {
            let node = visit.node as usize;
            if visit.exit < exits(visit.node) {
                let target = exit(visit.node, visit.exit);
                visit.exit += 1;
                match target {
                    Some(target) if ranks[target as usize] == 0 => {
                        meet(target, &mut ranks, &mut path);
                    }
                    Some(target) => ranks[node] = ranks[node].min(ranks[target as usize]),
                    None => {}
                }
                continue;
            }
            let Visit { node: last, rank, .. } = *visit;
            path.pop();
            open.push(last);
            if ranks[node] == rank {
                let later = open.iter().rev().take_while(|&&at| ranks[at as usize] >= rank);
                let start = open.len() - later.count();
                open[start..].iter().for_each(|&member| ranks[member as usize] = DONE);
                found.nodes.extend(open.drain(start..));
                found.ends.push(found.nodes.len() as u32);
            } else if let Some(from) = path.last() {
                let from = from.node as usize;
                ranks[from] = ranks[from].min(ranks[node]);
            }
        }
        found
    }

    /// The components.
    pub fn iter(&self) -> impl Iterator<Item = &[u32]> {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).map(|(&start, &end)| &self.nodes[start as usize..end as usize])
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
