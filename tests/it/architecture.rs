//! Does the code keep the order the house promises? Floors, fences, no cycles, every file opening with its question.
//!
//! Reads `src` as text; all violations are told at once. The checks themselves are checked on planted violations.

mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use source::{Source, test_files};

/// Every room with its floor, from the ground up: a room imports only from floors below its own. Where rooms of one
/// floor of the house need each other, the floor has steps.
const FLOORS: [&[&str]; 17] = [
    // ground
    &["clock", "secret"],
    &["identity"],
    // workshop
    &["token", "password"],
    // vaults
    &["sqlite", "redis_link"],
    &["users", "revocation"],
    &["accounts", "sessions", "throttle"],
    // rules
    &["route", "login"],
    &["access"],
    // door
    &["answer", "observe", "upstream"],
    &["endpoint", "admin"],
    &["proxy"],
    // office
    &["config"],
    &["control"],
    &["server"],
    &["demo"],
    &["cli"],
    // street
    &["lib", "main"],
];

/// Crates, and the files (by the beginning of their path) that alone may name them.
const FENCES: [(&str, &[&str]); 14] = [
    ("httparse", &["proxy/direct"]),
    ("pingora", &["proxy", "upstream", "server"]),
    ("pingora_core", &["proxy", "upstream", "server"]),
    ("pingora_proxy", &["proxy", "upstream", "server"]),
    ("pingora_http", &["proxy", "upstream", "server"]),
    ("pingora_load_balancing", &["proxy", "upstream", "server"]),
    ("jsonwebtoken", &["token"]),
    (
        "rusqlite",
        &[
            "sqlite",
            "users/sqlite",
            "revocation/sqlite",
            "accounts/sqlite",
            "sessions/sqlite",
            "throttle/sqlite",
        ],
    ),
    ("redis", &["redis_link", "revocation/redis", "accounts/redis", "sessions/redis", "throttle/redis"]),
    ("tokio_postgres", &["users/postgres"]),
    ("deadpool_postgres", &["users/postgres"]),
    ("mongodb", &["users/mongodb"]),
    ("axum", &["endpoint", "admin", "demo"]),
    ("prometheus", &["observe"]),
];

/// Names that say nothing of what is in a file.
const EMPTY_NAMES: [&str; 9] =
    ["util", "utils", "common", "helper", "helpers", "manager", "misc", "mod", "types"];

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

#[test]
fn the_house_is_in_order() {
    let files = read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")));
    assert!(files.len() > 30, "the source was found");
    let violations = violations(&files);
    assert!(violations.is_empty(), "{} violations:\n{}", violations.len(), violations.join("\n"));
}

/// The tour shows newcomers these very floors, the highest first, behind eleven columns for their names.
#[test]
fn the_tour_shows_the_floors() {
    let tour = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/lib.rs")).unwrap();
    let (_, table) = tour.split_once("//! ```text\n").unwrap();
    let (table, _) = table.split_once("//! ```\n").unwrap();
    let shown: Vec<Vec<&str>> =
        table.lines().rev().map(|line| line["//! street     ".len()..].split(' ').collect()).collect();
    assert_eq!(shown, FLOORS);
}

/// Every source file below `folder`.
fn read(folder: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().replace('\\', "/");
                files.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// Everything that is out of order.
fn violations(files: &[(String, String)]) -> Vec<String> {
    let tests: BTreeSet<String> = files.iter().flat_map(|(path, text)| test_files(path, text)).collect();
    let mut found = Vec::new();
    let mut imports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, text) in files {
        let source = Source::new(path, text);
        check_face(&source, &mut found);
        let inside =
            |test: &String| path == test || path.starts_with(&format!("{}/", &test[..test.len() - 3]));
        if tests.iter().any(inside) {
            continue;
        }
        check_floors(&source, &mut imports, &mut found);
        check_fences(&source, &mut found);
        check_manners(&source, &mut found);
    }
    found.extend(cycles(&imports));
    found
}

/// Opens with its question, and has a name of its own.
fn check_face(source: &Source, found: &mut Vec<String>) {
    if !source.text.starts_with("//!") {
        found.push(format!("{}: does not open with `//!` and the question it answers", source.path));
    }
    for part in source.path.split('/') {
        let name = part.strip_suffix(".rs").unwrap_or(part);
        if EMPTY_NAMES.contains(&name) || name.ends_with("_impl") {
            found.push(format!("{}: `{name}` does not say what is in it", source.path));
        }
    }
}

