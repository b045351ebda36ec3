//! The target: the processor this runs on.
use super::JitError;
use super::emit::Features;
use super::vectors::Width;
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};

/// What code is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Use only what every processor of the architecture has (on x86-64: no fused multiply-add, no AVX).
    pub baseline: bool,
    /// Use no vectors of more than 256 bits.
    pub narrow: bool,
    /// Emit functions such as `tanh` in place also where the host could be called for them: the same bits, more code.
    pub in_place: bool,
    /// Run Cranelift's verifier.
    pub verify: bool,
    /// Keep the text of the IR and of the machine code.
    pub keep_text: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            baseline: false,
            narrow: false,
            in_place: false,
            verify: cfg!(debug_assertions),
            keep_text: false,
        }
    }
}

fn failed(error: impl std::fmt::Display) -> JitError {
    JitError::Host(error.to_string())
}

/// The host's functions on wide vectors that code may call.
fn vectors(options: Options) -> Option<Width> {
    let widest = super::vectors::widest().filter(|_| !options.baseline && !options.in_place)?;
    Some(if options.narrow { Width::Eight } else { widest })
}

/// The instruction set with its settings, and what the emitter may use of it.
pub(super) fn host(
    options: Options,
    optimise: bool,
) -> Result<(OwnedTargetIsa, Features), JitError> {
    let mut flags = settings::builder();
    let level = if optimise { "speed" } else { "none" };
    let verify = if options.verify { "true" } else { "false" };
    let settings = [
        ("opt_level", level),
        ("regalloc_algorithm", "backtracking"),
        ("enable_verifier", verify),
        ("is_pic", "false"),
        ("use_colocated_libcalls", "false"),
        ("enable_probestack", "false"),
        ("unwind_info", "false"),
        ("log2_min_function_alignment", "6"),
    ];
    for (name, value) in settings {
        flags.set(name, value).map_err(failed)?;
    }
    let builder = cranelift_native::builder_with_options(!options.baseline).map_err(failed)?;
    let isa = builder
        .finish(settings::Flags::new(flags))
        .map_err(failed)?;
    let has = |name: &str| {
        let flags = isa.isa_flags();
        flags
            .iter()
            .any(|flag| flag.name == name && flag.as_bool() == Some(true))
    };
    // Other architectures have both in their base.
    let x86 = cfg!(target_arch = "x86_64");
    let features = Features {
        fma: !x86 || has("has_fma"),
        rounding: !x86 || has("has_sse41"),
        unaligned: !x86 || has("has_avx"),
        vectors: vectors(options),
        call_conv: isa.default_call_conv(),
    };
    Ok((isa, features))
}
