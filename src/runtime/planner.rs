//! Contraction plans for the products of schedules.
//!
//! Programs have the same product in many graphs (the forward pass in the training step, in its validation, in a metric), so a planner
//! keeps the plans it made and gives equal products the same one.
use super::contraction::{Contraction, ContractionError, ContractionSpec, Cpu, Index};
use super::finish;
use super::steps::count_products;
use crate::kir::schedule::{Product, Schedule, Step};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// Makes plans, equal ones once.
pub struct Planner {
    cpu: Cpu,
    known: FxHashMap<ContractionSpec, Arc<Contraction>>,
}

/// The plans of one product.
pub(super) struct Planned {
    pub(super) plain: Arc<Contraction>,
    /// The plan for an operand that is packed once outside the loop, where some step is in a loop in which one stays the same.
    pub(super) prepacked: Option<Arc<Contraction>>,
    /// The finishes of its steps, by their numbers among the product steps.
    finishes: Vec<(usize, finish::Planned)>,
}

impl Planned {
    /// The finish of product step `number`.
    pub(super) fn finish(&self, number: usize) -> Option<&finish::Planned> {
        let mut finishes = self.finishes.iter();
        finishes
            .find(|(step, _)| *step == number)
            .map(|(_, finish)| finish)
    }
}

/// The plans of a schedule's products, in its order.
pub struct Plans(pub(super) Vec<Planned>);

impl Planner {
    /// A planner for a processor.
    pub fn new(cpu: &Cpu) -> Planner {
        Planner {
            cpu: *cpu,
            known: FxHashMap::default(),
        }
    }

    /// Plans the products of a schedule.
    ///
    /// # Errors
    /// A product for which there is no plan: of a type that is not a float, or larger than 32-bit offsets reach.
    pub fn plans(&mut self, schedule: &Schedule) -> Result<Plans, ContractionError> {
        let mut steady = vec![false; schedule.products.len()];
        find_steady(&schedule.steps, false, &mut steady);
        let products = schedule.products.iter().zip(steady);
        let mut planned = products
            .map(|(product, steady)| self.planned(product, steady))
            .collect::<Result<Vec<Planned>, ContractionError>>()?;
        add_finishes(schedule, &mut planned);
        Ok(Plans(planned))
    }

    fn planned(&mut self, product: &Product, steady: bool) -> Result<Planned, ContractionError> {
        let mut spec = ContractionSpec::new(product.dtype);
        for index in &product.free {
            let index = Index::new(index.extent, index.a, index.b, index.c);
            match (index.a != 0, index.b != 0) {
                (true, false) => spec.m.push(index),
                (false, true) => spec.n.push(index),
                (true, true) | (false, false) => spec.batch.push(index),
            }
        }
        spec.k = product
            .reduce
            .iter()
            .map(|index| Index::new(index.extent, index.a, index.b, 0))
            .collect();
        let prepacked = if steady {
            let spec = ContractionSpec {
                prepacked: true,
                ..spec.clone()
            };
            Some(self.plan(spec)?).filter(|plan| plan.packs().is_some())
        } else {
            None
        };
        Ok(Planned {
            plain: self.plan(spec)?,
            prepacked,
            finishes: Vec::new(),
        })
    }

    fn plan(&mut self, spec: ContractionSpec) -> Result<Arc<Contraction>, ContractionError> {
        if let Some(plan) = self.known.get(&spec) {
            return Ok(plan.clone());
        }
        let plan = Arc::new(Contraction::new(&spec, &self.cpu)?);
        self.known.insert(spec, plan.clone());
        Ok(plan)
    }
}

/// Notes the products of steps in loops in which an operand stays the same.
fn find_steady(steps: &[Step], in_loop: bool, steady: &mut [bool]) {
    for step in steps {
        match step {
            Step::Product {
                product,
                constant_a,
                constant_b,
                ..
            } => steady[*product] |= in_loop && (*constant_a || *constant_b),
            Step::Loop { body, .. } => find_steady(body, true, steady),
            Step::Kernel { .. }
            | Step::Group { .. }
            | Step::Zero { .. }
            | Step::Copy { .. }
            | Step::Turn { .. } => {}
        }
    }
}

/// Plans the finishes of a schedule's outermost steps.
fn add_finishes(schedule: &Schedule, planned: &mut [Planned]) {
    let mut number = 0;
    for step in &schedule.steps {
        if let Step::Product {
            product,
            c,
            finish: Some(finish),
            ..
        } = step
        {
            let size = schedule.products[*product].dtype.size();
            let plan = &mut planned[*product];
            let finish = finish::Planned::new(finish, c, &plan.plain, size);
            plan.finishes.push((number, finish));
        }
        number += count_products(std::slice::from_ref(step));
    }
}
