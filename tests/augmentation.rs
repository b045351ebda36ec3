//! The augmentations of `std/augmentation.dlm`: what they compute against the same written out here, what is drawn, and when.
#![cfg(feature = "cli")]

mod support;

use std::collections::HashSet;
use support::Folder;

/// The numbers that a program prints.
fn numbers(name: &str, program: &str) -> Vec<f64> {
    let folder = Folder::new(&format!("augmentation-{name}"));
    folder.write("program.dlm", program);
    let (printed, _) = folder.run(0, &["run", "program.dlm"]);
    let parts = printed.split(|c: char| !(c.is_ascii_digit() || "+-.e".contains(c)));
    parts.filter_map(|part| part.parse().ok()).collect()
}

/// `count` images of one channel whose pixel (i, j) is `1 + 7 i + j`, 7 wide and 5 high.
const IMAGES: &str =
    "let x[a < COUNT, k < 1, i < 5, j < 7] = f32(1 + 7 * i + j)\nlet n = zeros[COUNT]\n";
const HEIGHT: i64 = 5;
const WIDTH: i64 = 7;

fn images(count: usize, then: &str) -> String {
    format!("{}{then}", IMAGES.replace("COUNT", &count.to_string()))
}

/// That pixel, 0 outside.
fn pixel(i: i64, j: i64) -> f64 {
    let inside = (0..HEIGHT).contains(&i) && (0..WIDTH).contains(&j);
    if inside { (1 + 7 * i + j) as f64 } else { 0.0 }
}

/// All pixels of an image that is made pixel by pixel.
fn image(pixel: impl Fn(i64, i64) -> f64) -> Vec<f64> {
    let rows = (0..HEIGHT).flat_map(|i| (0..WIDTH).map(move |j| (i, j)));
    rows.map(|(i, j)| pixel(i, j)).collect()
}

fn close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() <= tolerance,
            "element {at}: {found} for {expected}"
        );
    }
}

/// Each image as it is printed.
fn each(found: &[f64]) -> Vec<&[f64]> {
    let size = (HEIGHT * WIDTH) as usize;
    assert_eq!(found.len() % size, 0, "{} numbers", found.len());
    found.chunks(size).collect()
}

#[test]
fn images_are_cropped_flipped_and_cut_where_it_is_said() {
    let program = images(
        2,
        "let top: i32[2] = [0, 2]
         let left: i32[2] = [2, -1]
         let which = [1, 0] > 0.5
         print x |> framed(1) |> cropped(top, left + 1, 4, 6)
         print x |> flipped(which)
         print x |> flipped(which, vertical = true)
         print x |> cut_out(top, left, 3, fill = -1)
         print centre_crop(x, 3, 5)",
    );
    let found = numbers("places", &program);
    let mut expected = Vec::new();
    for (top, left) in [(0, 2), (2, -1)] {
        for i in 0..4 {
            expected.extend((0..6).map(|j| pixel(top + i - 1, left + 1 + j - 1)));
        }
    }
    expected.extend(image(|i, j| pixel(i, WIDTH - 1 - j)));
    expected.extend(image(pixel));
    expected.extend(image(|i, j| pixel(HEIGHT - 1 - i, j)));
    expected.extend(image(pixel));
    for (top, left) in [(0, 2), (2, -1)] {
        let within = |at: i64, first: i64| (first..first + 3).contains(&at);
        expected.extend(image(|i, j| {
            if within(i, top) && within(j, left) {
                -1.0
            } else {
                pixel(i, j)
            }
        }));
    }
    for i in (0..3).chain(0..3) {
        expected.extend((0..5).map(|j| pixel(i + 1, j + 1)));
    }
    close(&found, &expected, 0.0);
}

/// Bilinear interpolation at a point, as the definition has it.
fn between(row: f64, column: f64) -> f64 {
    let (top, left) = (row.floor(), column.floor());
    let (u, v) = (row - top, column - left);
    let at = |i: f64, j: f64| pixel(i as i64, j as i64);
    (1.0 - u) * (1.0 - v) * at(top, left)
        + (1.0 - u) * v * at(top, left + 1.0)
        + u * (1.0 - v) * at(top + 1.0, left)
        + u * v * at(top + 1.0, left + 1.0)
}

