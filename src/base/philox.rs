//! Philox4x32-10, the counter-based generator behind every random number, and the permutations drawn from it.
//!
//! Source: J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011.

/// Multipliers of the two lanes.
const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
/// What the key grows by in each round: the golden ratio and the square root of 3, as Weyl increments.
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
/// Keeps permutations apart from the random streams of a program that share its seed (`perm` in ASCII).
const PERMUTATION_DOMAIN: u32 = 0x7065_726D;

/// The four random words at `counter` of the stream `key`: a pure function, so that every element can be drawn by itself.
pub fn philox4x32_10(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let (mut counter, mut key) = (counter, key);
    for _ in 0..10 {
        let low = u64::from(MULTIPLIERS[0]) * u64::from(counter[0]);
        let high = u64::from(MULTIPLIERS[1]) * u64::from(counter[2]);
        counter = [
            (high >> 32) as u32 ^ counter[1] ^ key[0],
            high as u32,
            (low >> 32) as u32 ^ counter[3] ^ key[1],
            low as u32,
        ];
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    counter
}

/// Blocks drawn at once: the rounds of one wait for each other, those of several do not.
const BLOCKS: usize = 8;

/// The words of one stream in order.
struct Words {
    key: [u32; 2],
    epoch: [u32; 2],
    block: u64,
    words: [[u32; 4]; BLOCKS],
    used: usize,
}

impl Words {
    fn new(seed: u64, epoch: u64) -> Words {
        let key = [seed as u32, (seed >> 32) as u32 ^ PERMUTATION_DOMAIN];
        Words {
            key,
            epoch: [epoch as u32, (epoch >> 32) as u32],
            block: 0,
            words: [[0; 4]; BLOCKS],
            used: 4 * BLOCKS,
        }
    }

    fn next(&mut self) -> u32 {
        if self.used == 4 * BLOCKS {
            self.draw();
        }
        let word = self.words[self.used / 4][self.used % 4];
        self.used += 1;
        word
    }

    #[cold]
    fn draw(&mut self) {
        for (at, words) in (self.block..).zip(&mut self.words) {
            let counter = [at as u32, (at >> 32) as u32, self.epoch[0], self.epoch[1]];
            *words = philox4x32_10(counter, self.key);
        }
        self.block += BLOCKS as u64;
        self.used = 0;
    }

    /// Uniform in `0..bound`, without bias.
    ///
    /// Source: D. Lemire, "Fast Random Integer Generation in an Interval", ACM TOMACS 29 (2019).
    fn below(&mut self, bound: u32) -> u32 {
        let mut product = u64::from(self.next()) * u64::from(bound);
        if (product as u32) < bound {
            // (2^32 - bound) mod bound draws would be counted once too often.
            let threshold = bound.wrapping_neg() % bound;
            while (product as u32) < threshold {
                product = u64::from(self.next()) * u64::from(bound);
            }
        }
        (product >> 32) as u32
    }
}

/// A permutation of `0..n`, every one equally likely (Fisher-Yates); a function of its arguments alone.
pub fn permutation(n: u32, seed: u64, epoch: u64) -> Vec<u32> {
    let mut order = Vec::new();
    permute(&mut order, n, seed, epoch);
    order
}

/// Puts [`permutation`] in the place of what `order` holds.
pub fn permute(order: &mut Vec<u32>, n: u32, seed: u64, epoch: u64) {
    order.clear();
    order.extend(0..n);
    let mut words = Words::new(seed, epoch);
    for last in (1..n).rev() {
        let chosen = words.below(last + 1);
        order.swap(last as usize, chosen as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_answers_of_random123_hold() {
        assert_eq!(
            philox4x32_10([0; 4], [0; 2]),
            [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]
        );
        assert_eq!(
            philox4x32_10([!0; 4], [!0; 2]),
            [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]
        );
        let pi = philox4x32_10(
            [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
            [0xa4093822, 0x299f31d0],
        );
        assert_eq!(pi, [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]);
    }

    #[test]
    fn a_permutation_holds_each_number_once_and_depends_on_seed_and_epoch() {
        let order = permutation(1000, 1, 0);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..1000).collect::<Vec<u32>>());
        assert_eq!(order, permutation(1000, 1, 0));
        assert_ne!(order, permutation(1000, 1, 1));
        assert_ne!(order, permutation(1000, 2, 0));
        assert_ne!(order, permutation(1000, 1 << 32, 0));
    }

    #[test]
    fn the_empty_and_the_single_permutation() {
        assert_eq!(permutation(0, 1, 0), Vec::<u32>::new());
        assert_eq!(permutation(1, 1, 0), vec![0]);
    }

    #[test]
    fn the_six_permutations_of_three_are_equally_likely() {
        let mut counts = std::collections::BTreeMap::new();
        for epoch in 0..6000 {
            *counts.entry(permutation(3, 7, epoch)).or_insert(0u32) += 1;
        }
        assert_eq!(counts.len(), 6);
        // Chi-squared with 5 degrees of freedom: 20.5 is exceeded with probability 0.001.
        let chi: f64 = counts
            .values()
            .map(|&count| (f64::from(count) - 1000.0).powi(2) / 1000.0)
            .sum();
        assert!(chi < 20.5, "{counts:?}");
    }
}
