//! The gradient of scans.
use super::comprehension::Contributions;
use crate::base::source::Span;
use crate::tir::{Graph, NodeData, NodeId, Scan, Value};

pub(super) fn hoist_invariants(_graph: &mut Graph, _scan: &mut Scan, _origin: Span) {}

pub(super) fn of_scan(
    _graph: &mut Graph,
    _id: NodeId,
    _scan: &Scan,
    _data: &NodeData,
    _cotangents: &[Option<Value>],
    _active: &dyn Fn(Value) -> bool,
) -> Result<Contributions, String> {
    Err("scan".into())
}