#[test]
fn rotation_is_bilinear_about_the_centre() {
    let angles = [0.0, 0.3, -1.1, std::f64::consts::FRAC_PI_2, 3.0];
    let list = format!("{angles:?}");
    let program = images(
        5,
        &format!("print rotated(x, {list})\nprint random_rotation(x, 0)"),
    );
    let found = numbers("rotation", &program);
    let (y0, z0) = ((HEIGHT - 1) as f64 / 2.0, (WIDTH - 1) as f64 / 2.0);
    let turned = |angle: f64| {
        image(move |i, j| {
            let (y, z) = (i as f64 - y0, j as f64 - z0);
            between(
                y0 + angle.cos() * y + angle.sin() * z,
                z0 + angle.cos() * z - angle.sin() * y,
            )
        })
    };
    let mut expected: Vec<f64> = angles.into_iter().flat_map(turned).collect();
    expected.extend((0..5).flat_map(|_| image(pixel)));
    // The angle is rounded to f32, and pixels differ by 7 from row to row.
    close(&found, &expected, 1e-4);
}

#[test]
fn every_shift_occurs_and_each_image_has_its_own() {
    let found = numbers(
        "shift",
        &images(400, "for y in random_shift(x, 2) { print y }"),
    );
    let mut seen = HashSet::new();
    for found in each(&found) {
        let mut shifts = (-2..=2).flat_map(|down| (-2..=2).map(move |right| (down, right)));
        let shift = shifts.find(|(down, right)| image(|i, j| pixel(i + down, j + right)) == found);
        seen.insert(shift.expect("an image that is moved by a whole number of pixels"));
    }
    assert_eq!(seen.len(), 25);
}

#[test]
fn windows_lie_anywhere_and_within() {
    let program = images(
        200,
        "for y in random_crop(x, height = 3, width = 6) { print y }",
    );
    let found = numbers("crop", &program);
    let mut seen = HashSet::new();
    for found in found.chunks(18) {
        let places = (0..=2).flat_map(|top| (0..=1).map(move |left| (top, left)));
        let window = |(top, left): (i64, i64)| -> Vec<f64> {
            let rows = (0..3).flat_map(|i| (0..6).map(move |j| (i, j)));
            rows.map(|(i, j)| pixel(top + i, left + j)).collect()
        };
        let mut places = places.filter(|&place| window(place) == found);
        seen.insert(places.next().expect("a window of the image"));
    }
    assert_eq!(seen.len(), 6);
}

/// A lone number is the size of a square window, as it is for `centre_crop`, and not a padding.
#[test]
fn a_crop_of_one_number_is_a_square() {
    let program = images(
        100,
        "for y in random_crop(x, 3) { print y }
         for y in random_crop(x, width = 6) { print y }",
    );
    let found = numbers("square", &program);
    let (squares, wide) = found.split_at(900);
    let lies = |found: &[f64], width: i64| {
        let first = found[0] as i64 - 1;
        let (top, left) = (first / WIDTH, first % WIDTH);
        let rows = (0..found.len() as i64 / width).flat_map(|i| (0..width).map(move |j| (i, j)));
        let window: Vec<f64> = rows.map(|(i, j)| pixel(top + i, left + j)).collect();
        assert_eq!(found, window);
        (top, left)
    };
    let places: HashSet<(i64, i64)> = squares.chunks(9).map(|found| lies(found, 3)).collect();
    assert_eq!(places.len(), 15);
    // The height is the image's own where it is not given.
    let places: HashSet<(i64, i64)> = wide.chunks(30).map(|found| lies(found, 6)).collect();
    assert_eq!(places, [(0, 0), (0, 1)].into());
}

#[test]
fn a_flip_is_its_own_inverse_and_falls_on_half_of_the_images() {
    let program = images(
        200,
        "let which = uniform[200] < 0.5
         print max(abs(flipped(flipped(x, which), which) - x))
         print max(abs(flipped(flipped(x, which, vertical = true), which, vertical = true) - x))
         for y in random_flip(x, vertical = true) { print y }
         print max(abs(random_flip(random_flip(x, p = 1), p = 1) - x)), max(abs(random_flip(x, p = 0) - x))",
    );
    let found = numbers("flip", &program);
    let (twice, rest) = found.split_at(2);
    let (flips, always) = rest.split_at(rest.len() - 2);
    assert_eq!([twice, always].concat(), [0.0; 4]);
    let mut flipped = 0;
    for found in each(flips) {
        if found == image(|i, j| pixel(HEIGHT - 1 - i, j)) {
            flipped += 1;
        } else {
            assert_eq!(found, image(pixel));
        }
    }
    assert!((70..=130).contains(&flipped), "{flipped} of 200");
}

