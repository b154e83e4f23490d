//! The example `analyze`, run as a program on every reference case and on bad input.

mod compare;
mod program;
mod refusals;

use std::path::Path;
use std::process::Stdio;

use compare::Comparison;
use program::{Program, analyze};
use serde_json::{Value, json};

use crate::common;
use crate::common::{Case, language_model, language_models, matrices};

/// How many fields of the reference cases the program knows, at least.
const FIELDS_KNOWN: [usize; 2] = [308, 658];

const NO_OPTIONS: [&str; 0] = [];

/// What a case expects under a name.
fn expected<'a>(case: &'a Case, name: &str) -> Option<&'a Value> {
    [&case.expected, &case.derived].into_iter().find_map(|known| known.get(name))
}

/// The options that make the program go as far as a case does.
fn options(case: &Case) -> Vec<String> {
    let mut options = Vec::new();
    if let Some(curve) = expected(case, "tv_worst_start_t0").and_then(Value::as_array) {
        options.push(format!("--steps={}", curve.len() - 1));
    }
    if let Some(by_lag) = expected(case, "mi_bits_lag").and_then(Value::as_object) {
        options.push(format!("--lags={}", by_lag.keys().cloned().collect::<Vec<_>>().join(",")));
    }
    for start in expected(case, "steady_state_from").iter().flat_map(|from| from.as_array().unwrap()) {
        options.push(format!("--start={}", start["init"]));
    }
    options
}

fn compare_all(cases: Vec<Case>, file: impl Fn(&Case) -> Value) -> usize {
    let program = Program::new();
    let mut compared = 0;
    for case in cases {
        let path = program.write("case.json", file(&case).to_string());
        let found = program.fields(&path, &options(&case));
        for known in [&case.expected, &case.derived] {
            compared += Comparison { case: &case, found: &found }.with(known);
        }
    }
    compared
}

#[test]
fn every_reference_case_is_reproduced() {
    let models = compare_all(language_models(), |case| json!({"V": case.v, "K": case.k, "p": case.p}));
    let matrices = compare_all(matrices(), |case| json!({"name": case.name, "P": case.p}));
    let [in_models, in_matrices] = FIELDS_KNOWN;
    assert!(models >= in_models && matrices >= in_matrices, "only {models} and {matrices} compared");
}

#[test]
fn absorption_in_two_loops() {
    let case = language_model("C17");
    let program = Program::new();
    let path = program.write("C17.json", json!({"vocab_size": 2, "order": 2, "p": case.p}).to_string());
    let found = program.fields(&path, &["--start=1"]);
    let expected = common::numbers(&case.expected["P_absorb_in_11"]);
    let rows = common::matrix(&found["absorption_probabilities"]);
    common::assert_all_close(&[rows[0][1], rows[1][1]], &expected[1..3], 1e-12, "from 01 and 10");
    let long_run = common::numbers(&found["steady_state_from"][0]["value"]);
    common::assert_all_close(&long_run, &[1.0 - expected[1], 0.0, 0.0, expected[1]], 1e-12, "from 01");
    assert_eq!(found["slem"], 1.0);
    assert_eq!(found["relaxation_time"], "inf");
    assert_eq!(found["implied_timescale"], "inf");
    for name in ["entropy_rate_bits", "tv_worst_start_t0", "reverse_table", "mi_bits_lag"] {
        assert!(found.get(name).is_none(), "{name} needs one stationary law");
        assert!(found["omitted"][name].as_str().unwrap().contains("2 recurrent classes"));
    }
}

#[test]
fn a_matrix_is_the_same_in_every_format() {
    let program = Program::new();
    let rows = [[0.9, 0.1], [0.5, 0.5]];
    let market = "%%MatrixMarket matrix array real general\n2 2\n0.9\n0.5\n0.1\n0.5\n";
    let files = [
        program.write("bare.json", json!(rows).to_string()),
        program.write("object.JSON", json!({"P": rows}).to_string()),
        program.write("array.mtx", market),
    ];
    let [bare, object, array] = files.map(|path| program.fields(&path, &NO_OPTIONS));
    assert_eq!(bare, object);
    assert_eq!(bare, array);
    assert_eq!(bare["kind"], "matrix");
    let npz = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/npz/csr_compressed.npz");
    assert_eq!(program.fields(&npz, &NO_OPTIONS)["kind"], "matrix");
}

