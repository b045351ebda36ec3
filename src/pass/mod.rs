//! The passes: named pure functions from graph to graph, one file each, and the pipeline that is their list.
pub mod chain;
pub mod cse;
pub mod dce;
pub mod factor;
pub mod hoist;
pub mod inline;
pub mod narrow;
pub mod order;
pub mod outline;
pub mod presum;
pub mod residue;
pub mod rewrite;
pub mod simplify;

use crate::tir::Graph;
use crate::tir::verify::verify;

/// A pass.
pub struct Pass {
    /// Its name, as `--stage after:NAME` takes it.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub doc: &'static str,
    /// Whether it promises to change no bit of any result, in the graph's own types.
    pub exact: bool,
    /// The function.
    pub run: fn(&Graph) -> Graph,
}

/// Every pass in the order in which they run.
pub const PIPELINE: &[Pass] = &[
    Pass {
        name: "simplify",
        doc: "IEEE-exact algebra inside bodies; equal, unused and trivially guarded reads vanish",
        exact: true,
        run: simplify::simplify,
    },
    Pass {
        name: "cse",
        doc: "equal nodes become one",
        exact: true,
        run: cse::cse,
    },
    Pass {
        name: "dce",
        doc: "nodes that no output needs vanish",
        exact: true,
        run: dce::dce,
    },
    Pass {
        name: "views",
        doc: "transposes, slices, broadcasts and constants vanish into the accesses of their readers",
        exact: false,
        run: inline::views,
    },
    Pass {
        name: "presum",
        doc: "what a scatter adds at one place is summed first",
        exact: false,
        run: presum::presum,
    },
    Pass {
        name: "factor",
        doc: "sums of products become contractions of two bare operands",
        exact: false,
        run: factor::factor,
    },
    Pass {
        name: "chain",
        doc: "chains of products are multiplied in the order of the fewest multiply-adds",
        exact: false,
        run: chain::chain,
    },
    Pass {
        name: "hoist",
        doc: "products of a scan's inputs alone leave the loop, all turns at once",
        exact: false,
        run: hoist::hoist,
    },
    Pass {
        name: "fuse",
        doc: "elementwise producers join the loops of their readers",
        exact: false,
        run: inline::fuse,
    },
    Pass {
        name: "cse",
        doc: "equal nodes become one",
        exact: true,
        run: cse::cse,
    },
    Pass {
        name: "dce",
        doc: "nodes that no output needs vanish",
        exact: true,
        run: dce::dce,
    },
    Pass {
        name: "residue",
        doc: "strided gradients become one dense product per residue",
        exact: false,
        run: residue::residue,
    },
    Pass {
        name: "outline",
        doc: "guarded and gathered operands of contractions become padded copies",
        exact: true,
        run: outline::outline,
    },
    Pass {
        name: "narrow",
        doc: "tensors of which only a part is read become that part",
        exact: true,
        run: narrow::narrow,
    },
    Pass {
        name: "order",
        doc: "each reduction gets its order, by its shape",
        exact: false,
        run: order::order,
    },
    Pass {
        name: "dce",
        doc: "nodes that no output needs vanish",
        exact: true,
        run: dce::dce,
    },
];

/// What runs after a pass: its name and the graph it left.
pub type Watch<'a> = &'a mut dyn FnMut(&'static str, &Graph);

/// Runs the pipeline, without the passes that `skip` names. The error is a fault of the compiler: it names the pass that broke the graph.
pub fn optimise(graph: &Graph, skip: &[String], watch: Watch<'_>) -> Result<Graph, String> {
    let mut graph = graph.clone();
    for pass in PIPELINE
        .iter()
        .filter(|pass| !skip.iter().any(|name| name == pass.name))
    {
        graph = (pass.run)(&graph);
        if cfg!(debug_assertions) {
            verify(&graph)
                .map_err(|why| format!("pass `{}` broke the graph: {why}\n{graph}", pass.name))?;
        }
        watch(pass.name, &graph);
    }
    verify(&graph).map_err(|why| format!("the passes broke the graph: {why}"))?;
    Ok(graph)
}
