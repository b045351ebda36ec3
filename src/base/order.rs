//! The order of long sums, which interpreter, kernels and contraction engine share: it depends on the number of elements only.

/// The longest chain of a sum, in elements; a longer one is cut into pieces.
pub const LONGEST_CHAIN: usize = 4096;

/// Elements of each piece (the last may have fewer) into which a sum over `count` elements is cut: `count` itself up to [`LONGEST_CHAIN`],
/// beyond it the fewest equal parts, rounded up to a multiple of 8; never 0. Each piece is a chain from +0; the pieces' results are added in
/// order.
pub fn piece_length(count: usize) -> usize {
    if count <= LONGEST_CHAIN {
        return count.max(1);
    }
    count
        .div_ceil(count.div_ceil(LONGEST_CHAIN))
        .next_multiple_of(8)
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_CHAIN, piece_length};

    #[test]
    fn pieces_are_equal_and_short() {
        assert_eq!([0, 1, 4096].map(piece_length), [1, 1, 4096]);
        assert_eq!(piece_length(4097), 2056);
        for count in [4097, 8192, 8193, 100_000, 1 << 20] {
            let piece = piece_length(count);
            assert!(piece <= LONGEST_CHAIN && piece.is_multiple_of(8), "{count}");
            assert_eq!(
                count.div_ceil(piece),
                count.div_ceil(LONGEST_CHAIN),
                "{count}"
            );
        }
    }
}
