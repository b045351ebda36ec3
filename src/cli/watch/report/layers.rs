//! The layers of the model: shapes, parameters, operations.
use super::{escape, thousands};
use crate::check::program::{Application, Program, StepGraph, Traced};
use crate::cli::model::{self, children, roots, short};
use std::fmt::Write;

/// Deepest level that is listed; the parts of what the library has are not wanted.
const LEVELS: usize = 3;

/// The table; nothing for a program that applies no layer.
pub fn html(program: &Program) -> String {
    let roots = roots(program);
    if roots.is_empty() {
        return String::new();
    }
    let mut out = String::from(
        "<h2>Layers</h2>\n<div class=\"card scroll\"><table class=\"layers two\"><tr><th>layer</th><th>result</th><th class=\"n\">parameters</th><th class=\"n\">flops forward</th></tr>\n",
    );
    for root in roots {
        rows(program, root.step, (root.at, root.application), 0, &mut out);
    }
    out + "</table></div>\n"
}

/// The row of an application and those of the applications in it.
fn rows(
    program: &Program,
    step: &StepGraph,
    (at, application): (usize, &Application),
    level: usize,
    out: &mut String,
) {
    let shapes = |all: &[Traced]| {
        let shapes = all.iter().map(|traced| model::shape(&step.graph, traced));
        shapes.collect::<Vec<_>>().join(", ")
    };
    let name = match &application.path {
        Some(path) if level > 0 => path.rsplit('.').next().unwrap_or(path),
        Some(path) => path,
        None => &application.name,
    };
    let parameters = application.path.as_ref();
    let parameters = parameters.map_or(0, |path| model::parameters(program, path));
    let operations = model::operations(step, application);
    let _ = writeln!(
        out,
        "<tr><td style=\"padding-left:{}px\"><code>{}</code></td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
        14 * level,
        escape(name),
        escape(&shapes(&application.results)),
        if parameters == 0 {
            String::new()
        } else {
            thousands(parameters)
        },
        if operations == 0.0 {
            String::new()
        } else {
            short(operations)
        },
    );
    if level + 1 < LEVELS {
        // A function without weights stands in the table where it is a step of the model, not of a layer of the library.
        let inner = children(step, at).filter(|(_, child)| {
            child.path.is_some()
                || (level == 0 && !child.results.is_empty() && !child.inputs.is_empty())
        });
        for inner in inner {
            rows(program, step, inner, level + 1, out);
        }
    }
}
