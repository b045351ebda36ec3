use super::*;

/// Distance of `value` from the exact one, in units of the last place of the nearest `f32`.
fn ulps(value: f32, exact: f64) -> f64 {
    let nearest = exact as f32;
    if value.to_bits() == nearest.to_bits() || (value.is_nan() && exact.is_nan()) {
        return 0.0;
    }
    if !value.is_finite() || !nearest.is_finite() {
        return f64::INFINITY;
    }
    let magnitude = nearest.abs().max(f32::MIN_POSITIVE);
    let unit = f64::from(f32::from_bits(magnitude.to_bits() + 1)) - f64::from(magnitude);
    (f64::from(value) - exact).abs() / unit.min(f64::from(magnitude) * 2f64.powi(-23))
}

/// Every `stride`-th float between two (of one sign).
fn floats(from: f32, to: f32, stride: usize) -> impl Iterator<Item = f32> {
    (from.to_bits()..=to.to_bits())
        .step_by(stride)
        .map(f32::from_bits)
}

/// Checks a function on both signs of the range and gives the greatest error.
fn check(
    name: &str,
    limit: f64,
    range: (f32, f32, usize),
    function: fn(&mut Scalar, f32) -> f32,
    exact: fn(f64) -> f64,
) {
    let mut worst = (0.0, 0.0);
    for x in floats(range.0, range.1, range.2).flat_map(|x| [x, -x]) {
        let error = ulps(function(&mut Scalar, x), exact(f64::from(x)));
        if error > worst.0 {
            worst = (error, x);
        }
    }
    println!("{name}: {:.2} ULP at {:e}", worst.0, worst.1);
    assert!(worst.0 <= limit, "{name}: {} ULP at {:e}", worst.0, worst.1);
}

#[test]
fn exp_is_accurate_everywhere() {
    check("exp", 1.5, (1e-40, 200.0, 9973), exp, libm::exp);
    check("exp near the ends", 1.5, (86.0, 105.0, 37), exp, libm::exp);
}

#[test]
fn log_is_accurate_everywhere() {
    check("log", 1.5, (1e-45, f32::MAX, 9973), log, libm::log);
    check("log near 1", 1.5, (0.9, 1.1, 31), log, libm::log);
}

#[test]
fn tanh_sigmoid_and_erf_are_accurate_everywhere() {
    check("tanh", 3.0, (1e-45, 20.0, 9973), tanh, libm::tanh);
    check("tanh middle", 3.0, (0.1, 9.5, 307), tanh, libm::tanh);
    check("sigmoid", 3.0, (1e-45, 110.0, 4999), sigmoid, |x| {
        math64::sigmoid(x)
    });
    check("erf", 3.0, (1e-45, 10.0, 4999), erf, libm::erf);
    check("erf middle", 3.0, (0.5, 4.5, 101), erf, libm::erf);
}

#[test]
fn sine_and_cosine_are_accurate_also_far_out_and_near_their_zeros() {
    check("sin", 3.0, (1e-45, 1e5, 9973), sin, libm::sin);
    check("cos", 3.0, (1e-45, 1e5, 9973), cos, libm::cos);
    check("sin middle", 3.0, (1.0, 1e5, 499), sin, libm::sin);
    check("cos middle", 3.0, (1.0, 1e5, 499), cos, libm::cos);
    check("sin far", 1.0, (1e5, f32::MAX, 99_991), sin, libm::sin);
    check("cos far", 1.0, (1e5, f32::MAX, 99_991), cos, libm::cos);
    for n in 1..60_000 {
        let x = (f64::from(n) * std::f64::consts::FRAC_PI_2) as f32;
        assert!(ulps(sin(&mut Scalar, x), libm::sin(f64::from(x))) <= 3.0);
        assert!(ulps(cos(&mut Scalar, x), libm::cos(f64::from(x))) <= 3.0);
    }
}

