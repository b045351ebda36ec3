//! Files that are written as a whole or not at all: under another name in the same folder, to the disk, then renamed.
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Writes the parts one after the other. Until the file takes its name the one of before is there.
///
/// # Errors
/// Why it cannot be written; the file of before is still there, and nothing else.
pub fn replace(path: &Path, parts: &[&[u8]]) -> std::io::Result<()> {
    let (temporary, file) = temporary_beside(path)?;
    finish(file, &temporary, path, parts)
}

/// The same by way of a temporary file of that name, which nobody else writes: what a process that was killed has left there is
/// written over.
///
/// # Errors
/// As for [`replace`].
pub fn replace_by(temporary: &Path, path: &Path, parts: &[&[u8]]) -> std::io::Result<()> {
    // Whatever stands there is taken away, and a file made anew: a link that somebody put there is not followed.
    match std::fs::remove_file(temporary) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let file = File::options()
        .write(true)
        .create_new(true)
        .open(temporary)?;
    finish(file, temporary, path, parts)
}

/// The same for a file of the user's own that is there: one behind a link is written where it lies, and it keeps its permissions.
///
/// # Errors
/// As for [`replace`], and where the file may not be written.
pub fn rewrite(path: &Path, parts: &[&[u8]]) -> std::io::Result<()> {
    let path = path.canonicalize()?;
    let permissions = path.metadata()?.permissions();
    if permissions.readonly() {
        return Err(std::io::ErrorKind::PermissionDenied.into());
    }
    let (temporary, file) = temporary_beside(&path)?;
    if let Err(error) = file.set_permissions(permissions) {
        // The error that matters is this one.
        let _ = std::fs::remove_file(&temporary);
        return Err(error);
    }
    finish(file, &temporary, &path, parts)
}

/// Tries whether [`replace`] could write a file there.
///
/// # Errors
/// Why not.
pub fn try_replace(path: &Path) -> std::io::Result<()> {
    if path.is_dir() {
        return Err(std::io::ErrorKind::IsADirectory.into());
    }
    let (temporary, _) = temporary_beside(path)?;
    std::fs::remove_file(temporary)
}

fn finish(mut file: File, temporary: &Path, path: &Path, parts: &[&[u8]]) -> std::io::Result<()> {
    let written = parts
        .iter()
        .try_for_each(|part| file.write_all(part))
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::rename(temporary, path))
        .and_then(|()| sync_folder(folder_of(path)));
    if written.is_err() {
        // The error that matters is the first one; the temporary file may be gone already. A full disk gets its room back.
        let _ = std::fs::remove_file(temporary);
    }
    written
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Has the system keep a renaming: the folder's own data go to the disk.
#[cfg(unix)]
fn sync_folder(path: &Path) -> std::io::Result<()> {
    File::open(path)?.sync_all()
}

/// Where folders cannot be opened as files, the system keeps renamings by itself.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> std::io::Result<()> {
    Ok(())
}

fn temporary_beside(path: &Path) -> std::io::Result<(PathBuf, File)> {
    let name = path
        .file_name()
        .ok_or_else(|| std::io::Error::other("the path names no file"))?
        .to_string_lossy();
    let mut turn = 0u32;
    loop {
        let temporary = format!(".{name}.{}.{turn}.tmp", std::process::id());
        let temporary = folder_of(path).join(temporary);
        match File::options()
            .write(true)
            .create_new(true)
            .open(&temporary)
        {
            Ok(file) => return Ok((temporary, file)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && turn < 1000 => {
                turn += 1
            }
            Err(error) => return Err(error),
        }
    }
}