#[test]
fn texts_are_read_as_asked() {
    let program = Program::new();
    let path = program.write("song.txt", "La la land, la LA");
    let found = program.fields(&path, &["--tokens=words", "--lower-case", "--context=1"]);
    assert_eq!(found["vocab"], json!([",", "la", "land"]));
    assert_eq!(found["text_tokens"], 6);
    // A circular text: every token as often as it occurs.
    assert_agree(&found["stationary"], &[1.0 / 6.0, 4.0 / 6.0, 1.0 / 6.0]);
    // After `la` three times of four `la`, once `land`; else no choice.
    let rate = 4.0 / 6.0 * (0.75 * (4.0f64 / 3.0).log2() + 0.25 * 2.0);
    assert_agree(&json!([found["entropy_rate_bits"]]), &[rate]);

    let open = program.fields(&path, &["--tokens=whitespace", "--context=1", "--ends=open"]);
    assert_eq!(open["absorbing_states"], json!([0]));
    assert_eq!(open["labels"][0], "LA");
    let rare = program.fields(&path, &["--tokens=words", "--minimum-count=2", "--context=1", "--window=2"]);
    assert_eq!(rare["text_unknown"], 4);
    assert_eq!(rare["window_drift_bits"].as_array().unwrap().len(), 2);
    let reset = program.fields(&path, &["--tokens=bytes", "--ends=reset"]);
    assert_eq!(reset["labels"][0], "<s><s>");
    let json = program.write("text.json", "no JSON");
    assert_eq!(program.fields(&json, &["--text"])["kind"], "text");
}

