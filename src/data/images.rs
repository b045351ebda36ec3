//! The reader of pictures: PNG and JPEG files, of a folder with one folder for each class, of a folder alone, or by a pattern.
//!
//! `x` is f32 `[n, channels, height, width]` with values in 0..1, as the other readers of images give it. Pictures are in the order of
//! their classes, within one by file name. Opacity is left out. Where a size is asked for, a picture of another one is scaled to it by a
//! triangle filter, which is as wide as the scale asks, so that smaller pictures are means of what they show.
use super::arguments::{Arguments, whole};
use super::files::{Entry, Files};
use super::frame::Frame;
use super::{fault, fault_help};
use crate::base::data::{DataError, DataOption};
use crate::base::tensor::{Elements, Tensor};
use image::imageops::FilterType;
use image::{DynamicImage, ImageReader, Limits};
use rayon::prelude::*;
use std::io::Cursor;

/// Endings of files that are pictures.
const ENDINGS: &[&str] = &["png", "jpg", "jpeg"];
/// Most pixels along one side of a picture.
const LONGEST_SIDE: u32 = 16_384;

/// How pictures become tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Form {
    /// Height and width to scale to.
    size: Option<(u32, u32)>,
    /// 1 or 3; where nothing is said 3 if some picture has colours.
    channels: Option<usize>,
}

/// The files of a set, each with the number of its class.
struct Listing {
    files: Vec<(String, Option<i32>)>,
    classes: Vec<String>,
}

