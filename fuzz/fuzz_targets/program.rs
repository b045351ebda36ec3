#![no_main]
use dlmc::MemoryLoader;

// Without files: what a program does with data is the affair of the target `data`.
libfuzzer_sys::fuzz_target!(|text: &str| {
    dlmc::testing::mutants::check_program(text, &mut MemoryLoader::default(), ".");
});
