//! The files that programs under edit read: data sets, kept until their files change, and imports, as the editor has them where it has them open.
use crate::base::data::{DataError, DataProvider, DataSet, DataSource, DataSpec};
use crate::data::FileProvider;
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

/// Data sets that are kept.
const MOST_SETS: usize = 8;

/// When a file was written last, and its length.
type Stamp = Option<(SystemTime, u64)>;

struct Kept {
    spec: DataSpec,
    stamps: Vec<Stamp>,
    set: Arc<DataSet>,
}

/// Data sets of all documents.
#[derive(Default)]
pub struct Sets {
    kept: Vec<Kept>,
}

/// What one document is checked with.
pub struct Provider {
    /// Data sets read before.
    pub sets: Rc<RefCell<Sets>>,
    /// Texts that the editor has open, by real path.
    pub open: HashMap<PathBuf, Arc<str>>,
    /// Imported files: the name that they are reported under, their paths.
    pub imported: Vec<(String, PathBuf)>,
}

/// A path without links and `..`, where the file exists.
pub fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}

impl Provider {
    /// The stamps of the files of a data set; nothing where it reads none, or where one is no plain name.
    fn stamps(spec: &DataSpec) -> Option<Vec<Stamp>> {
        let DataSource::Reader { paths, .. } = &spec.source else {
            return None;
        };
        let stamp = |path: &String| {
            let data = std::fs::metadata(Path::new(&spec.base_dir).join(path)).ok()?;
            Some((data.modified().ok()?, data.len()))
        };
        Some(paths.iter().map(stamp).collect())
    }
}

impl DataProvider for Provider {
    fn open(&mut self, spec: &DataSpec) -> Result<Arc<DataSet>, DataError> {
        let stamps = Provider::stamps(spec);
        let mut sets = self.sets.borrow_mut();
        if let Some(stamps) = &stamps
            && let Some(at) = sets.kept.iter().position(|kept| kept.spec == *spec)
        {
            let kept = sets.kept.remove(at);
            if kept.stamps == *stamps {
                let set = kept.set.clone();
                sets.kept.push(kept);
                return Ok(set);
            }
        }
        let set = FileProvider::new().open(spec)?;
        if let Some(stamps) = stamps {
            if sets.kept.len() >= MOST_SETS {
                sets.kept.remove(0);
            }
            sets.kept.push(Kept {
                spec: spec.clone(),
                stamps,
                set: set.clone(),
            });
        }
        Ok(set)
    }

    fn source(&mut self, base_dir: &str, path: &str) -> Result<(String, String), DataError> {
        let place = real(&Path::new(base_dir).join(path));
        let known = self.imported.iter().find(|(_, known)| *known == place);
        let known = known.map(|(name, _)| name.clone());
        let (text, name) = match self.open.get(&place) {
            Some(text) => {
                let name = Path::new(base_dir).join(path).display().to_string();
                (text.to_string(), name)
            }
            None => FileProvider::new().source(base_dir, path)?,
        };
        // One file has one name, however it is written.
        if let Some(known) = known {
            return Ok((text, known));
        }
        self.imported.push((name.clone(), place));
        Ok((text, name))
    }
}