/// Whether a file is a picture by its name.
pub(super) fn is_picture(path: &str) -> bool {
    let ending = path
        .rsplit_once('.')
        .map(|(_, ending)| ending.to_ascii_lowercase());
    ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

/// Reads the pictures of a folder, or of a training and a test folder.
pub(super) fn read(
    files: &Files<'_>,
    paths: &[String],
    arguments: &Arguments<'_>,
) -> Result<Frame, DataError> {
    let form = form(arguments)?;
    let path = paths.first().map(String::as_str).unwrap_or_default();
    let mut all = listing(files, path)?;
    let mut test_start = None;
    if let Some(test) = arguments.text("test")? {
        let more = listing(files, test)?;
        if more.classes != all.classes {
            let lacking = all
                .classes
                .iter()
                .find(|class| !more.classes.contains(class));
            let extra = more
                .classes
                .iter()
                .find(|class| !all.classes.contains(class));
            let what = match (lacking, extra) {
                (Some(class), _) => format!("there is no folder \"{class}\" in it"),
                (None, Some(class)) => format!("\"{class}\" is no folder of {path}"),
                (None, None) => "it has other folders".into(),
            };
            return Err(fault_help(
                format!("{test}: {what}"),
                format!("give both the folders {}", all.classes.join(", ")),
            ));
        }
        test_start = Some(all.files.len());
        all.files.extend(more.files);
    }
    let x = tensor(files, &all.files, form)?;
    let mut frame = Frame::new(path.to_string(), all.files.len(), test_start)?;
    frame.fields.push(("x".to_string(), x));
    let labels: Option<Vec<i32>> = all.files.iter().map(|(_, class)| *class).collect();
    if let Some(labels) = labels {
        let count = labels.len();
        let y = Tensor::new([count], Elements::I32(labels));
        let y = y.ok_or_else(|| fault(format!("{path}: label counts disagree")))?;
        frame.fields.push(("y".to_string(), y));
        frame.classes.push(("y".to_string(), all.classes));
    }
    Ok(frame)
}

/// The files of the pictures that a path names.
pub(super) fn names(files: &Files<'_>, path: &str) -> Result<Vec<String>, DataError> {
    let named = listing(files, path)?.files.into_iter();
    Ok(named.map(|(name, _)| name).collect())
}

/// Names and how often each occurs.
type Counts = Vec<(String, usize)>;

/// How many pictures each class of a folder has, with the sizes that occur; without classes one of no name.
pub(super) fn counts(files: &Files<'_>, path: &str) -> Result<(Counts, Counts), DataError> {
    let all = listing(files, path)?;
    let mut classes: Counts = all.classes.iter().map(|class| (class.clone(), 0)).collect();
    let mut sizes = Counts::new();
    for (path, class) in &all.files {
        if let Some((_, count)) = class.and_then(|class| classes.get_mut(class as usize)) {
            *count += 1;
        }
        let picture = decode(files, path)?;
        let colours = if picture.color().has_color() {
            ""
        } else {
            " grey"
        };
        let size = format!("{}x{}{colours}", picture.height(), picture.width());
        match sizes.iter_mut().find(|(known, _)| *known == size) {
            Some((_, count)) => *count += 1,
            None => sizes.push((size, 1)),
        }
    }
    Ok((classes, sizes))
}

fn form(arguments: &Arguments<'_>) -> Result<Form, DataError> {
    let wrong = || {
        fault(format!(
            "`{}`: `size` is a number of pixels, or a list of height and width, from 1 to {LONGEST_SIDE}",
            arguments.name
        ))
    };
    let side = |option: &DataOption| match option {
        DataOption::Number(number) => whole(*number)
            .and_then(|side| u32::try_from(side).ok())
            .filter(|side| (1..=LONGEST_SIDE).contains(side))
            .ok_or_else(wrong),
        DataOption::Text(_) | DataOption::Flag(_) | DataOption::List(_) => Err(wrong()),
    };
    let size = match arguments.option("size") {
        None => None,
        Some(DataOption::List(sides)) => match sides.as_slice() {
            [height, width] => Some((side(height)?, side(width)?)),
            _ => return Err(wrong()),
        },
        Some(one) => Some((side(one)?, side(one)?)),
    };
    let channels = match arguments.count(None, "channels", 1)? {
        None | Some(1 | 3) => arguments.count(None, "channels", 1)?,
        Some(other) => {
            return Err(fault_help(
                format!("`{}`: `channels` is 1 or 3, not {other}", arguments.name),
                "1 makes grey pictures, 3 red, green and blue",
            ));
        }
    };
    Ok(Form { size, channels })
}

/// The pictures that a path names.
fn listing(files: &Files<'_>, path: &str) -> Result<Listing, DataError> {
    let Some(entries) = files.list(path)? else {
        let named = files.expand(path)?;
        if let Some(other) = named.iter().find(|name| !is_picture(name)) {
            // One that is not there is said to be missing.
            files.read(other)?;
            return Err(no_picture(other));
        }
        return Ok(Listing {
            files: named.into_iter().map(|name| (name, None)).collect(),
            classes: Vec::new(),
        });
    };
    let (folders, plain): (Vec<Entry>, Vec<Entry>) =
        entries.into_iter().partition(|entry| entry.is_folder);
    if let (true, Some(first)) = (folders.is_empty(), plain.first())
        && !plain.iter().any(|file| is_picture(&file.name))
    {
        return Err(fault_help(
            format!("the folder \"{path}\" holds no picture"),
            format!(
                "pictures end in .png, .jpg or .jpeg; of other data name the file: \"{}/{}\"",
                path.trim_end_matches('/'),
                first.name
            ),
        ));
    }
    let mut found = Vec::new();
    for file in &plain {
        found.push((pictured(path, file)?, None));
    }
    if let (Some(folder), Some(file)) = (folders.first(), plain.first()) {
        return Err(fault_help(
            format!(
                "{path} has pictures such as \"{}\" and folders such as \"{}\"",
                file.name, folder.name
            ),
            "give each class a folder, and put every picture into one",
        ));
    }
    let mut classes = Vec::new();
    for (folder, class) in folders.iter().zip(0..) {
        let inner = format!("{}/{}", path.trim_end_matches('/'), folder.name);
        let entries = files.list(&inner)?.unwrap_or_default();
        if entries.is_empty() {
            return Err(fault_help(
                format!("the folder \"{inner}\" holds no picture"),
                "every folder is a class: fill it or remove it",
            ));
        }
        for file in &entries {
            found.push((pictured(&inner, file)?, Some(class)));
        }
        classes.push(folder.name.clone());
    }
    if found.is_empty() {
        return Err(fault_help(
            format!("the folder \"{path}\" holds no picture"),
            "it holds a folder for each class, with .png and .jpg files",
        ));
    }
    Ok(Listing {
        files: found,
        classes,
    })
}

fn pictured(folder: &str, entry: &Entry) -> Result<String, DataError> {
    let path = format!("{}/{}", folder.trim_end_matches('/'), entry.name);
    match !entry.is_folder && is_picture(&entry.name) {
        true => Ok(path),
        false => Err(no_picture(&path)),
    }
}

fn no_picture(path: &str) -> DataError {
    fault_help(
        format!("\"{path}\" is no picture"),
        "pictures end in .png, .jpg or .jpeg; move what else there is out of the folder",
    )
}

fn decode(files: &Files<'_>, path: &str) -> Result<DynamicImage, DataError> {
    let bytes = files.read(path)?;
    let wrong = |error: &dyn std::fmt::Display| {
        fault(format!("{path}: this is not a sound picture ({error})"))
    };
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| wrong(&error))?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(files.policy.limit.min(1 << 30));
    reader.limits(limits);
    reader.decode().map_err(|error| wrong(&error))
}

