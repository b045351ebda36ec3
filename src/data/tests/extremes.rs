//! Numbers and counts that are as large as a file or a program can make them.
use super::*;

#[test]
fn a_class_beyond_any_count_is_refused_by_its_number() {
    let x = Tensor::new([2], Elements::F64(vec![0.0, 1e30])).unwrap();
    let source = DataSource::Tensors(vec![("y".to_string(), x)]);
    let classes = [("classes", number(10.0))];
    let outcome = open(&Folder::new(), source, &[step("one_hot", &[], &classes)]);
    let said = message(outcome);
    let class = format!("{}", 1e30);
    assert!(
        said.contains(&format!("row 2, `y`: the class {class} is not below 10")),
        "{said}"
    );
}

#[test]
fn sizes_whose_product_is_beyond_any_count_are_refused_by_it() {
    let side = number(f64::from(u32::MAX));
    let sizes = vec![side; 5];
    let (said, help) = failure(csv("a,b\n1,2\n", &[step("reshape", &sizes, &[])]));
    assert!(said.contains("whose examples have the sizes [2]"), "{said}");
    assert!(
        help.contains(&format!("these sizes hold {}", u128::MAX)),
        "{help}"
    );
}

/// Each element of a column-major array is found through all of its dimensions.
#[test]
fn an_array_of_more_dimensions_than_numpy_has_is_refused() {
    let read = |dimensions: usize| {
        let shape = format!("(4{})", ", 1".repeat(dimensions - 1));
        let bytes = npy("<f4", "True", &shape, &[0; 16]);
        let folder = Folder::new().with("a.npy", bytes);
        open(&folder, reader("npy", &["a.npy"], &[]), &[])
    };
    assert_eq!(field(&read(64).unwrap(), "", "x").shape().len(), 64);
    let said = message(read(65));
    assert!(said.contains("an array of 65 dimensions"), "{said}");
}

/// A hundred names within one another, and as many fields as one likes that have them all in front.
#[test]
fn long_names_of_objects_in_objects_do_not_multiply() {
    let open_braces = format!("{{\"{}\":", "k".repeat(40_000)).repeat(100);
    let fields: Vec<String> = (0..20_000).map(|field| format!("\"{field}\":1")).collect();
    let text = format!("{open_braces}{{{}}}{}\n", fields.join(","), "}".repeat(100));
    let folder = Folder::new().with("a.jsonl", text);
    let said = message(open(&folder, reader("jsonl", &["a.jsonl"], &[]), &[]));
    assert!(
        said.contains(
            "row 1: a field whose name, with those of the objects around it, has 40000 bytes"
        ),
        "{said}"
    );
}

/// Were each column looked for among all others, this would take an hour.
#[test]
fn tables_of_many_columns_are_put_below_one_another() {
    let names: Vec<String> = (0..100_000)
        .map(|column| format!("a_column_{column}"))
        .collect();
    let line = |value: &str| vec![value; names.len()].join(",");
    let table = |value: &str| format!("{}\n{}\n", names.join(","), line(value));
    let folder = Folder::new()
        .with("a.csv", table("1"))
        .with("b.csv", table("2"));
    let set = open(&folder, reader("csv", &["*.csv"], &[]), &[]).unwrap();
    let x = values(&set, "", "x");
    assert!(x[..names.len()].iter().all(|&value| value == 1.0));
    assert!(x[names.len()..].iter().all(|&value| value == 2.0));
}

#[test]
fn any_number_of_rows_that_hold_nothing_is_refused() {
    let read = |rows: usize| {
        let bytes = npy("<f4", "False", &format!("({rows}, 0)"), &[]);
        let folder = Folder::new().with("a.npy", bytes);
        open(&folder, reader("npy", &["a.npy"], &[]), &[])
    };
    assert_eq!(field(&read(3).unwrap(), "", "x").shape(), [3, 0]);
    let said = message(read(4_294_967_295));
    assert!(said.contains("4294967295 rows that hold nothing"), "{said}");
}
