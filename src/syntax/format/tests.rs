use super::{FormatError, format_source};

fn formatted(text: &str) -> String {
    let once = format_source(text).unwrap_or_else(|error| panic!("{text}\n{error:?}"));
    assert_eq!(format_source(&once).as_ref(), Ok(&once), "not idempotent");
    once
}

#[test]
fn blanks_between_words() {
    for (from, to) in [
        ("let x=[1,2 , 3]", "let x = [1, 2, 3]\n"),
        ("let y = - x ^ - 2 - -x", "let y = -x ^ -2 - -x\n"),
        ("let y[ i,j ]=sum [ k ]-a [i,k]*b[ k,j ]", "let y[i, j] = sum[k] -a[i, k] * b[k, j]\n"),
        ("let y[i] = sum[k](x[i,k]-1)", "let y[i] = sum[k] (x[i, k] - 1)\n"),
        ("let z = x [ : , - 1 : , .. ,1 :2, : ( t-1 ) ]", "let z = x[:, -1:, .., 1:2, :(t - 1)]\n"),
        ("for i in 0 .. n{print i}", "for i in 0..n { print i }\n"),
        ("for(a,b)in zip{}", "for (a, b) in zip {}\n"),
        ("fn f(g:fn,x:[.. s],k=3)->[..s]{g(x)}", "fn f(g: fn, x: [..s], k = 3) -> [..s] { g(x) }\n"),
        ("let f=fn(b){b.x}", "let f = fn (b) { b.x }\n"),
        ("minimize L over(a),b with(o)", "minimize L over (a), b with (o)\n"),
        ("let over = over (3) + to[1]", "let over = over(3) + to[1]\n"),
        ("repeat until(a)<b,at  most(3){}", "repeat until (a) < b, at most (3) {}\n"),
        ("print(a),[1]", "print (a), [1]\n"),
        ("let a=not(b)and-c<3", "let a = not (b) and -c < 3\n"),
        ("a = 1 ;b=2;", "a = 1; b = 2\n"),
        ("let t=(1,)", "let t = (1,)\n"),
        ("let i = bool [n , 3]", "let i = bool[n, 3]\n"),
        ("print \"a  {x:.2}\"", "print \"a  {x:.2}\"\n"),
        ("let n = 1_000.50e+3", "let n = 1_000.50e+3\n"),
    ] {
        assert_eq!(formatted(from), to);
    }
}