/// All pictures as `[n, channels, height, width]`.
fn tensor(
    files: &Files<'_>,
    paths: &[(String, Option<i32>)],
    form: Form,
) -> Result<Tensor, DataError> {
    let decoded = |path: &str| -> Result<DynamicImage, DataError> {
        let picture = decode(files, path)?;
        Ok(match form.size {
            Some((height, width)) if (picture.height(), picture.width()) != (height, width) => {
                picture.resize_exact(width, height, FilterType::Triangle)
            }
            Some(_) | None => picture,
        })
    };
    // The first one says the size: what is too much is refused before all are there.
    let first = paths.first().map(|(path, _)| decoded(path)).transpose()?;
    let (height, width) = first.map_or((0, 0), |first| (first.height(), first.width()));
    let sides = [height as usize, width as usize];
    let first = paths.first().map_or("", |(path, _)| path.as_str());
    let most = form.channels.unwrap_or(3);
    files.allow(&[paths.len(), most, sides[0], sides[1]], 4, first)?;
    let pictures: Vec<(Vec<u8>, bool)> = paths
        .par_iter()
        .map(|(path, _)| {
            let picture = decoded(path)?;
            if (picture.height(), picture.width()) != (height, width) {
                return Err(fault_help(
                    format!(
                        "{path} has {} x {} pixels (height, width), {first} has {height} x {width}",
                        picture.height(),
                        picture.width()
                    ),
                    format!("write images(..., size = [{height}, {width}]) to scale them"),
                ));
            }
            let coloured = picture.color().has_color();
            Ok(match form.channels {
                Some(1) => (picture.into_luma8().into_raw(), false),
                None if !coloured => (picture.into_luma8().into_raw(), false),
                None | Some(_) => (picture.into_rgb8().into_raw(), true),
            })
        })
        .collect::<Result<_, DataError>>()?;
    let channels = match pictures.iter().any(|(_, coloured)| *coloured) {
        true => 3,
        false => 1,
    };
    let area = sides[0] * sides[1];
    let mut values = Vec::with_capacity(pictures.len() * channels * area);
    for (bytes, coloured) in &pictures {
        for channel in 0..channels {
            let (step, offset) = if *coloured { (3, channel) } else { (1, 0) };
            let plane = bytes.iter().skip(offset).step_by(step);
            values.extend(plane.map(|&value| f32::from(value) / 255.0));
        }
    }
    let shape = [pictures.len(), channels, sides[0], sides[1]];
    Tensor::new(shape, Elements::F32(values))
        .ok_or_else(|| fault(format!("{first}: sizes disagree")))
}
