//! Folders of pictures.
use super::*;
use crate::data::input::Input;
use image::{GrayImage, ImageFormat, Luma, Rgb, RgbImage};
use std::io::Cursor;

fn grey(height: u32, width: u32, of: impl Fn(u32, u32) -> u8) -> Vec<u8> {
    let picture = GrayImage::from_fn(width, height, |x, y| Luma([of(y, x)]));
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn coloured(height: u32, width: u32, colour: [u8; 3], format: ImageFormat) -> Vec<u8> {
    let picture = RgbImage::from_pixel(width, height, Rgb(colour));
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn tree(files: &[(&str, Vec<u8>)]) -> Folder {
    let folder = Folder::new();
    for (path, bytes) in files {
        let path = folder.0.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    folder
}

fn read(
    folder: &Folder,
    path: &str,
    options: &[(&str, DataOption)],
) -> Result<Arc<DataSet>, DataError> {
    open(folder, reader("images", &[path], options), &[])
}

#[test]
fn a_folder_for_each_class_in_the_order_of_their_names() {
    let folder = tree(&[
        ("set/b/2.png", grey(2, 3, |y, x| (10 * y + x) as u8)),
        ("set/a/9.PNG", grey(2, 3, |_, _| 255)),
        ("set/b/10.png", grey(2, 3, |_, _| 51)),
        ("set/.hidden", b"nothing".to_vec()),
    ]);
    let set = read(&folder, "set", &[]).unwrap();
    assert_eq!(field(&set, "", "x").shape(), [3, 1, 2, 3]);
    assert_eq!(values(&set, "", "y"), [0.0, 1.0, 1.0]);
    assert_eq!(
        set.classes,
        [("y".to_string(), vec!["a".to_string(), "b".to_string()])]
    );
    let x = values(&set, "", "x");
    assert_eq!(x[..6], [1.0; 6]);
    assert!(x[6..12].iter().all(|&value| value == f64::from(0.2f32)));
    let expected = [0u8, 1, 2, 10, 11, 12].map(|value| f64::from(f32::from(value) / 255.0));
    assert_eq!(x[12..], expected);
}

#[test]
fn colours_are_planes_and_grey_pictures_join_them() {
    let folder = tree(&[
        ("1.png", coloured(1, 2, [255, 51, 0], ImageFormat::Png)),
        ("2.png", grey(1, 2, |_, _| 102)),
    ]);
    let set = read(&folder, "*.png", &[]).unwrap();
    assert_eq!(field(&set, "", "x").shape(), [2, 3, 1, 2]);
    let shares = [1.0, 1.0, 0.2, 0.2, 0.0, 0.0, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4];
    let found = values(&set, "", "x");
    assert!(
        found.iter().zip(shares).all(|(a, b)| (a - b).abs() < 1e-7),
        "{found:?}"
    );
    assert!(set.part("").unwrap().field("y").is_none());
    let set = read(&folder, "*.png", &[("channels", number(1.0))]).unwrap();
    assert_eq!(field(&set, "", "x").shape(), [2, 1, 1, 2]);
}

#[test]
fn pictures_are_scaled_where_a_size_is_asked_for() {
    let folder = tree(&[
        // Columns of 0 and 200 in turns: halved, each is their mean.
        (
            "a/1.png",
            grey(4, 8, |_, x| if x % 2 == 0 { 0 } else { 200 }),
        ),
        (
            "a/2.jpg",
            coloured(16, 16, [100, 100, 100], ImageFormat::Jpeg),
        ),
    ]);
    let sides = DataOption::List(vec![number(2.0), number(4.0)]);
    let set = read(&folder, ".", &[("size", sides), ("channels", number(1.0))]).unwrap();
    assert_eq!(field(&set, "", "x").shape(), [2, 1, 2, 4]);
    let x = values(&set, "", "x");
    // Within the border a triangle of two pixels to each side weighs both kinds alike.
    assert!(
        (x[1] - 100.0 / 255.0).abs() < 0.01 && (x[2] - 100.0 / 255.0).abs() < 0.01,
        "{x:?}"
    );
    assert!(
        x[8..]
            .iter()
            .all(|value| (value - 100.0 / 255.0).abs() < 0.01),
        "{x:?}"
    );
    assert_eq!(
        failure(read(&folder, ".", &[])),
        (
            "./a/2.jpg has 16 x 16 pixels (height, width), ./a/1.png has 4 x 8".to_string(),
            "write images(..., size = [4, 8]) to scale them".to_string()
        )
    );
}

#[test]
fn what_is_no_picture_is_named() {
    let whole = grey(2, 2, |_, _| 1);
    let folder = tree(&[
        ("cut/a/1.png", whole[..whole.len() / 2].to_vec()),
        ("text/a/notes.txt", b"nothing".to_vec()),
        ("mixed/a/1.png", whole.clone()),
        ("mixed/1.png", whole.clone()),
        ("empty/a/.keep", Vec::new()),
        ("tables/1.csv", b"a\n1\n".to_vec()),
        ("two/a/1.png", whole.clone()),
        ("other/b/1.png", whole),
        ("named/a/1.jpg", b"GIF89a".to_vec()),
    ]);
    let said = |path: &str| message(read(&folder, path, &[]));
    assert!(said("cut").starts_with("cut/a/1.png: this is not a sound picture ("));
    assert!(said("named").starts_with("named/a/1.jpg: this is not a sound picture ("));
    assert_eq!(said("text"), "\"text/a/notes.txt\" is no picture");
    assert_eq!(
        said("mixed"),
        "mixed has pictures such as \"1.png\" and folders such as \"a\""
    );
    assert_eq!(said("empty"), "the folder \"empty/a\" holds no picture");
    assert_eq!(said("tables"), "the folder \"tables\" holds no picture");
    assert!(said("nowhere").starts_with("there is no file \"nowhere\""));
    assert_eq!(
        message(read(&folder, "two", &[("test", string("other"))])),
        "other: there is no folder \"a\" in it"
    );
    assert_eq!(
        message(read(&folder, "two", &[("size", number(0.0))])),
        "`images`: `size` is a number of pixels, or a list of height and width, from 1 to 16384"
    );
    assert_eq!(
        message(read(&folder, "two", &[("channels", number(2.0))])),
        "`images`: `channels` is 1 or 3, not 2"
    );
}

#[test]
fn a_picture_that_claims_to_be_huge_is_refused() {
    let mut bytes = grey(2, 2, |_, _| 1);
    // Width and height of the header, with its checksum.
    bytes[16..24].copy_from_slice(&[0, 0, 64, 0, 0, 0, 64, 0]);
    let mut crc = flate2::Crc::new();
    crc.update(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    let folder = tree(&[("a/1.png", bytes)]);
    let mut provider = FileProvider::new().with_limit(1 << 20);
    let outcome = provider.open(&DataSpec {
        source: reader("images", &["."], &[]),
        transforms: vec![],
        base_dir: folder.text(),
    });
    assert!(message(outcome).starts_with("./a/1.png: this is not a sound picture"));
}

#[test]
fn further_pictures_are_prepared_as_those_of_the_program() {
    let folder = tree(&[
        ("set/a/1.png", coloured(4, 4, [255, 0, 0], ImageFormat::Png)),
        ("set/b/1.png", coloured(4, 4, [0, 0, 255], ImageFormat::Png)),
        ("new.png", grey(2, 2, |_, _| 51)),
        ("wide.png", grey(2, 8, |_, _| 51)),
    ]);
    let spec = |options: &[(&str, DataOption)]| DataSpec {
        source: reader("images", &["set"], options),
        transforms: vec![],
        base_dir: folder.text(),
    };
    let provider = FileProvider::new();
    let input = |name: &str| Input::File(folder.0.join(name).display().to_string());
    let scaled = spec(&[("size", number(4.0))]);
    let x = provider.prepared(Some(&scaled), &input("new.png")).unwrap();
    assert_eq!(x.shape(), [1, 3, 4, 4]);
    assert!(x.to_f64().iter().all(|&value| (value - 0.2).abs() < 1e-6));
    let error = provider
        .prepared(Some(&spec(&[])), &input("wide.png"))
        .unwrap_err();
    assert!(
        error
            .message
            .ends_with("rows of [3, 2, 8], the program's data have [3, 4, 4]"),
        "{}",
        error.message
    );
}
