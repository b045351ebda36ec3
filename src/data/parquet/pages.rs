//! The pages of a column: those that the crate finds, decompressed here, and refused where decoding them would take more memory than they hold.
use super::footer::varint;
use ::parquet::basic::{Compression, Encoding};
use ::parquet::column::page::{Page, PageMetadata, PageReader};
use ::parquet::errors::{ParquetError, Result};
use ::parquet::file::metadata::ColumnChunkMetaData;
use ::parquet::file::serialized_reader::SerializedPageReader;
use bytes::Bytes;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What an entry of a dictionary takes in memory.
const ENTRY: u64 = 32;
/// Snappy makes of a byte at most 64/3.
const SNAPPY_MOST: u64 = 22;

/// How many bytes a file may still become.
#[derive(Clone)]
pub(super) struct Budget {
    left: Arc<AtomicU64>,
}

impl Budget {
    pub(super) fn new(limit: u64) -> Budget {
        Budget {
            left: Arc::new(AtomicU64::new(limit)),
        }
    }

    fn left(&self) -> u64 {
        self.left.load(Ordering::Relaxed)
    }

    /// An error where they are too many.
    pub(super) fn take(&self, bytes: u64) -> Result<()> {
        // The pages of a file are read by one thread, one after the other.
        let left = self.left().checked_sub(bytes);
        let left = left.ok_or_else(|| error("it becomes more than the limit of bytes"))?;
        self.left.store(left, Ordering::Relaxed);
        Ok(())
    }
}

/// An error of the crate's kind.
pub(super) fn error(why: &str) -> ParquetError {
    ParquetError::General(why.to_string())
}

/// The pages of one column of one group of rows.
pub(super) struct Pages {
    /// Gives pages as they lie in the file.
    packed: SerializedPageReader<Bytes>,
    codec: Compression,
    /// The highest definition level.
    most_level: i16,
    /// Rows that have not come.
    rows: usize,
    budget: Budget,
}

impl Pages {
    pub(super) fn new(
        bytes: &Bytes,
        chunk: &ColumnChunkMetaData,
        rows: usize,
        budget: Budget,
    ) -> Result<Pages> {
        let plain = chunk.clone().into_builder();
        let plain = plain.set_compression(Compression::UNCOMPRESSED).build()?;
        Ok(Pages {
            packed: SerializedPageReader::new(Arc::new(bytes.clone()), &plain, rows, None)?,
            codec: chunk.compression(),
            most_level: chunk.column_descr().max_def_level(),
            rows,
            budget,
        })
    }

    /// The decompressed bytes behind the first `levels`, which are never compressed.
    fn unpacked(&self, bytes: Bytes, levels: usize, is_packed: bool) -> Result<Bytes> {
        let packed = bytes.get(levels..);
        let packed = packed.ok_or_else(|| error("a page is shorter than it says"))?;
        if !is_packed || packed.is_empty() || self.codec == Compression::UNCOMPRESSED {
            self.budget.take(bytes.len() as u64)?;
            return Ok(bytes);
        }
        let mut whole = bytes.get(..levels).unwrap_or_default().to_vec();
        unpack(self.codec, packed, self.budget.left(), &mut whole)?;
        self.budget.take(whole.len() as u64)?;
        Ok(whole.into())
    }

    fn rows(&mut self, count: u32) -> Result<()> {
        let left = self.rows.checked_sub(count as usize);
        self.rows = left.ok_or_else(|| error("there are more rows than it says"))?;
        Ok(())
    }

    fn checked(&mut self, page: Page) -> Result<Page> {
        match page {
            Page::DictionaryPage {
                buf,
                num_values,
                encoding,
                is_sorted,
            } => {
                let buf = self.unpacked(buf, 0, true)?;
                if u64::from(num_values) > buf.len() as u64 {
                    return Err(error("a dictionary has more entries than bytes"));
                }
                self.budget.take(u64::from(num_values) * ENTRY)?;
                Ok(Page::DictionaryPage {
                    buf,
                    num_values,
                    encoding,
                    is_sorted,
                })
            }
            Page::DataPage {
                buf,
                num_values,
                encoding,
                def_level_encoding,
                rep_level_encoding,
                statistics,
            } => {
                self.rows(num_values)?;
                let buf = self.unpacked(buf, 0, true)?;
                let levels = match self.most_level {
                    0 => 0,
                    // Levels stand behind their length.
                    _ => match (def_level_encoding, buf.first_chunk::<4>()) {
                        (Encoding::RLE, Some(length)) => 4 + u32::from_le_bytes(*length) as usize,
                        _ => return Err(error("levels that are not run lengths")),
                    },
                };
                check_encoding(encoding, buf.get(levels..), num_values)?;
                Ok(Page::DataPage {
                    buf,
                    num_values,
                    encoding,
                    def_level_encoding,
                    rep_level_encoding,
                    statistics,
                })
            }
            Page::DataPageV2 {
                buf,
                num_values,
                encoding,
                num_nulls,
                num_rows,
                def_levels_byte_len,
                rep_levels_byte_len,
                is_compressed,
                statistics,
            } => {
                self.rows(num_values)?;
                let levels = def_levels_byte_len as usize + rep_levels_byte_len as usize;
                let buf = self.unpacked(buf, levels, is_compressed)?;
                check_encoding(encoding, buf.get(levels..), num_values)?;
                Ok(Page::DataPageV2 {
                    buf,
                    num_values,
                    encoding,
                    num_nulls,
                    num_rows,
                    def_levels_byte_len,
                    rep_levels_byte_len,
                    is_compressed: false,
                    statistics,
                })
            }
        }
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Result<Page>> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.packed.get_next_page()?;
        page.map(|page| self.checked(page)).transpose()
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.packed.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.packed.skip_next_page()
    }
}

