//! Signatures: types as written, dimensions bound and compared.
use super::Checker;
use super::expr::static_number;
use super::values::{DimNames, Num, Outcome, Reported, TensorVal, Val};
use crate::base::diagnostic::Diagnostic;
use crate::base::source::Span;
use crate::base::types::DType;
use crate::syntax::ast::{Block, Dim, Expr, ExprKind, TypeExpr, TypeKind};
use std::sync::Arc;

impl Checker<'_> {
    /// The element type that a type names; the default where it names none.
    pub(super) fn element_type(&mut self, ty: &TypeExpr) -> Outcome<DType> {
        let name = match &ty.kind {
            TypeKind::Tensor(Some(name), _) | TypeKind::Named(name) => name,
            TypeKind::Tensor(None, _) => return Ok(self.float),
            TypeKind::Fn | TypeKind::Tuple(_) => {
                return self.error(
                    "E0340",
                    ty.span,
                    "a tensor's type is wanted here",
                    "write `[n, d]` or `i32[n]`",
                );
            }
        };
        match &*name.text {
            "f32" => Ok(DType::F32),
            "f64" => Ok(DType::F64),
            "i32" => Ok(DType::I32),
            "bool" => Ok(DType::Bool),
            other => {
                let other = other.to_string();
                let help = match &*other {
                    "float" | "float32" | "Float" | "half" | "f16" | "bfloat16" => {
                        "write `f32`, or nothing: numbers are f32 where no type is written"
                    }
                    "double" | "float64" => "write `f64`",
                    "int" | "long" | "int32" | "int64" | "i64" | "u32" | "usize" | "Int" => {
                        "write `i32`; a number alone needs no type"
                    }
                    "tensor" | "Tensor" | "array" | "ndarray" | "list" => {
                        "a tensor's type is its shape: `[n, d]`, or `i32[n]`"
                    }
                    "boolean" | "Bool" => "write `bool`",
                    _ => "there are f32, f64, i32 and bool",
                };
                self.error(
                    "E0341",
                    name.span,
                    format!("unknown element type `{other}`"),
                    help,
                )
            }
        }
    }

    /// Fits an argument to a parameter's type: binds the dimensions that are new, compares the others. Gives the argument as the body sees
    /// it.
    pub(super) fn fit(
        &mut self,
        value: Val,
        ty: &TypeExpr,
        what: &str,
        place: Span,
    ) -> Outcome<Val> {
        match &ty.kind {
            TypeKind::Named(name) if &*name.text == "layer" => match value {
                Val::Instance(_) | Val::Layer(_) => Ok(value),
                other => self.error(
                    "E0342",
                    place,
                    format!("{what} is a layer, not {}", other.kind()),
                    "give an instance: `dense(10)`",
                ),
            },
            TypeKind::Fn => match value {
                Val::Fn(_) | Val::Builtin(_) => Ok(value),
                other => self.error(
                    "E0343",
                    place,
                    format!("{what} is a function, not {}", other.kind()),
                    "give a function: `relu` or `fn (x) { ... }`",
                ),
            },
            TypeKind::Named(_) => self.fit_tensor(value, ty, &[], what, place),
            TypeKind::Tensor(_, dims) => match value {
                Val::Tuple(parts) if parts.len() > 1 && what.starts_with("the result") => self
                    .error(
                        "E0344",
                        place,
                        format!("{what} is one tensor, not a tuple of {}", parts.len()),
                        "the type of a tuple lists them: `-> ([n, d], [])`",
                    ),
                value => self.fit_tensor(value, ty, dims, what, place),
            },
            TypeKind::Tuple(types) => match value {
                Val::Tuple(parts) if parts.len() == types.len() => {
                    let mut fitted = Vec::with_capacity(parts.len());
                    for (part, ty) in parts.into_iter().zip(types) {
                        fitted.push(self.fit(part, ty, what, place)?);
                    }
                    Ok(Val::Tuple(fitted))
                }
                other => {
                    let count = types.len();
                    let found = match &other {
                        Val::Tuple(parts) => format!("a tuple of {}", parts.len()),
                        other => other.kind().to_string(),
                    };
                    let message = format!("{what} is {found}, and a tuple of {count} is declared");
                    let values: Vec<&str> = ["a", "b", "c", "d", "..."]
                        .into_iter()
                        .take(count)
                        .collect();
                    let help = match what.starts_with("the result") {
                        true => format!(
                            "end the body with {count} values, `({})`, or declare what it gives",
                            values.join(", ")
                        ),
                        false => format!("give {count} values, `({})`", values.join(", ")),
                    };
                    self.error("E0344", place, message, help)
                }
            },
        }
    }

    fn fit_tensor(
        &mut self,
        value: Val,
        ty: &TypeExpr,
        dims: &[Dim],
        what: &str,
        place: Span,
    ) -> Outcome<Val> {
        let dtype = self.element_type(ty)?;
        if let Val::Ix(ix) = &value {
            return self.fit_indexed(
                &value,
                ix.dtype(&|tensor| self.type_of(tensor).dtype),
                dtype,
                dims,
                what,
                place,
            );
        }
        let tensor = self.operand(&value, Some(dtype), place)?;
        let found = self.type_of(&tensor);
        let reads_as = super::tensors::storage(found.dtype);
        let floats =
            reads_as.is_float() && dtype.is_float() && matches!(ty.kind, TypeKind::Tensor(None, _));
        if reads_as != dtype && !floats && !(found.dtype == DType::U8 && dtype == DType::F32) {
            let message = format!("{what} wants elements of {dtype}, not {}", found.dtype);
            let help = self.help_for_elements(what, dtype, &found, dims, place);
            let described = self.describe(&tensor);
            return self.shape_error(
                "E0345",
                place,
                message,
                &[(place, described), (ty.span, "declared here".into())],
                &help,
            );
        }
        let names = self.fit_shape(&tensor, &found.shape, ty, dims, what, place)?;
        Ok(Val::Tensor(self.renamed(tensor, names)))
    }

    /// A scalar expression over indices fits `[]` and `[..s]`.
    fn fit_indexed(
        &mut self,
        value: &Val,
        found: DType,
        wanted: DType,
        dims: &[Dim],
        what: &str,
        place: Span,
    ) -> Outcome<Val> {
        match dims {
            [] => {}
            [Dim::Rest(name, _)] => {
                if let Some(name) = name
                    && self.local(&name.text).is_none()
                {
                    self.bind(&name.text, Val::Sizes(Vec::new(), Vec::new()));
                }
            }
            _ => {
                return self.error(
                    "E0346",
                    place,
                    format!("{what} is a whole tensor, and this is one element"),
                    "apply the function to the whole tensor first",
                );
            }
        }
        if found != wanted && !(found.is_float() && wanted.is_float()) {
            return self.error(
                "E0345",
                place,
                format!("{what} wants elements of {wanted}, not {found}"),
                format!("convert with `{wanted}(...)`"),
            );
        }
        Ok(value.clone())
    }

    /// A name bound in the body being elaborated (not around it).
    pub(super) fn local(&mut self, name: &str) -> Option<Val> {
        self.frame()
            .scopes
            .iter()
            .rev()
            .find_map(|scope| scope.get(name).cloned())
    }

    fn fit_shape(
        &mut self,
        tensor: &TensorVal,
        shape: &[usize],
        ty: &TypeExpr,
        dims: &[Dim],
        what: &str,
        place: Span,
    ) -> Outcome<DimNames> {
        let rest = dims.iter().position(|dim| matches!(dim, Dim::Rest(..)));
        if dims
            .iter()
            .filter(|dim| matches!(dim, Dim::Rest(..)))
            .count()
            > 1
        {
            return self.error(
                "E0347",
                ty.span,
                "a shape has two `..`",
                "one is enough: the others cannot be told apart",
            );
        }
        let fixed = dims.len() - usize::from(rest.is_some());
        // A scalar fits a shape that is all rest.
        if shape.is_empty() && fixed == 0 && rest.is_some() {
            if let Some(Dim::Rest(Some(name), _)) = dims.first()
                && self.local(&name.text).is_none()
            {
                self.bind(&name.text, Val::Sizes(Vec::new(), Vec::new()));
            }
            return Ok(Vec::new());
        }
        if shape.len() < fixed || (rest.is_none() && shape.len() != fixed) {
            let least = if rest.is_some() { "at least " } else { "" };
            let message = super::two_sides::other_rank(what, least, fixed, shape.len());
            let described = self.describe(tensor);
            let help = self.help_for_rank(what, dims, tensor, place);
            return self.shape_error(
                "E0348",
                place,
                message,
                &[(place, described), (ty.span, "declared here".into())],
                &help,
            );
        }
        let mut names: DimNames = Vec::with_capacity(shape.len());
        let mut axis = 0;
        for dim in dims {
            match dim {
                Dim::Rest(name, _) => {
                    let count = shape.len() - fixed;
                    let sizes = shape[axis..axis + count].to_vec();
                    let kept: DimNames = (axis..axis + count)
                        .map(|at| tensor.dims.get(at).cloned().flatten())
                        .collect();
                    self.fit_rest(tensor, name.as_ref(), sizes, kept.clone(), what, place, ty)?;
                    names.extend(kept);
                    axis += count;
                }
                Dim::Expr(expr) => {
                    names.push(self.fit_dim(tensor, expr, shape[axis], axis, what, place, ty)?);
                    axis += 1;
                }
            }
        }
        Ok(names)
    }

    #[allow(clippy::too_many_arguments)]
    fn fit_rest(
        &mut self,
        tensor: &TensorVal,
        name: Option<&crate::syntax::ast::Name>,
        sizes: Vec<usize>,
        kept: DimNames,
        what: &str,
        place: Span,
        ty: &TypeExpr,
    ) -> Outcome<()> {
        let Some(name) = name else { return Ok(()) };
        match self.local(&name.text) {
            Some(Val::Sizes(bound, _)) if bound != sizes && !bound.is_empty() => {
                self.two_shapes(&name.text, (&bound, &sizes), tensor, what, place, ty)
            }
            _ => {
                self.gave(&name.text, tensor, None, what, place);
                self.bind(&name.text, Val::Sizes(sizes, kept));
                Ok(())
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn fit_dim(
        &mut self,
        tensor: &TensorVal,
        expr: &Expr,
        size: usize,
        axis: usize,
        what: &str,
        place: Span,
        ty: &TypeExpr,
    ) -> Outcome<Option<Arc<str>>> {
        if let ExprKind::Name(name) = &expr.kind {
            match self.local(name) {
                None => {
                    let value = Val::Num(Num::Int(size as i64));
                    self.note(expr, &value);
                    self.bind(name, value);
                    let callers = tensor.dims.get(axis).cloned().flatten();
                    self.frame().callers_names.insert(name.clone(), callers);
                    self.gave(name, tensor, Some(axis), what, place);
                    return Ok(Some(name.clone()));
                }
                Some(Val::Num(Num::Int(bound))) if bound == size as i64 => {
                    return Ok(Some(name.clone()));
                }
                Some(Val::Error) => return Err(Reported),
                Some(value) => {
                    let bound = static_number(&value).map_or(value.kind().to_string(), |number| {
                        number.value().to_string()
                    });
                    return self.two_sizes(name, (&bound, size), tensor, (axis, what), place, ty);
                }
            }
        }
        let wanted = self.eval_size(expr)?;
        if wanted != size {
            let described = self.describe(tensor);
            let message = format!("dimension {axis} of {what} is {size}, not {wanted}");
            let diagnostic = Diagnostic::error("E0351", place, message)
                .here(described)
                .label(expr.span, format!("{wanted} by this declaration"))
                .help(self.help_for_size(what, tensor, (axis, size, wanted), ty, place));
            return Err(self.report(diagnostic));
        }
        Ok(None)
    }

    /// The sizes and names that a type states, all of whose dimensions are bound.
    pub(super) fn stated_shape(&mut self, ty: &TypeExpr) -> Outcome<(Vec<usize>, DimNames)> {
        let dims: &[Dim] = match &ty.kind {
            TypeKind::Tensor(_, dims) => dims,
            TypeKind::Named(_) => &[],
            TypeKind::Fn | TypeKind::Tuple(_) => {
                return self.error(
                    "E0340",
                    ty.span,
                    "a tensor's type is wanted here",
                    "write `[n, d]` or `i32[n]`",
                );
            }
        };
        let (mut shape, mut names): (Vec<usize>, DimNames) = (Vec::new(), Vec::new());
        for dim in dims {
            match dim {
                Dim::Expr(expr) => {
                    shape.push(self.eval_size(expr)?);
                    names.push(Checker::dim_name(expr));
                }
                Dim::Rest(Some(name), span) => match self.resolve(&name.text, *span)? {
                    Val::Sizes(sizes, kept) => {
                        shape.extend(sizes);
                        names.extend(kept);
                    }
                    other => {
                        return self.error(
                            "E0301",
                            *span,
                            format!("`..{}` needs sizes, found {}", name.text, other.kind()),
                            "bind them in the signature",
                        );
                    }
                },
                Dim::Rest(None, span) => {
                    return self.error(
                        "E0301",
                        *span,
                        "`..` without a name has no sizes here",
                        "name it: `..s`",
                    );
                }
            }
        }
        self.fits_memory(&shape, ty.span)?;
        Ok((shape, names))
    }

    /// The value of a body, as the result of its signature. There a name is what the inputs bound to it, whatever the body calls so.
    pub(super) fn body_value(
        &mut self,
        body: &Block,
        result: Option<&TypeExpr>,
        name: &str,
    ) -> Outcome<Val> {
        let Some(ty) = result else {
            return self.block_value(&body.statements);
        };
        let signature = self.frame().scopes.last().cloned();
        let value = self.block_value(&body.statements)?;
        if let (Some(scope), Some(signature)) = (self.frame().scopes.last_mut(), signature) {
            *scope = signature;
        }
        self.fit_result(value, ty, name, body.span)
    }

    /// Fits a result to the type that a signature states, binding dimensions that the inputs left open.
    fn fit_result(&mut self, value: Val, ty: &TypeExpr, name: &str, place: Span) -> Outcome<Val> {
        if matches!(value, Val::Error) {
            return Err(Reported);
        }
        if let (Val::Ix(_), TypeKind::Tensor(..)) = (&value, &ty.kind) {
            return Ok(value);
        }
        if let (Some(number), TypeKind::Tensor(_, dims)) = (static_number(&value), &ty.kind)
            && dims.is_empty()
        {
            return Ok(Val::Num(number));
        }
        let value = self.fit(value, ty, &format!("the result of `{name}`"), place)?;
        Ok(self.in_callers_names(value))
    }

    /// A result with the names that its dimensions have where the call stands.
    fn in_callers_names(&mut self, value: Val) -> Val {
        match value {
            Val::Tensor(mut tensor) => {
                for dim in &mut tensor.dims {
                    if let Some(name) = dim
                        && let Some(callers) = self.frame().callers_names.get(name)
                    {
                        *dim = callers.clone();
                    }
                }
                Val::Tensor(tensor)
            }
            Val::Tuple(parts) => Val::Tuple(
                parts
                    .into_iter()
                    .map(|part| self.in_callers_names(part))
                    .collect(),
            ),
            other => other,
        }
    }
}