#[test]
fn normal_quantile_is_accurate_and_inverts_the_distribution() {
    let mut worst = (0.0, 0.0);
    for p in floats(1e-40, 1.0, 4999).chain(floats(0.05, 0.999_999_9, 211)) {
        let z = math64::normal_quantile(f64::from(p));
        let back = 0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2);
        assert!((back / f64::from(p) - 1.0).abs() < 1e-13, "{p}: {z}");
        let error = ulps(normal_quantile(&mut Scalar, p), z);
        if error > worst.0 {
            worst = (error, p);
        }
    }
    println!("normal_quantile: {:.2} ULP at {:e}", worst.0, worst.1);
    assert!(worst.0 <= 4.0, "{worst:?}");
    assert_eq!(normal_quantile(&mut Scalar, 0.5), 0.0);
    assert_eq!(normal_quantile(&mut Scalar, 0.0), f32::NEG_INFINITY);
    assert_eq!(normal_quantile(&mut Scalar, 1.0), f32::INFINITY);
    assert!(normal_quantile(&mut Scalar, 1.5).is_nan());
    assert!(normal_quantile(&mut Scalar, -0.5).is_nan());
}

#[test]
fn pow_is_accurate() {
    let mut worst = (0.0, 0.0, 0.0);
    let exponents = [
        0.5, 2.0, 3.0, -1.0, 0.1, 7.3, -2.5, 1.0, 100.0, -37.0, 1e-3, 1234.5, 0.999,
    ];
    for b in exponents {
        let near_one = floats(0.8, 1.25, 4999);
        for a in floats(1e-45, f32::MAX, 99_991).chain(near_one) {
            let error = ulps(pow(&mut Scalar, a, b), libm::pow(a.into(), b.into()));
            if error > worst.0 {
                worst = (error, a, b);
            }
        }
    }
    println!("pow: {worst:?}");
    assert!(worst.0 <= 3.0, "{worst:?}");
}

#[test]
fn pow_follows_ieee_in_the_special_cases() {
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    let values = [
        0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 0.5, -0.5, inf, -inf, nan, 1e10, 16777217.0,
        1e-40, -8388609.0,
    ];
    for a in values {
        for b in values {
            let (found, exact) = (
                pow(&mut Scalar, a, b),
                libm::pow(f64::from(a), f64::from(b)) as f32,
            );
            assert!(
                ulps(found, f64::from(exact)) <= 2.0,
                "{a}^{b}: {found} for {exact}"
            );
        }
    }
}

#[test]
fn special_values() {
    let e = &mut Scalar;
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    assert_eq!(exp(e, inf), inf);
    assert_eq!(exp(e, -inf), 0.0);
    assert_eq!(exp(e, 0.0), 1.0);
    assert_eq!(log(e, 0.0), -inf);
    assert_eq!(log(e, -0.0), -inf);
    assert_eq!(log(e, inf), inf);
    assert_eq!(log(e, 1.0).to_bits(), 0);
    assert!(log(e, -1.0).is_nan() && log(e, -inf).is_nan());
    assert_eq!((tanh(e, inf), tanh(e, -inf)), (1.0, -1.0));
    assert_eq!(tanh(e, -0.0).to_bits(), (-0.0f32).to_bits());
    assert_eq!((sigmoid(e, inf), sigmoid(e, -inf)), (1.0, 0.0));
    assert_eq!((erf(e, inf), erf(e, -inf)), (1.0, -1.0));
    assert_eq!(erf(e, -0.0).to_bits(), (-0.0f32).to_bits());
    assert!(sin(e, inf).is_nan() && cos(e, -inf).is_nan());
    for function in [exp, log, tanh, sigmoid, erf, sin, cos, normal_quantile] {
        assert!(function(e, nan).is_nan());
    }
}

#[test]
fn philox_gives_the_published_vectors() {
    // Known answers of the authors' library (kat_vectors).
    let check = |counter: [u32; 4], key: [u32; 2], expected: [u32; 4]| {
        let words = philox4x32_10(
            &mut Scalar,
            counter.map(|word| word as i32),
            key.map(|word| word as i32),
        );
        assert_eq!(words.map(|word| word as u32), expected);
    };
    check(
        [0; 4],
        [0; 2],
        [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8],
    );
    check(
        [u32::MAX; 4],
        [u32::MAX; 2],
        [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd],
    );
    check(
        [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
        [0xa409_3822, 0x299f_31d0],
        [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
    );
}

#[test]
fn uniform_numbers_stay_inside_the_open_interval() {
    assert!(unit_uniform(&mut Scalar, 0) > 0.0);
    assert!(unit_uniform(&mut Scalar, -1) < 1.0);
}
