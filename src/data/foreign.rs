//! Formats that people have and a reader does not take, known by how a file begins, with the way out of each.
use super::fault_help;
use crate::base::data::DataError;
use std::path::Path;

struct Foreign {
    name: &'static str,
    /// The bytes that a file of the format begins with.
    begins: &'static [u8],
    /// Where other files may begin so too: what its name ends in.
    endings: &'static [&'static str],
    /// `FILE` stands for its name, `STEM` for that without the ending.
    mend: &'static str,
}

const PARQUET: &str = "a Parquet file";

/// The first row that fits counts.
const FOREIGN: &[Foreign] = &[
    Foreign {
        name: PARQUET,
        begins: b"PAR1",
        endings: &[".parquet", ".pq"],
        mend: "read it by parquet(\"FILE\")",
    },
    Foreign {
        name: "an Arrow (Feather) file",
        begins: b"ARROW1\0\0",
        endings: &[],
        mend: "write it as CSV once: `python -c 'import pandas; pandas.read_feather(\"FILE\").to_csv(\"STEM.csv\", index=False)'`",
    },
    Foreign {
        name: "an Excel workbook",
        begins: b"PK\x03\x04",
        endings: &[".xlsx", ".xlsm", ".ods"],
        mend: "save the sheet as CSV once, from the program that shows it, or by `python -c 'import pandas; pandas.read_excel(\"FILE\").to_csv(\"STEM.csv\", index=False)'`",
    },
    Foreign {
        name: "an Excel workbook",
        begins: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        endings: &[],
        mend: "save the sheet as CSV once, from the program that shows it, or by `python -c 'import pandas; pandas.read_excel(\"FILE\").to_csv(\"STEM.csv\", index=False)'`",
    },
    Foreign {
        name: "an HDF5 file",
        begins: b"\x89HDF\r\n\x1a\n",
        endings: &[],
        mend: "write its arrays as .npz once: `python -c 'import h5py, numpy; f = h5py.File(\"FILE\"); numpy.savez(\"STEM.npz\", **{k: f[k][...] for k in f})'`",
    },
    Foreign {
        name: "a SQLite database",
        begins: b"SQLite format 3\0",
        endings: &[],
        mend: "write a table as CSV once: `sqlite3 -header -csv FILE 'select * from NAME' > STEM.csv`",
    },
    Foreign {
        name: "a file of PyTorch",
        begins: b"PK\x03\x04",
        endings: &[".pt", ".pth"],
        mend: "write its tensors as .npz once, in Python, with `numpy.savez`",
    },
    Foreign {
        name: "a pickled Python object",
        begins: b"\x80",
        endings: &[".pkl", ".pickle", ".pt", ".pth"],
        mend: "write a table as CSV or arrays as .npz once, in Python: `frame.to_csv(\"STEM.csv\", index=False)`, `numpy.savez(\"STEM.npz\", x=x, y=y)`",
    },
    Foreign {
        name: "compressed by zstd",
        begins: b"\x28\xb5\x2f\xfd",
        endings: &[],
        mend: "decompress it (`zstd -d FILE`), or compress it by gzip, which is read",
    },
    Foreign {
        name: "compressed by xz",
        begins: b"\xfd7zXZ\0",
        endings: &[],
        mend: "decompress it (`xz -d FILE`), or compress it by gzip, which is read",
    },
    Foreign {
        name: "compressed by bzip2",
        begins: b"BZh",
        endings: &[".bz2"],
        mend: "decompress it (`bzip2 -d FILE`), or compress it by gzip, which is read",
    },
];

/// An error for the bytes of a file, if they are of a format that no reader takes, or only the one of Parquet files.
pub(super) fn refuse(path: &str, bytes: &[u8]) -> Result<(), DataError> {
    let name = path.to_ascii_lowercase();
    let ends = |endings: &[&str]| {
        endings.is_empty() || endings.iter().any(|ending| name.ends_with(ending))
    };
    let mut rows = FOREIGN.iter();
    let Some(found) = rows.find(|row| bytes.starts_with(row.begins) && ends(row.endings)) else {
        return Ok(());
    };
    let stem = Path::new(path).with_extension("").display().to_string();
    let mend = found.mend.replace("STEM", &stem).replace("FILE", path);
    let message = match found.name {
        PARQUET => format!("\"{path}\" is {PARQUET}"),
        name => format!("\"{path}\" is {name}, which no reader takes"),
    };
    Err(fault_help(message, mend))
}
