//! What a file may hold that its reader did not think of.

use super::{HASH, Home};

/// A CSV file of so many users.
fn many(users: usize) -> String {
    let rows = (0..users).map(|n| format!("user{n}@example.org,{},u{n}\n", *HASH));
    std::iter::once("login,password_hash,id\n".to_owned()).chain(rows).collect()
}

#[test]
fn a_wrong_header_is_a_wrong_command() {
    let (home, hash) = (Home::new(), &*HASH);
    for (text, word) in [
        (String::new(), "no column `login`"),
        (format!("ada,{hash}\nbob,{hash}\n"), "column 1"),
        (format!("login,password_hash,login\na,{hash},b\n"), "twice"),
        (format!("login,hash\na,{hash}\n"), "column 2"),
        (format!("login;password_hash\na;{hash}\n"), "column 1"),
        ("\u{0}\u{0}\n".to_owned(), "column 1"),
    ] {
        home.write("users.csv", &text);
        let said = home.import(&["users.csv"]).no(2);
        assert!(said.err.contains(word) && !said.err.contains(hash.as_str()), "{text:?}: {said:?}");
    }
    home.write("users.csv", b"\xff\xfel\0o\0g\0i\0n\0");
    assert!(home.import(&["users.csv"]).no(2).err.contains("UTF-8"));
    home.import(&["absent.csv"]).no(2);
    assert!(home.listed().is_empty());
}

#[test]
fn one_bad_row_keeps_nobody_else_out() {
    let (home, hash) = (Home::new(), &*HASH);
    let text = [
        format!("\u{feff}login,password_hash,claim:x\r\n=cmd|' /C calc'!A0,{hash},@SUM(1)\r\n").into_bytes(),
        format!("nul\0,{hash},\r\ncut,{hash}\r\n").into_bytes(),
        [b"\xff,".as_slice(), hash.as_bytes(), b",\r\n"].concat(),
        format!("long,{hash},{}\r\n\"two\nlines\",{hash},\r\n", "x".repeat(3000)).into_bytes(),
        format!("last,{hash},-1").into_bytes(),
    ]
    .concat();
    home.write("users.csv", text);
    let said = home.import(&["users.csv"]);
    assert_eq!(
        (said.code, said.out.as_str()),
        (1, "2 added, 0 updated, 0 skipped (there already), 5 refused\n"),
        "{said:?}"
    );
    for word in [
        "line 3: login holds a control character",
        "line 4 has 2 cells under 3 columns",
        "line 5: login is not UTF-8",
        "line 6: claim:x makes the claims of this user longer",
        "line 7: login holds a control character",
    ] {
        assert!(said.err.contains(word), "{word}: {said:?}");
    }
    assert!(!said.err.contains(hash.as_str()) && !said.err.contains("xxx"), "{said:?}");
    let exported = home.export("out.csv");
    assert!(
        exported.contains("=cmd|' /c calc'!a0") && exported.contains("@SUM(1)"),
        "taken as it is: {exported}"
    );
}

#[test]
fn a_line_without_an_end_is_bounded() {
    let (home, hash) = (Home::new(), &*HASH);
    let endless = "x".repeat(10 << 20);
    home.write("users.csv", format!("login,password_hash\nada,{hash}\n\"{endless}"));
    let said = home.import(&["users.csv"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("begins at line 3 is longer than 64 KiB"), "{said:?}");
    home.write("users.jsonl", format!("{endless}\n{{\"login\":\"bob\",\"password_hash\":\"{hash}\"}}\n"));
    let said = home.import(&["users.jsonl"]);
    assert!(said.err.contains("line 1 is longer than 64 KiB"), "{said:?}");
    assert!(home.listed().iter().any(|user| user["login"] == "bob"), "{said:?}");
}

#[test]
fn refusals_are_told_to_an_end_and_reported_without_one() {
    let home = Home::new();
    let rows = (0..100).map(|n| format!("user{n},hunter2-hunter2\n")).collect::<Vec<_>>().concat();
    home.write("users.csv", format!("login,password_hash\n{rows}"));
    let said = home.import(&["users.csv"]);
    assert_eq!(said.err.lines().count(), 21, "{said:?}");
    assert!(said.err.ends_with("and 80 more; `--report FILE` lists them all\n"), "{said:?}");
    home.import(&["users.csv", "--report", "report.jsonl"]);
    let report = home.read("report.jsonl");
    assert_eq!(report.lines().count(), 100);
    assert!(!report.contains("hunter2") && !said.err.contains("hunter2"), "{report}");
    let first: serde_json::Value = serde_json::from_str(report.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&first["line"], &first["field"], &first["result"]),
        (&2.into(), &"password_hash".into(), &"refused".into())
    );
}

#[test]
fn ten_thousand_rows_are_told_of_and_come_out_again() {
    let home = Home::new();
    home.write("users.csv", many(10_500));
    let said = home.import(&["users.csv"]).yes();
    assert_eq!(said.out, "10500 added, 0 updated, 0 skipped (there already), 0 refused\n");
    assert_eq!(said.err, "10000 rows\n");
    assert_eq!(home.export("out.csv").lines().count(), 10_501);
}

#[test]
fn a_store_that_is_only_read_takes_nobody() {
    let home = Home::new();
    home.write("users.csv", many(1));
    let text = home.read("gateway.toml").replace("[users]\n", "[users]\nmode = \"read_only\"\n");
    let text = text.replace("signup = \"/user/signup\"\n", "");
    home.write("gateway.toml", text);
    let said = home.import(&["users.csv"]).no(1);
    assert!(said.err.contains("`mode` in [users] is read_only"), "{said:?}");
    assert!(home.listed().is_empty());
}