#[test]
fn cutout_leaves_one_square_out() {
    let found = numbers("cutout", &images(300, "for y in cutout(x, 3) { print y }"));
    let mut sizes = HashSet::new();
    for found in each(&found) {
        let (mut rows, mut columns, mut gone) = (HashSet::new(), HashSet::new(), 0);
        for (at, &value) in found.iter().enumerate() {
            let (i, j) = (at as i64 / WIDTH, at as i64 % WIDTH);
            if value == 0.0 {
                rows.insert(i);
                columns.insert(j);
                gone += 1;
            } else {
                assert_eq!(value, pixel(i, j));
            }
        }
        assert_eq!(gone, rows.len() * columns.len(), "a rectangle");
        sizes.insert((rows.len(), columns.len()));
    }
    // Its centre lies in the image: at least two of three rows and columns remain of it.
    let expected = [(3, 3), (3, 2), (2, 3), (2, 2)];
    assert_eq!(sizes, expected.into());
}

#[test]
fn noise_and_scale_have_the_deviation_that_is_asked_for() {
    let found = numbers(
        "noise",
        "let x = normal[50, 40, 3]
         let e = random_noise(x, 0.2) - x
         let f = random_scale(x, 0.3) / x
         let first = f[:, :1, :]
         print mean(e), sqrt(mean(e ^ 2)), max(abs(f - first)), mean(first), sqrt(mean((first - 1) ^ 2))",
    );
    let [mean, deviation, varying, factor, spread] = found[..] else {
        panic!("five numbers: {found:?}");
    };
    assert!(
        mean.abs() < 0.01 && (deviation - 0.2).abs() < 0.01,
        "{found:?}"
    );
    assert!(
        varying < 1e-5,
        "a factor is the same at all times: {found:?}"
    );
    assert!(
        (factor - 1.0).abs() < 0.1 && (spread - 0.3).abs() < 0.06,
        "{found:?}"
    );
}

#[test]
fn series_are_shifted_and_masked() {
    let program = "let x[a < 300, i < 6, k < 2] = f32(1 + i + 10 * k)
         let by: i32[300] = i32(floor(uniform[300] * 5)) - 2
         print by
         for y in time_shifted(x, by) { print y }
         for y in random_time_shift(x, 2) { print y }
         for y in time_mask(x, 3) { print y }";
    let found = numbers("series", program);
    let (by, found) = found.split_at(300);
    let series: Vec<&[f64]> = found.chunks(12).collect();
    let shifted = |by: i64| -> Vec<f64> {
        let at = |i: i64, k: i64| {
            let from = i - by;
            if (0..6).contains(&from) {
                (1 + from + 10 * k) as f64
            } else {
                0.0
            }
        };
        (0..6).flat_map(|i| (0..2).map(move |k| at(i, k))).collect()
    };
    for (found, &by) in series[..300].iter().zip(by) {
        assert_eq!(*found, shifted(by as i64));
    }
    let mut seen = HashSet::new();
    for found in &series[300..600] {
        seen.insert((-2..=2).find(|&by| *found == shifted(by)).expect("a shift"));
    }
    assert_eq!(seen.len(), 5);
    let mut masks = HashSet::new();
    for found in &series[600..] {
        let gone: Vec<usize> = (0..6).filter(|i| found[2 * i] == 0.0).collect();
        for (i, pair) in found.chunks(2).enumerate() {
            let kept = [1.0 + i as f64, 11.0 + i as f64];
            let expected = if gone.contains(&i) { [0.0; 2] } else { kept };
            assert_eq!(pair, expected);
        }
        let run = gone.first().copied().unwrap_or(0)..;
        assert!(
            gone.iter().copied().eq(run.take(gone.len())),
            "one run: {gone:?}"
        );
        masks.insert((gone.first().copied(), gone.len()));
    }
    // None, 6 places of one step, 5 of two, 4 of three.
    assert_eq!(masks.len(), 16);
}

