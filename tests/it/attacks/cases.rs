//! Is every case claimed by a test, and does every test claim cases that there are?

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const CASES: &str = include_str!("cases.txt");

/// One line of the list.
struct Case {
    id: String,
    waits: bool,
    /// Tests outside this folder that show it whole.
    shown_by: Vec<String>,
}

fn cases() -> Vec<Case> {
    let lines = CASES.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| case(line).unwrap_or_else(|| panic!("no case: {line}"))).collect()
}

fn case(line: &str) -> Option<Case> {
    let (id, rest) = line.split_once([' ', '★'])?;
    let mut parts = rest.split(" | ");
    let words = parts.next()?.trim_start_matches(['★', ' ']);
    let notes: Vec<(&str, &str)> = parts.map(|part| part.split_once(": ")).collect::<Option<_>>()?;
    let known = notes.iter().all(|(what, _)| matches!(*what, "waiting" | "shown by"));
    (is_id(id) && !words.is_empty() && known).then(|| Case {
        id: id.to_owned(),
        waits: notes.iter().any(|(what, _)| *what == "waiting"),
        shown_by: notes
            .iter()
            .filter(|(what, _)| *what == "shown by")
            .flat_map(|(_, tests)| tests.split(", ").map(str::to_owned))
            .collect(),
    })
}

/// `A01`, `F23a`.
fn is_id(text: &str) -> bool {
    match text.as_bytes() {
        [group, tens, ones, part @ ..] => {
            matches!(group, b'A'..=b'H')
                && tens.is_ascii_digit()
                && ones.is_ascii_digit()
                && (part.is_empty() || matches!(part, [letter] if letter.is_ascii_lowercase()))
        }
        _ => false,
    }
}

/// The cases that the name of a test begins with.
fn claims(test: &str) -> impl Iterator<Item = String> {
    let upper = |word: &str| word.get(..1).map(|first| first.to_uppercase() + &word[1..]);
    test.split('_').map_while(move |word| upper(word).filter(|id| is_id(id)))
}

/// Every test of this binary and of the library as `module::name`, as the source has them.
fn tests() -> BTreeSet<String> {
    fn read(folder: &Path, module: &str, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_str().unwrap();
            let module = if module.is_empty() { stem.to_owned() } else { format!("{module}::{stem}") };
            if path.is_dir() {
                read(&path, &module, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.extend(tests_in(&fs::read_to_string(&path).unwrap(), &module));
            }
        }
    }
    let mut found = BTreeSet::new();
    for folder in ["tests/it", "src"] {
        read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), "", &mut found);
    }
    found
}

fn tests_in(text: &str, module: &str) -> Vec<String> {
    let mut is_test = false;
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[test") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some((_, name)) = line.split_once("fn ").filter(|_| is_test && !line.starts_with("//"))
        {
            let name = name.split(['(', '<']).next().unwrap();
            found.push(format!("{module}::{name}"));
            is_test = false;
        }
    }
    found
}

/// All that is wrong with these cases and these tests.
fn faults(cases: &[Case], tests: &BTreeSet<String>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut known = BTreeMap::new();
    for case in cases {
        if known.insert(case.id.clone(), case).is_some() {
            faults.push(format!("{} is listed twice", case.id));
        }
    }
    let mut claimed = BTreeSet::new();
    for test in tests.iter().filter(|test| test.starts_with("attacks::")) {
        for id in claims(test.rsplit("::").next().unwrap()) {
            match known.get(&id) {
                None => faults.push(format!("{test} claims {id}, which is not listed")),
                Some(case) if case.waits => faults.push(format!("{test} claims {id}, which is waiting")),
                Some(_) => drop(claimed.insert(id)),
            }
        }
    }
    for case in cases {
        for test in case.shown_by.iter().filter(|test| !tests.contains(*test)) {
            faults.push(format!("{} is shown by {test}, which there is not", case.id));
        }
        let shown = claimed.contains(&case.id) || !case.shown_by.is_empty();
        if !case.waits && !shown {
            faults.push(format!("{} is claimed by no test", case.id));
        }
    }
    faults
}

#[test]
fn every_case_has_its_test() {
    let (cases, tests) = (cases(), tests());
    assert!(cases.len() > 130 && tests.len() > 200, "{} cases, {} tests", cases.len(), tests.len());
    let faults = faults(&cases, &tests);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn faults_in_the_list_are_found() {
    let cases: Vec<Case> = [
        "A01   one",
        "A02 ★ two | waiting: a part",
        "A03   three",
        "A03   three",
        "A04   four | shown by: streams::none",
        "F23a  five | shown by: config::some",
    ]
    .iter()
    .map(|line| case(line).unwrap())
    .collect();
    let tests = ["attacks::x::a01_a02_a09_it_is", "attacks::x::it_is_b01", "config::some"];
    let tests = tests.iter().map(ToString::to_string).collect();
    assert_eq!(
        faults(&cases, &tests),
        [
            "A03 is listed twice",
            "attacks::x::a01_a02_a09_it_is claims A02, which is waiting",
            "attacks::x::a01_a02_a09_it_is claims A09, which is not listed",
            "A03 is claimed by no test",
            "A03 is claimed by no test",
            "A04 is shown by streams::none, which there is not",
        ]
    );
    assert!(case("A1 one").is_none() && case("A01").is_none() && case("A01 one | some: note").is_none());
    assert_eq!(
        tests_in("#[test]\n#[ignore]\nfn one() {}\nfn two() {}\n#[tokio::test]\nasync fn three() {}", "m"),
        ["m::one", "m::three"]
    );
}
