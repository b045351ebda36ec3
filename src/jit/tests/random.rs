//! Random kernels against the reference.
