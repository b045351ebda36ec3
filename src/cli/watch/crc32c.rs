//! CRC-32C (Castagnoli), the checksum of TFRecord files: reflected polynomial 0x82F63B78, RFC 3720, appendix B.4.

/// The remainder of each byte.
const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let mut value = at as u32;
        let mut bit = 0;
        while bit < 8 {
            value = (value >> 1) ^ (0x82F6_3B78 & 0u32.wrapping_sub(value & 1));
            bit += 1;
        }
        table[at] = value;
        at += 1;
    }
    table
}

/// The checksum of some bytes.
pub fn crc32c(bytes: &[u8]) -> u32 {
    let next = |sum: u32, byte: &u8| {
        let at = (sum ^ u32::from(*byte)) as u8;
        (sum >> 8) ^ TABLE[usize::from(at)]
    };
    !bytes.iter().fold(u32::MAX, next)
}

/// The checksum as TFRecord files have it: rotated and moved, since one of bytes that hold a checksum themselves would tell little.
pub fn masked(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xA282_EAD8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_standard() {
        assert_eq!(crc32c(b"123456789"), 0xE306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8A91_36AA);
        assert_eq!(crc32c(&[0xFF; 32]), 0x62A8_AB43);
    }
}
