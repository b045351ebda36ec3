//! Which vector instructions the kernels may use.

/// A family of register tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Isa {
    /// Plain Rust with `mul_add`: the same bits everywhere, slow where the target has no fused instruction.
    Portable,
    /// 256-bit vectors with FMA.
    Avx2,
    /// 512-bit vectors.
    Avx512,
}

impl Isa {
    /// Every family, the simplest first.
    pub const ALL: [Isa; 3] = [Isa::Portable, Isa::Avx2, Isa::Avx512];

    /// Its name, as the command line and receipts have it.
    pub fn name(self) -> &'static str {
        match self {
            Isa::Portable => "baseline",
            Isa::Avx2 => "avx2",
            Isa::Avx512 => "avx512",
        }
    }
}

/// What the planner knows of the processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cpu {
    isa: Isa,
}

impl Cpu {
    /// The best family that this processor has.
    pub fn detect() -> Cpu {
        let has = |isa: &Isa| has(*isa);
        Cpu {
            isa: Isa::ALL.into_iter().rfind(has).unwrap_or(Isa::Portable),
        }
    }

    /// The given family, or `None` where this processor cannot run it.
    pub fn force(isa: Isa) -> Option<Cpu> {
        has(isa).then_some(Cpu { isa })
    }

    /// The processor with the instructions of that name: `native` for the best tested ones, `baseline` for what every processor of the
    /// architecture has, or a family by its name.
    ///
    /// # Errors
    /// A sentence on a name that there is not, or a family that this processor cannot run.
    pub fn named(name: &str) -> Result<Cpu, String> {
        if name == "native" {
            return Ok(Cpu::detect());
        }
        let found = Isa::ALL.into_iter().find(|isa| isa.name() == name);
        let isa = found.ok_or("the levels are native, baseline, avx2 and avx512")?;
        Cpu::force(isa).ok_or_else(|| format!("this processor has no {name}"))
    }

    /// Whether kernels may use no more than every processor of the architecture has.
    pub fn is_baseline(self) -> bool {
        self.isa == Isa::Portable
    }

    /// The family in use.
    pub fn isa(self) -> Isa {
        self.isa
    }
}

#[cfg(target_arch = "x86_64")]
fn has(isa: Isa) -> bool {
    match isa {
        Isa::Portable => true,
        Isa::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
        Isa::Avx512 => is_x86_feature_detected!("avx512f") && has(Isa::Avx2),
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn has(isa: Isa) -> bool {
    match isa {
        Isa::Portable => true,
        Isa::Avx2 | Isa::Avx512 => false,
    }
}
