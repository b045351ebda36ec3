use super::{check, tree};