/// Puts what was compressed behind what is there, of at most so many bytes.
fn unpack(codec: Compression, packed: &[u8], most: u64, into: &mut Vec<u8>) -> Result<()> {
    let wrong = |why: &dyn std::fmt::Display| error(&format!("a compressed page: {why}"));
    match codec {
        Compression::SNAPPY => {
            let size = snap::raw::decompress_len(packed).map_err(|why| wrong(&why))?;
            if size as u64 > most.min(packed.len() as u64 * SNAPPY_MOST) {
                return Err(error("a page that says it becomes more than it can"));
            }
            let start = into.len();
            into.resize(start + size, 0);
            let to = into.get_mut(start..).unwrap_or_default();
            let made = snap::raw::Decoder::new().decompress(packed, to);
            made.map(drop).map_err(|why| wrong(&why))
        }
        Compression::GZIP(_) => {
            drain(flate2::read::MultiGzDecoder::new(packed), most, into).map_err(|why| wrong(&why))
        }
        Compression::ZSTD(_) => {
            // Frames one behind the other, which share what the page may become.
            let (mut rest, before) = (packed, into.len());
            while !rest.is_empty() {
                let decoder = ruzstd::decoding::StreamingDecoder::new(&mut rest);
                let decoder = decoder.map_err(|why| wrong(&why))?;
                let left = most.saturating_sub((into.len() - before) as u64);
                drain(decoder, left, into).map_err(|why| wrong(&why))?;
            }
            Ok(())
        }
        Compression::UNCOMPRESSED
        | Compression::LZO
        | Compression::BROTLI(_)
        | Compression::LZ4
        | Compression::LZ4_RAW => Err(error("a codec that is not read")),
    }
}

fn drain(stream: impl Read, most: u64, into: &mut Vec<u8>) -> std::io::Result<()> {
    let before = into.len() as u64;
    stream.take(most.saturating_add(1)).read_to_end(into)?;
    match into.len() as u64 - before <= most {
        true => Ok(()),
        false => Err(std::io::Error::other(
            "it becomes more than the limit of bytes",
        )),
    }
}

/// Refuses encodings by which a page of few bytes could ask for any memory.
fn check_encoding(encoding: Encoding, values: Option<&[u8]>, count: u32) -> Result<()> {
    let mut values = values.ok_or_else(|| error("a page is shorter than its levels"))?;
    #[expect(deprecated)]
    match encoding {
        Encoding::PLAIN
        | Encoding::PLAIN_DICTIONARY
        | Encoding::RLE_DICTIONARY
        | Encoding::RLE
        | Encoding::DELTA_BINARY_PACKED
        | Encoding::BYTE_STREAM_SPLIT => Ok(()),
        Encoding::DELTA_LENGTH_BYTE_ARRAY => {
            // The sizes of a block and its parts, then how many lengths there are, for which memory is taken at once.
            let mut next = || varint(&mut values);
            let lengths = next().and(next()).and_then(|_| next());
            match lengths {
                Some(lengths) if lengths <= u64::from(count) => Ok(()),
                Some(_) | None => Err(error("a page has more lengths than values")),
            }
        }
        Encoding::DELTA_BYTE_ARRAY | Encoding::BIT_PACKED | Encoding::ALP => {
            Err(error("an encoding that is not read"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_share_what_a_page_may_become() {
        let frame = ruzstd::encoding::compress_to_vec(
            &[7u8; 1000][..],
            ruzstd::encoding::CompressionLevel::Fastest,
        );
        let packed = frame.repeat(3);
        let unpacked = |most: u64| {
            let mut whole = Vec::new();
            unpack(
                Compression::ZSTD(Default::default()),
                &packed,
                most,
                &mut whole,
            )
            .map(|()| whole)
        };
        assert_eq!(unpacked(3000).map(|whole| whole.len()).ok(), Some(3000));
        assert!(unpacked(2999).is_err());
    }
}