#[test]
fn series_are_turned_and_cropped() {
    let program = "let x[a < 300, i < 6, k < 2] = f32(1 + i + 10 * k)
         let which = uniform[300] < 0.5
         let start: i32[2] = [0, 3]
         print time_cropped(x[:2, :, :], start, 3)
         print max(abs(time_flipped(time_flipped(x, which), which) - x))
         print max(abs(random_time_flip(random_time_flip(x, p = 1), p = 1) - x)), max(abs(random_time_flip(x, p = 0) - x))
         for y in random_time_flip(x) { print y }
         for y in random_time_crop(x, padding = 2) { print y }
         for y in random_time_crop(x, 4) { print y }";
    let found = numbers("turned", program);
    let step = |i: i64| -> [f64; 2] {
        let inside = (0..6).contains(&i);
        let of = |k: i64| if inside { (1 + i + 10 * k) as f64 } else { 0.0 };
        [of(0), of(1)]
    };
    let window =
        |start: i64, steps: i64| -> Vec<f64> { (start..start + steps).flat_map(step).collect() };
    let (places, found) = found.split_at(12);
    assert_eq!(places, [window(0, 3), window(3, 3)].concat());
    let (same, found) = found.split_at(3);
    assert_eq!(same, [0.0; 3]);
    let (flips, found) = found.split_at(300 * 12);
    let backwards: Vec<f64> = (0..6).rev().flat_map(step).collect();
    let mut turned = 0;
    for found in flips.chunks(12) {
        match found == backwards {
            true => turned += 1,
            false => assert_eq!(found, window(0, 6)),
        }
    }
    assert!((110..=190).contains(&turned), "{turned} of 300");
    let (padded, plain) = found.split_at(300 * 12);
    let starts = |found: &[f64], steps: i64| -> HashSet<i64> {
        let series = found.chunks(2 * steps as usize);
        let start = |found: &[f64]| (-2..=2).find(|&start| window(start, steps) == found);
        series
            .map(|found| start(found).expect("a window"))
            .collect()
    };
    assert_eq!(starts(padded, 6), (-2..=2).collect());
    assert_eq!(plain.len(), 300 * 8);
    assert_eq!(starts(plain, 4), (0..=2).collect());
}

/// Each series has its own gradient, whichever way round it is read.
#[test]
fn gradients_of_series_pass_through() {
    let found = numbers(
        "series-gradients",
        "let z = normal[6, 5, 2]
         let v = normal[6, 5, 2]
         let start: i32[6] = [0, 1, 2, 0, 1, 2]
         let which = [1, 0, 1, 1, 0, 0] > 0.5
         let u = normal[6, 3, 2]
         let du = grad(sum(time_cropped(z, start, 3) * u), z)
         print max(abs(grad(sum(time_flipped(z, which) * v), z) - time_flipped(v, which)))
         print max(abs(time_cropped(du, start, 3) - u)), sum(abs(du)) - sum(abs(u))",
    );
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|value| value.abs() < 1e-4), "{found:?}");
}

#[test]
fn mixup_mixes_each_example_with_one_other() {
    let program = "let x[a < 8, i < 3] = where(i == 0, 2 ^ f32(a), f32(a * i))
         let y[a < 8, c < 8] = where(a == c, 1.0, 0.0)
         let (u, v) = mixup(x, y, alpha = 1)
         print u, v";
    let found = numbers("mixup", program);
    let (x, y) = found.split_at(24);
    let mut partners = HashSet::new();
    for (a, y) in y.chunks(8).enumerate() {
        let others: Vec<usize> = (0..8).filter(|&c| c != a && y[c] > 0.0).collect();
        let [partner] = others[..] else {
            panic!("example {a} has the partners {others:?}");
        };
        partners.insert(partner);
        assert!((y[a] + y[partner] - 1.0).abs() < 1e-6);
        let of = |a: usize| [2f64.powi(a as i32), a as f64, 2.0 * a as f64];
        let expected: Vec<f64> = (0..3)
            .map(|i| y[a] * of(a)[i] + y[partner] * of(partner)[i])
            .collect();
        close(&x[3 * a..3 * a + 3], &expected, 1e-4);
    }
    assert_eq!(partners.len(), 8, "each is the partner of one other");
}

/// The mean is 1/2, the variance `1 / (4 (2 alpha + 1))`, and the mean fourth power of the distance from 1/2 is
/// `3 / (16 (2 alpha + 1) (2 alpha + 3))`.
#[test]
fn the_symmetric_beta_distribution_has_its_moments() {
    for alpha in [0.2, 0.5, 1.0, 4.0] {
        let program = format!(
            "let b = symmetric_beta({alpha})[40000] - 0.5
             print mean(b), mean(b ^ 2), mean(b ^ 4), max(abs(b))"
        );
        let found = numbers(&format!("beta{alpha}"), &program);
        let second = 1.0 / (4.0 * (2.0 * alpha + 1.0));
        let fourth = 3.0 * second / (4.0 * (2.0 * alpha + 3.0));
        assert!(found[0].abs() < 0.01, "{alpha}: {found:?}");
        assert!((found[1] / second - 1.0).abs() < 0.03, "{alpha}: {found:?}");
        assert!((found[2] / fourth - 1.0).abs() < 0.05, "{alpha}: {found:?}");
        assert!(found[3] <= 0.5, "{alpha}: {found:?}");
    }
}

