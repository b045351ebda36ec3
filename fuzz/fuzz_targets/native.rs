#![no_main]
libfuzzer_sys::fuzz_target!(|text: &str| dlmc::testing::mutants::run_graph(text));
