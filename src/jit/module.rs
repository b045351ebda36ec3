//! Compiled kernels and the memory they live in.
use super::emit::Features;
use super::isa::{Options, host};
use super::{JitError, function};
use crate::kir::{Kernel, Status};
use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::isa::{OwnedTargetIsa, TargetIsa};
use cranelift_jit::{ArenaMemoryProvider, JITBuilder, JITModule};
use cranelift_module::{FuncId, Linkage, Module as _};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::{Arc, Mutex};

/// A kernel as native code: `(buffers, begin, end, status)`.
///
/// # Safety
/// As for [`CompiledKernel::run`] on `begin..end` (of a loop of steps: as [`Turns`](super::Turns) says); what it was taken from, or a clone of
/// that, is alive.
pub type Function = unsafe extern "C" fn(*const *mut u8, i64, i64, *const Status);

/// Owns native code; freed with the last kernel that refers to it.
pub struct Module {
    inner: Mutex<Option<JITModule>>,
    bytes: usize,
}

impl Module {
    /// Bytes of machine code.
    pub fn code_bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        let module = match self.inner.get_mut() {
            Ok(inner) => inner.take(),
            Err(poisoned) => poisoned.into_inner().take(),
        };
        if let Some(module) = module {
            // SAFETY: every `CompiledKernel` and `Turns` holds the module by `Arc`, so none is left that could run the code; whoever keeps a
            // bare `Function` of one keeps it alive too, by that type's contract.
            unsafe { module.free_memory() }
        }
    }
}

impl std::fmt::Debug for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Module({} bytes)", self.bytes)
    }
}

/// What a kernel was compiled to, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Cranelift's IR.
    pub clif: String,
    /// Machine code, one instruction a line.
    pub assembly: String,
}

/// A kernel that can be run.
#[derive(Debug, Clone)]
pub struct CompiledKernel {
    /// The kernel's name.
    pub name: String,
    /// IR and machine code, where [`Options::keep_text`] asked for them.
    pub text: Option<Arc<Text>>,
    /// Bytes of its machine code.
    pub code_bytes: usize,
    function: Function,
    buffers: usize,
    module: Arc<Module>,
}

impl CompiledKernel {
    /// The native function. It may be called as long as this kernel (or a clone of it) lives.
    pub fn function(&self) -> Function {
        self.function
    }

    /// The module that holds the code.
    pub fn module(&self) -> &Arc<Module> {
        &self.module
    }

    /// Runs the kernel over a range of its outer indices.
    ///
    /// # Safety
    /// `buffers` are the kernel's buffers in order, each valid for every element that the kernel reaches and aligned to its element
    /// type; what it writes is written by nobody else meanwhile and read by nobody else, except that several runs of the same kernel
    /// may have the same buffers if their ranges are disjoint. The range lies within the product of the outer extents.
    pub unsafe fn run(&self, buffers: &[*mut u8], range: Range<usize>, status: &Status) {
        debug_assert_eq!(buffers.len(), self.buffers);
        // SAFETY: the code was compiled from a verified kernel for this signature; the rest is the caller's promise.
        unsafe {
            (self.function)(
                buffers.as_ptr(),
                range.start as i64,
                range.end as i64,
                status,
            );
        }
    }
}

/// The kernels of one compilation, in the order given.
#[derive(Debug, Clone)]
pub struct CompiledKernels {
    /// The kernels; equal ones share their code.
    pub kernels: Vec<CompiledKernel>,
    /// How many different functions were compiled.
    pub functions: usize,
}

/// Machine code that is not yet in its place.
struct Code {
    bytes: Vec<u8>,
    alignment: u64,
    text: Option<Arc<Text>>,
}

fn compile_code(
    kernel: &Kernel,
    isa: &dyn TargetIsa,
    features: Features,
    options: Options,
) -> Result<Code, JitError> {
    let refused = |why: String| JitError::Code {
        kernel: kernel.name.clone(),
        why,
    };
    let mut context: Context = function::build(kernel, &kernel.nests, isa, features)?;
    let clif = options
        .keep_text
        .then(|| context.func.display().to_string());
    context.set_disasm(options.keep_text);
    let compiled = context
        .compile(isa, &mut ControlPlane::default())
        .map_err(|error| refused(format!("{:?}", error.inner)))?;
    if !compiled.buffer.relocs().is_empty() {
        return Err(refused("it refers to a function by name".into()));
    }
    let text = clif.map(|clif| {
        let assembly = compiled.vcode.clone().unwrap_or_default();
        Arc::new(Text { clif, assembly })
    });
    Ok(Code {
        bytes: compiled.code_buffer().to_vec(),
        alignment: u64::from(compiled.buffer.alignment).max(64),
        text,
    })
}