/// Imports only from below.
fn check_floors(source: &Source, imports: &mut BTreeMap<String, BTreeSet<String>>, found: &mut Vec<String>) {
    let room = source.room();
    let Some(own) = floor(room) else {
        found.push(format!("{}: the room `{room}` has no floor", source.path));
        return;
    };
    for (place, import) in imported_rooms(source) {
        let line = source.line(place);
        if import == room {
            continue;
        }
        imports.entry(room.to_owned()).or_default().insert(import.clone());
        match floor(&import) {
            Some(below) if below < own => {}
            Some(_) => {
                found.push(format!(
                    "{}:{line}: `{room}` imports `{import}`, which is not below it",
                    source.path
                ));
            }
            None => found.push(format!("{}:{line}: `crate::{import}` is no room", source.path)),
        }
    }
    let mut above = source.code.match_indices("super::").filter(|(place, _)| {
        let before = source.code[..*place].trim_end();
        !before.ends_with("super::")
    });
    if let Some((place, _)) = above.find(|(place, _)| chain(&source.code[*place..]) >= source.depth()) {
        let line = source.line(place);
        found.push(format!("{}:{line}: reaches the crate's root by `super`: write `crate::`", source.path));
    }
}

/// How many `super::` stand in a row.
fn chain(code: &str) -> usize {
    let mut rest = code;
    let mut count = 0;
    while let Some(next) = rest.strip_prefix("super::") {
        count += 1;
        rest = next;
    }
    count
}

/// The first segments behind `crate::`, those of `crate::{…}` too, with their places.
fn imported_rooms(source: &Source) -> Vec<(usize, String)> {
    let mut rooms = Vec::new();
    for place in source.words("crate") {
        // `pub(crate)` and `$crate` are no imports.
        let Some(behind) = source.code[place..].strip_prefix("crate::") else { continue };
        let names: Vec<&str> = match behind.strip_prefix('{') {
            Some(group) => first_names(group),
            None => vec![behind],
        };
        let word =
            |text: &str| text.chars().take_while(|&c| c.is_alphanumeric() || c == '_').collect::<String>();
        rooms.extend(names.into_iter().map(word).filter(|name| !name.is_empty()).map(|name| (place, name)));
    }
    rooms
}

/// The beginnings of the members of a `{…}` group, whose opening brace is gone.
fn first_names(group: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let (mut depth, mut start) = (1_usize, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if (depth == 1 && c == ',') || depth == 0 {
            names.push(group[start..at].trim());
            start = at + 1;
        }
        if depth == 0 {
            break;
        }
    }
    names
}

/// Names a crate only behind that crate's fence.
fn check_fences(source: &Source, found: &mut Vec<String>) {
    for (name, allowed) in FENCES {
        // A module of that name shadows the crate: `redis::` in the room that declares `mod redis;` means the module.
        let module = source.code.contains(&format!("mod {name};"));
        if module || allowed.iter().any(|prefix| stands_behind(&source.path, prefix)) {
            continue;
        }
        for place in source.words(name) {
            let before = source.code[..place].trim_end();
            let after = source.code[place + name.len()..].trim_start();
            // `self::redis::` is a module, `::redis::` and `redis::` are the crate.
            let within = before.strip_suffix("::").is_some_and(|path| path.ends_with(char::is_alphanumeric));
            if !within && (after.starts_with("::") || before.ends_with("use")) {
                let line = source.line(place);
                found.push(format!("{}:{line}: `{name}` is fenced into {}", source.path, allowed.join(", ")));
            }
        }
    }
}

/// Whether `path` belongs to the room `prefix`, or is a file whose name begins with it where it names a file.
fn stands_behind(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| prefix.contains('/') || rest == ".rs" || rest.starts_with('/'))
}

/// No shortcuts outside tests.
fn check_manners(source: &Source, found: &mut Vec<String>) {
    for (shortcut, instead) in [
        (".unwrap()", "`expect` with the invariant"),
        ("#[allow(", "`#[expect(…, reason = …)]`"),
        ("#![allow(", "`#![expect(…, reason = …)]`"),
    ] {
        for (place, _) in source.code.match_indices(shortcut) {
            found.push(format!("{}:{}: `{shortcut}`: write {instead}", source.path, source.line(place)));
        }
    }
}

/// Every loop of rooms, told once.
fn cycles(imports: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<String> {
    fn walk<'i>(
        room: &'i str,
        imports: &'i BTreeMap<String, BTreeSet<String>>,
        trail: &mut Vec<&'i str>,
        done: &mut BTreeSet<&'i str>,
        found: &mut BTreeSet<String>,
    ) {
        if let Some(start) = trail.iter().position(|earlier| *earlier == room) {
            found.insert(format!("rooms in a circle: {} → {room}", trail[start..].join(" → ")));
            return;
        }
        if !done.insert(room) {
            return;
        }
        trail.push(room);
        for next in imports.get(room).into_iter().flatten() {
            walk(next, imports, trail, done, found);
        }
        trail.pop();
    }
    let (mut done, mut found) = (BTreeSet::new(), BTreeSet::new());
    for room in imports.keys() {
        walk(room, imports, &mut Vec::new(), &mut done, &mut found);
    }
    found
}

mod planted;