#[test]
fn what_led_to_a_bad_state_is_said() {
    let program = Program::new();
    let file = |id: &str| {
        let case = language_model(id);
        (program.write("case.json", json!({"V": case.v, "K": case.k, "p": case.p}).to_string()), case)
    };
    let agree = |found: &Value, expected: &Value| {
        for bound in ["lower", "upper"] {
            let found = common::numbers(&found[bound]);
            common::assert_all_close(&found, &common::numbers(expected), 1e-8, bound);
        }
    };
    let (path, case) = file("C22");
    let found = program.fields(&path, &["--bad-state=7", "--safe-state=0"]);
    agree(&found["committor_forward"], &case.expected["committor_forward_000_to_111"]);
    agree(&found["committor_backward"], &case.expected["committor_backward_last_from_000"]);
    let time = case.expected["mean_hitting_000_to_111"].as_f64().unwrap();
    common::assert_close(found["bad_mean_time_from"]["lower"][0].as_f64().unwrap(), time, 1e-8, "time");
    let flux = case.expected["reactive_rate_per_step"].as_f64().unwrap();
    common::assert_close(found["transition_paths"]["flux"][0].as_f64().unwrap(), flux, 1e-8, "flux");

    let (path, case) = file("C12");
    let found = program.fields(&path, &["--bad-state=8", "--history=4", "--best=4"]);
    let expected = case.expected["top4_histories_before_bad_len4"].as_array().unwrap();
    for (found, expected) in found["bad_histories"].as_array().unwrap().iter().zip(expected) {
        let probability = expected["prob"].as_f64().unwrap();
        common::assert_close(found["posterior"].as_f64().unwrap(), probability, 1e-10, "history");
        let tokens = expected["tokens_oldest_first"].as_array().unwrap();
        // Those of the first context, then one a step: the four before "2 2" come first.
        for (found, expected) in found["tokens"].as_array().unwrap().iter().zip(tokens) {
            assert_eq!(found.as_str().unwrap(), expected.to_string());
        }
    }

    let text = program.write("song.txt", "la la land la lad la land ");
    let options = ["--bad=ad", "--safe=an", "--follow=la la lad", "--horizon=9"];
    let found = program.fields(&text, &options);
    assert_eq!(found["bad_states"], 1);
    // After "la" comes " ", "n" or "d"; here "d" is said with the tenth letter, and decides.
    let steps = found["sealing"]["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 8);
    assert_eq!(
        (&steps[7]["log_odds_bits"], &found["sealing"]["point_of_no_return"]),
        (&json!(["inf", "inf"]), &json!(8))
    );
    let said = |options: &[&str]| program.refused(&text, options);
    assert!(said(&["--bad=lad"]).contains("raise --context"));
    assert!(said(&["--bad=xx"]).contains("not in the vocabulary"));
    assert!(said(&["--bad-state=99"]).contains("state 99"));
    assert!(said(&["--safe=la"]).contains("--bad"));
    assert!(said(&["--bad=ad", "--safe=an", "--follow=q"]).contains("not in the vocabulary"));
    assert!(said(&["--bad=ad", "--follow=la"]).contains("--follow needs --safe"));
    assert!(said(&["--bad="]).contains("no characters"));
    assert!(said(&["--bad=dd"]).contains("no state"));
}

fn assert_agree(found: &Value, expected: &[f64]) {
    common::assert_all_close(&common::numbers(found), expected, 1e-12, "found");
}

#[test]
fn what_is_too_large_is_named_with_the_reason() {
    let program = Program::new();
    let path = program.write("abc.txt", "abcacbbacbaccab");
    let few = ["--max-states-listed=2", "--max-entries-listed=3", "--max-operations=50"];
    let found = program.fields(&path, &few);
    for (name, option) in [
        ("stationary", "--max-states-listed"),
        ("labels", "--max-states-listed"),
        ("greedy_next_context", "--max-states-listed"),
        ("reverse_table", "--max-entries-listed"),
        ("mi_bits_lag", "--max-operations"),
        ("tv_worst_start_t0", "--max-operations"),
    ] {
        assert!(found.get(name).is_none(), "{name}");
        assert!(found["omitted"][name].as_str().unwrap().contains(option), "{name}: {}", found["omitted"]);
    }
    assert!(found["entropy_rate_bits"].is_number());
}

#[test]
fn help_names_every_field_and_nothing_is_missing() {
    let help = String::from_utf8(analyze(&["--help"]).output().unwrap().stdout).unwrap();
    let program = Program::new();
    let mut names = std::collections::BTreeSet::new();
    for (file, text) in [
        ("flip.json", "[[0, 1], [1, 0]]"),
        ("loops.json", "[[1, 0], [0, 1]]"),
        ("one.json", r#"{"V": 1, "K": 3, "vocab": ["a"], "p": [[1]]}"#),
        ("loops.txt", "aabba"),
    ] {
        let path = program.write(file, text);
        let found = program.fields(&path, &["--start=0", "--ends=open", "--window=1"]);
        assert_eq!(program.fields(&path, &["--start=0", "--ends=open", "--window=1", "--pretty"]), found);
        names.extend(fields_asked_for(&program));
        for (name, value) in found.as_object().unwrap() {
            assert!(name == "report" || !value.is_null(), "{file}: {name} is null");
            names.insert(name.clone());
        }
    }
    for name in &names {
        let line = format!("  {name} ");
        assert_eq!(help.lines().filter(|help| help.starts_with(&line)).count(), 1, "{name} in the help");
    }
    let documented = help.split("Fields of the output").nth(1).unwrap();
    for name in documented.lines().skip(1).filter_map(|line| line.split_whitespace().next()) {
        assert!(names.contains(name) || SOMETIMES.contains(&name), "{name} is never written");
    }
}

/// The fields there are where something is bad, where topics are asked for, and
/// where there is a model.
fn fields_asked_for(program: &Program) -> Vec<String> {
    let path = program.write("bad.txt", "abcacbbacbaccab");
    let asked = [
        vec!["--bad=ab", "--safe=cc", "--follow=bacca"],
        vec!["--sets=2", "--prompt=ab", "--against-order=2", "--draws=39"],
    ];
    let names = |options: Vec<&str>| -> Vec<String> {
        program.fields(&path, &options).as_object().unwrap().keys().cloned().collect()
    };
    asked.into_iter().flat_map(names).collect()
}

#[test]
fn errors_of_a_model_pile_up_as_the_case_says() {
    let program = Program::new();
    let case = language_model("C29");
    let path = program.write("p.json", json!({"V": case.v, "K": case.k, "p": case.p}).to_string());
    let model = json!({"V": case.v, "K": case.k, "p": case.q.as_ref().unwrap()});
    let model = program.write("q.json", model.to_string());
    let found = program.fields(&path, &[format!("--against={}", model.display()), "--rollout=60".into()]);
    let compared = Comparison { case: &case, found: &found }.with(&case.expected);
    let named = [
        "kl_rate_p_q_bits",
        "kl_rate_q_p_bits",
        "R_t_bits_t0",
        "tv_drift_t0",
        "AccErr_l1",
        "ExAccErr_percent_l1",
        "limit_ExAccErr_percent",
        "entropy_rate_drift_hq_minus_ce_bits",
    ];
    assert!(named.iter().all(|name| found.get(name).is_some() && case.expected.get(name).is_some()));
    assert!(compared > named.len(), "only {compared}");
}

#[test]
fn topics_and_prompts_are_answered_for() {
    let program = Program::new();
    let case = language_model("C21");
    let vocab = ["a", "b", "c", "d"];
    let path = program.write("c21.json", json!({"V": 4, "K": 1, "p": case.p, "vocab": vocab}).to_string());
    let named =
        program.fields(&path, &["--topic=first=a,b", "--topic=second=c,d", "--prompt=a", "--lags=1,2,5"]);
    assert_eq!(named["topics"], json!(["first", "second"]));
    // The chain finds the same two, in whatever order.
    let found = program.fields(&path, &["--sets=2", "--prompt=a", "--lags=1,2,5"]);
    let expected = &case.expected;
    for found in [named, found] {
        let visits = found["topic_visits"].as_array().unwrap().iter();
        let mut sojourns: Vec<f64> = visits.map(|visit| visit["mean_sojourn"].as_f64().unwrap()).collect();
        sojourns.sort_by(f64::total_cmp);
        common::assert_all_close(&sojourns, &[10.0, 20.0], 1e-9, "mean sojourns");
        for lag in ["1", "2", "5"] {
            // The topic is a function of the token, and all that it tells.
            let bits = found["topic_mi_bits_lag"][lag].as_f64().unwrap();
            assert!((bits - expected["mi_bits_lag"][lag].as_f64().unwrap()).abs() < 1e-9, "lag {lag}");
        }
        assert!(found["lumpability_error"]["largest"].as_f64().unwrap() < 1e-12);
        let mixed = found["on_track"]["tv_at_most_quarter"].as_u64().unwrap();
        assert!(mixed <= expected["tmix_quarter"].as_u64().unwrap());
    }
}

/// Fields that the chains of the test on the help do not have.
const SOMETIMES: [&str; 1] = ["stationary_per_class"];

#[test]
fn a_reader_that_leaves_is_no_fault() {
    let program = Program::new();
    let path = program.write("long.txt", "a reader that leaves ".repeat(200));
    let mut child =
        analyze(&["--context=20"]).arg(path).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
#[should_panic(expected = "C12: slem: 0.67919")]
fn a_difference_is_noticed() {
    let program = Program::new();
    let case = language_model("C12");
    let path = program.write("C12.json", json!({"V": case.v, "K": case.k, "p": case.p}).to_string());
    let found = program.fields(&path, &NO_OPTIONS);
    Comparison { case: &case, found: &found }.with(&json!({"slem": 0.679193}));
}
