//! Rows of data sets as small pictures: PNG in a `data:` address, so that the page stays one file.
use crate::base::tensor::Tensor;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use std::io::Write;

/// Most rows and columns of a picture.
const MOST: usize = 256;

/// A row of shape `[height, width]` or `[channels, height, width]` with 1 or 3 channels; nothing for one that is no picture.
pub fn of_row(x: &Tensor, row: usize) -> Option<String> {
    let (channels, height, width) = match *x.shape() {
        [_, height, width] => (1, height, width),
        [_, channels @ (1 | 3), height, width] => (channels, height, width),
        _ => return None,
    };
    if !(4..=MOST).contains(&height) || !(4..=MOST).contains(&width) {
        return None;
    }
    let length = channels * height * width;
    let values: Option<Vec<f64>> = (row * length..(row + 1) * length)
        .map(|at| x.get(at))
        .collect();
    let values = values?;
    // From the darkest to the brightest value: data may be standardised.
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let range = (high - low).max(1e-12);
    let mut lines = Vec::with_capacity(height * (1 + width * channels));
    for line in 0..height {
        // Each line begins with its filter: none.
        lines.push(0);
        for column in 0..width {
            for channel in 0..channels {
                let value = values.get((channel * height + line) * width + column)?;
                lines.push((255.0 * (value - low) / range).round() as u8);
            }
        }
    }
    let png = png(width as u32, height as u32, channels == 3, &lines)?;
    Some(format!("data:image/png;base64,{}", base64(&png)))
}

/// A PNG of eight bits a channel (ISO/IEC 15948).
fn png(width: u32, height: u32, colour: bool, lines: &[u8]) -> Option<Vec<u8>> {
    let mut header = Vec::new();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([8, if colour { 2 } else { 0 }, 0, 0, 0]);
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
    packed.write_all(lines).ok()?;
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, content) in [
        (b"IHDR", header),
        (b"IDAT", packed.finish().ok()?),
        (b"IEND", Vec::new()),
    ] {
        out.extend((content.len() as u32).to_be_bytes());
        let start = out.len();
        out.extend(name);
        out.extend(content);
        let sum = crc32fast::hash(out.get(start..)?);
        out.extend(sum.to_be_bytes());
    }
    Some(out)
}

/// Base 64 (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let number = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let value = (number >> (18 - 6 * digit)) & 63;
            let text = DIGITS.get(value as usize).map_or('=', |&d| char::from(d));
            out.push(if digit <= chunk.len() { text } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::tensor::Elements;

    #[test]
    fn the_examples_of_the_standard() {
        for (text, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(text.as_bytes()), coded);
        }
    }

    #[test]
    fn only_pictures_are_drawn() {
        let zeros = |shape: &[usize]| {
            let count = shape.iter().product();
            Tensor::new(shape, Elements::F32(vec![0.0; count])).expect("it fits")
        };
        assert!(of_row(&zeros(&[2, 8, 8]), 1).is_some());
        assert!(of_row(&zeros(&[2, 3, 8, 8]), 1).is_some());
        for shape in [&[2, 8][..], &[2, 2, 8, 8], &[2, 8, 1], &[2, 8, 8]] {
            assert_eq!(of_row(&zeros(shape), 2), None, "{shape:?}");
        }
    }
}
