//! Bad input: exit code 2, one line on standard error, nothing on standard output.

use super::program::{Program, analyze};

#[test]
fn files_that_are_not_there_are_refused() {
    let program = Program::new();
    for name in ["none.json", "none.mtx", "none.npz", "none.txt"] {
        program.refused(&program.folder().join(name), &[]);
        std::fs::create_dir(program.folder().join(name)).unwrap();
        program.refused(&program.folder().join(name), &[]);
    }
}

#[test]
fn bad_json_is_refused() {
    let deep = "[".repeat(100_000);
    for text in [
        "",
        " ",
        "null",
        "3",
        "\"P\"",
        "{",
        "[",
        "[[1]",
        "[[1]] x",
        "{}",
        "{\"states\": 2}",
        "{\"p\": null, \"P\": null}",
        "{\"P\": 1}",
        "{\"P\": [1]}",
        "{\"P\": [[1]], \"P\": [[1]]}",
        "[[\"1\"]]",
        "[[NaN]]",
        "[[Infinity]]",
        "[[null]]",
        "[[1e999]]",
        "\u{feff}[[1]]",
        &deep,
    ] {
        let program = Program::new();
        program.refused(&program.write("bad.json", text), &[]);
    }
}

#[test]
fn bad_matrices_are_refused() {
    for (rows, said) in [
        ("[]", "at least one state"),
        ("[[]]", "square"),
        ("[[], []]", "square"),
        ("[[0.5, 0.5]]", "square"),
        ("[[0.5, 0.5], [1]]", "row 1 has 1 entries, not 2"),
        ("[[0.5, 0.5], [0.5, 0.6]]", "row 1 sums to 1.1"),
        ("[[0.5, 0.5], [0, 0]]", "row 1 sums to 0"),
        ("[[0.5, 0.5], [1.5, -0.5]]", "row 1, column 1 is -0.5"),
        ("[[1e308, 1e308], [1, 0]]", "row 0"),
    ] {
        let program = Program::new();
        for text in [rows.to_owned(), format!("{{\"P\": {rows}}}")] {
            let line = program.refused(&program.write("bad.json", text), &[]);
            assert!(line.contains(said), "{line}");
        }
    }
}

#[test]
fn bad_tables_are_refused() {
    let most = u64::MAX;
    for (table, said) in [
        ("\"V\": 2, \"K\": 1, \"p\": [[0.5, 0.5]]".to_owned(), "1 rows"),
        ("\"V\": 2, \"K\": 1, \"p\": [[0.5, 0.5], [1]]".to_owned(), "row 1 has 1 entries"),
        ("\"V\": 2, \"K\": 1, \"p\": [[0.5, 0.5], [1, 1e-9]]".to_owned(), "row 1 sums to"),
        ("\"V\": 2, \"K\": 1, \"p\": [[0.5, 0.5], [2, -1]]".to_owned(), "column 1 is -1"),
        ("\"V\": 2, \"K\": 1, \"p\": [[0.5, 0.5], [NaN, 1]]".to_owned(), "expected"),
        ("\"V\": 0, \"K\": 1, \"p\": []".to_owned(), "at least 1"),
        ("\"V\": 2, \"K\": 0, \"p\": [[0.5, 0.5]]".to_owned(), "at least 1"),
        ("\"V\": -2, \"K\": 1, \"p\": [[1]]".to_owned(), "integer"),
        ("\"K\": 1, \"p\": [[1]]".to_owned(), "missing field"),
        ("\"V\": 1, \"vocab\": [\"a\", \"b\"], \"K\": 1, \"p\": [[1]]".to_owned(), "expected 1 entries"),
        // Sizes that nothing can be allocated by.
        (format!("\"V\": {most}, \"K\": {most}, \"p\": []"), "rows"),
        (format!("\"V\": {most}, \"K\": 1, \"p\": [[1]]"), "rows"),
        (format!("\"V\": 1, \"K\": {most}, \"p\": [[1]]"), "contexts cannot be numbered"),
    ] {
        let program = Program::new();
        let line = program.refused(&program.write("bad.json", format!("{{{table}}}")), &[]);
        assert!(line.contains(said), "{line}");
    }
}

#[test]
fn bad_matrix_files_are_refused() {
    let banner = "%%MatrixMarket matrix coordinate real general";
    let array = "%%MatrixMarket matrix array real general";
    for text in [
        String::new(),
        "2 2 1\n1 1 1\n".to_owned(),
        format!("{banner}\n2 2 2\n1 1 1\n"),
        format!("{banner}\n2 2 2\n1 1 1\n2 1 nan\n"),
        format!("{banner}\n2 2 2\n1 1 1\n2 1 0.5\n"),
        format!("{banner}\n2 3 2\n1 1 1\n2 1 1\n"),
        format!("{banner}\n2 2 2\n1 1 1\n3 1 1\n"),
        format!("{banner}\n0 0 0\n"),
        // Sizes that nothing can be allocated by.
        format!("{banner}\n4294967295 4294967295 1\n1 1 1\n"),
        format!("{banner}\n18446744073709551615 18446744073709551615 18446744073709551615\n1 1 1\n"),
        format!("{array}\n4294967295 4294967295\n1\n"),
    ] {
        let program = Program::new();
        program.refused(&program.write("bad.mtx", text), &[]);
    }
    let program = Program::new();
    program.refused(&program.write("bad.npz", "PK\u{3}\u{4} no archive"), &[]);
    program.refused(&program.write("empty.npz", ""), &[]);
}

#[test]
fn bad_texts_are_refused() {
    let program = Program::new();
    for (text, options, said) in [
        (&b""[..], &[][..], "no tokens"),
        (b" \n", &["--tokens=words"], "no tokens"),
        (b"a", &[], "2 tokens"),
        (b"once", &["--tokens=words"], "2 tokens"),
        (b"ab\xff", &[], "byte 2 is not valid UTF-8"),
        (b"ab\xe2\x82", &["--tokens=bytes"], "not valid UTF-8"),
        (b"abc", &["--ends=open", "--context=3"], "4 tokens"),
        (b"abcdefgh", &["--context=127"], "cannot be numbered"),
        (b"a </s> b", &["--tokens=whitespace", "--ends=token"], "reserved"),
        (b"ab", &["--minimum-count=0"], "at least 1"),
        (b"ab", &["--start=5"], "state 5"),
    ] {
        let line = program.refused(&program.write("bad.txt", text), options);
        assert!(line.contains(said), "{line}");
    }
}

#[test]
fn a_name_of_several_lines_is_said_in_one() {
    let program = Program::new();
    let output = analyze(&[program.folder().join("no\nsuch\r\nfile.txt")]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8(output.stderr).unwrap().lines().count(), 1);
}

#[test]
fn bad_options_are_refused() {
    let program = Program::new();
    let path = program.write("good.txt", "abab");
    for option in [
        "--context=0",
        "--context=128",
        "--context=two",
        "--tokens=runes",
        "--ends=up",
        "--lags=1,x",
        "--max-operations=-1",
        "--unknown",
    ] {
        let output = analyze(&[option]).arg(&path).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{option}");
        assert!(output.stdout.is_empty(), "{option}");
    }
    assert_eq!(analyze(&[] as &[&str]).output().unwrap().status.code(), Some(2), "no file");
}