/// In f64, so that differences are exact enough.
#[test]
fn gradients_pass_through() {
    let found = numbers(
        "gradients",
        "let x: f64[2, 1, 4, 5] = f64(normal[2, 1, 4, 5])
         let row: f64[2, 3, 3] = f64(uniform(-1, 4)[2, 3, 3])
         let column: f64[2, 3, 3] = f64(uniform(-1, 5)[2, 3, 3])
         let w: f64[2, 1, 3, 3] = f64(normal[2, 1, 3, 3])
         let dx: f64[2, 1, 4, 5] = f64(normal[2, 1, 4, 5])
         let dr: f64[2, 3, 3] = f64(normal[2, 3, 3])
         fn J(x: f64[n, c, h, w], row: f64[n, a, b], column: f64[n, a, b]) -> f64[] { sum(resampled(x, row, column) ^ 2 * w) }
         let value = J(x, row, column)
         let e: f64[] = 1e-6
         print sum(grad(value, x) * dx), (J(x + e * dx, row, column) - J(x - e * dx, row, column)) / (2 * e)
         print sum(grad(value, row) * dr), (J(x, row + e * dr, column) - J(x, row - e * dr, column)) / (2 * e)
         print sum(grad(value, column) * dr), (J(x, row, column + e * dr) - J(x, row, column - e * dr)) / (2 * e)
         let z = normal[6, 1, 5, 5]
         let v = normal[6, 1, 5, 5]
         print sum(grad(sum(random_flip(z) * v), z)), sum(v)",
    );
    for pair in found.chunks(2) {
        let (derivative, expected) = (pair[0], pair[1]);
        let scale = expected.abs().max(0.1);
        assert!((derivative - expected).abs() < 1e-5 * scale, "{found:?}");
    }
    assert_eq!(found.len(), 8);
}

/// Training at the rate 0 sees the augmented examples in its loss, and nobody else does.
#[test]
fn augmentation_is_off_outside_of_training() {
    let found = numbers(
        "training",
        "let set = data(x = [[1, 2], [3, 4], [5, 6], [7, 8]], y = [1, 2, 3, 4])
         layer line(x: [n, d]) -> [n] {
             param w: [d] = constant(0.5)
             x @ w
         }
         layer noisy(f: layer)(x: [n, d]) -> [n] { f(x |> in_training(fn (x) { random_noise(x, 3) })) }
         let f = line()
         let g = noisy(f)
         let plain = mse(f(set.x), set.y)
         train f on set { loss = mse; optimizer = sgd(lr = 0); augment = fn (x) { x + 100 } }
         print evaluate(f, set, mse), plain, mse(g(set.x), set.y), plain
         let seen = minimize mse(g(set.x), set.y) with sgd(lr = 0)
         print seen, plain
         train f on set { loss = fn (b) { mse(f(b.x), b.y) }; optimizer = sgd(lr = 1e-6); augment = fn (x, y) { (0 * x + 1, 0 * y + 3) }; batch = 4 }
         print f.w",
    );
    let [evaluated, plain, outside, _, seen, _, w, _] = found[..] else {
        panic!("eight numbers: {found:?}");
    };
    assert_eq!([evaluated, outside], [plain; 2]);
    assert!((seen - plain).abs() > 0.1, "{found:?}");
    // Of x = (1, 1) and y = 3 the slope by each weight is 2 (1 - 3) = -4.
    assert!((w - 0.500004).abs() < 1e-7, "{found:?}");
}

#[test]
fn threads_change_no_bit_of_augmented_training() {
    let folder = Folder::new("augmentation-threads");
    folder.write(
        "program.dlm",
        "let x = normal[96, 1, 12, 12]
         let y[a, c < 2] = where((c == 0) == (sum[k, i, j] x[a, k, i, j] > 0), 1.0, 0.0)
         let s = normal[96, 12, 12]
         layer model(x: [n, 1, 12, 12], s: [n, t, d]) -> [n, 2] {
             let a = x |> random_rotation(20) |> random_shift(2) |> random_flip |> random_noise(0.1) |> cutout(4)
             let b = s |> random_time_shift(2) |> random_time_crop(padding = 1) |> random_time_flip |> random_scale(0.1) |> time_mask(3)
             (a |> conv2d(4, kernel = 3) |> relu |> flatten |> dense(2)) + (b |> flatten |> dense(2))
         }
         let net = model()
         repeat 5 {
             let (u, v) = mixup(x, y)
             minimize soft_cross_entropy(net(u, s), v) with adam(lr = 0.01)
         }
         save net to \"weights.safetensors\"",
    );
    let weights = |threads: &str| {
        folder.run(0, &["run", "program.dlm", "--threads", threads]);
        std::fs::read(folder.at("weights.safetensors")).expect("the weights")
    };
    let one = weights("1");
    assert_eq!(one, weights("3"));
}
