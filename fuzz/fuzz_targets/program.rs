#![no_main]
use dlmc::MemoryLoader;
use dlmc::check::Library;

thread_local! {
    static LIBRARY: Library = Library::default();
}

// Without files: what a program does with data is the affair of the target `data`.
libfuzzer_sys::fuzz_target!(|text: &str| {
    LIBRARY.with(|library| {
        dlmc::testing::mutants::check_program(text, &mut MemoryLoader::default(), ".", library);
    });
});