/// For each kernel the position of the first one that is equal to it but for the name.
fn first_equal(kernels: &[Kernel]) -> Vec<usize> {
    let mut seen: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
    let texts = kernels.iter().map(|kernel| {
        let Kernel {
            name: _,
            buffers,
            outer,
            nests,
        } = kernel;
        format!("{buffers:?} {outer} {nests:?}")
    });
    texts
        .enumerate()
        .map(|(at, text)| *seen.entry(text).or_insert(at))
        .collect()
}

/// Compiles kernels; equal ones once, several in parallel on the threads of the current rayon pool.
pub fn compile(kernels: &[Kernel], options: Options) -> Result<CompiledKernels, JitError> {
    for kernel in kernels {
        crate::kir::verify::verify(kernel).map_err(|why| JitError::Kernel {
            kernel: kernel.name.clone(),
            why,
        })?;
    }
    let (isa, features) = host(options, true)?;
    let first = first_equal(kernels);
    let distinct: Vec<usize> = (0..kernels.len()).filter(|&at| first[at] == at).collect();
    let codes: Vec<Code> = distinct
        .par_iter()
        .map(|&at| compile_code(&kernels[at], &*isa, features, options))
        .collect::<Result<_, _>>()?;
    let names = distinct.iter().map(|&at| kernels[at].name.as_str());
    let (module, functions) = place(isa, &codes, &names.collect::<Vec<_>>())?;
    let compiled = kernels.iter().enumerate().map(|(at, kernel)| {
        let slot = distinct.partition_point(|&other| other < first[at]);
        CompiledKernel {
            name: kernel.name.clone(),
            text: codes[slot].text.clone(),
            code_bytes: codes[slot].bytes.len(),
            function: functions[slot],
            buffers: kernel.buffers.len(),
            module: module.clone(),
        }
    });
    Ok(CompiledKernels {
        kernels: compiled.collect(),
        functions: codes.len(),
    })
}

/// Puts one function into executable memory.
pub(super) fn place_one(
    isa: OwnedTargetIsa,
    bytes: Vec<u8>,
    alignment: u64,
    name: &str,
) -> Result<(Arc<Module>, Function), JitError> {
    let code = Code {
        bytes,
        alignment,
        text: None,
    };
    let (module, functions) = place(isa, &[code], &[name])?;
    let function = functions.first().copied();
    let function = function.ok_or_else(|| JitError::Host("no code was placed".into()))?;
    Ok((module, function))
}

/// Puts code into executable memory.
fn place(
    isa: OwnedTargetIsa,
    codes: &[Code],
    names: &[&str],
) -> Result<(Arc<Module>, Vec<Function>), JitError> {
    let failed = |why: String| JitError::Host(why);
    let signature = function::signature(&*isa);
    let bytes: usize = codes.iter().map(|code| code.bytes.len()).sum();
    let room = codes
        .iter()
        .map(|code| code.bytes.len() + 128)
        .sum::<usize>()
        + (64 << 10);
    let memory = ArenaMemoryProvider::new_with_size(room).map_err(|e| failed(e.to_string()))?;
    let mut builder = JITBuilder::with_isa(isa, cranelift_module::default_libcall_names());
    builder.memory_provider(Box::new(memory));
    // From here on the module frees its memory also when something fails.
    let module = Module {
        inner: Mutex::new(Some(JITModule::new(builder))),
        bytes,
    };
    let mut functions = Vec::with_capacity(codes.len());
    {
        let mut guard = module.inner.lock().map_err(|e| failed(e.to_string()))?;
        let Some(jit) = guard.as_mut() else {
            return Err(failed("the module is gone".into()));
        };
        let mut ids: Vec<FuncId> = Vec::with_capacity(codes.len());
        for (at, code) in codes.iter().enumerate() {
            let name = format!("dlm:{}:{at}", names[at]);
            let id = jit
                .declare_function(&name, Linkage::Local, &signature)
                .map_err(|e| failed(e.to_string()))?;
            jit.define_function_bytes(id, code.alignment, &code.bytes, &[])
                .map_err(|e| failed(e.to_string()))?;
            ids.push(id);
        }
        jit.finalize_definitions()
            .map_err(|e| failed(e.to_string()))?;
        for id in ids {
            let pointer = jit.get_finalized_function(id);
            // SAFETY: the pointer is that of a finished function which was compiled with this signature.
            functions.push(unsafe { std::mem::transmute::<*const u8, Function>(pointer) });
        }
    }
    Ok((Arc::new(module), functions))
}
