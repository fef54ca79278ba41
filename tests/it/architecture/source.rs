//! What of a source file is code, and what of that is not a test?

/// A source file, by its path below `src`, with `/` between folders.
pub(super) struct Source {
    pub(super) path: String,
    pub(super) text: String,
    /// The code alone: comments and the insides of literals are blanks, as are items under `#[cfg(test)]`. Lines stay.
    pub(super) code: String,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        let code = without_tests(&without_text(text));
        Self { path: path.to_owned(), text: text.to_owned(), code }
    }

    /// The room it belongs to: `route` for `route.rs` and `route/table.rs`.
    pub(super) fn room(&self) -> &str {
        let first = self.path.split('/').next().unwrap();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// How many modules deep it lies below the crate's root.
    pub(super) fn depth(&self) -> usize {
        self.path.split('/').count()
    }

    /// The line of a place in `code`, from 1.
    pub(super) fn line(&self, place: usize) -> usize {
        self.code[..place].bytes().filter(|&byte| byte == b'\n').count() + 1
    }

    /// Where `word` stands in the code as a whole word.
    pub(super) fn words<'s>(&'s self, word: &'s str) -> impl Iterator<Item = usize> + 's {
        self.code.match_indices(word).map(|(place, _)| place).filter(move |&place| {
            let outside = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
            outside(self.code[..place].chars().next_back())
                && outside(self.code[place + word.len()..].chars().next())
        })
    }
}

/// Blanks comments and the insides of texts and characters, keeping every line break.
fn without_text(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => string(rest),
            'r' if !code.ends_with(|c: char| c.is_alphanumeric() || c == '_') => {
                raw_string(rest).unwrap_or(0)
            }
            '\'' => character(rest).unwrap_or(0),
            _ => 0,
        };
        if length == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            code.extend(rest[..length].chars().map(|c| if c == '\n' { c } else { ' ' }));
            rest = &rest[length..];
        }
    }
    code
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

fn string(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// `r"…"`, `r#"…"#`; `None` for a raw identifier or a plain name.
fn raw_string(rest: &str) -> Option<usize> {
    let hashes = rest[1..].bytes().take_while(|&byte| byte == b'#').count();
    let inside = rest[1 + hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(inside.find(&end).map_or(rest.len(), |at| 2 + hashes + at + end.len()))
}

/// `'x'`, `'\''`, `'\u{85}'`; `None` for a lifetime.
fn character(rest: &str) -> Option<usize> {
    let mut inside = rest[1..].char_indices();
    let (_, first) = inside.next()?;
    if first == '\\' {
        let (_, escaped) = inside.next()?;
        let after = 2 + escaped.len_utf8();
        return rest[after..].find('\'').map(|at| after + at + 1);
    }
    let (at, second) = inside.next()?;
    (second == '\'').then_some(at + 2)
}

/// Blanks every item that stands under `#[cfg(test)]`: up to the `;` or the closing brace that ends it.
fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(start) = rest.find(MARK) {
        kept.push_str(&rest[..start]);
        let mut depth = 0_usize;
        let end = rest[start + MARK.len()..].char_indices().find_map(|(at, c)| {
            match c {
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            (depth == 0 && matches!(c, '}' | ';')).then_some(start + MARK.len() + at + 1)
        });
        let end = end.unwrap_or(rest.len());
        kept.extend(rest[start..end].chars().map(|c| if c == '\n' { c } else { ' ' }));
        rest = &rest[end..];
    }
    kept.push_str(rest);
    kept
}

/// The path of the test files that `file` declares by `#[cfg(test)] mod name;`, such as `route/table/tests.rs`.
pub(super) fn test_files(path: &str, text: &str) -> Vec<String> {
    let text = without_text(text);
    text.match_indices("#[cfg(test)]")
        .filter_map(|(place, mark)| {
            let item = text[place + mark.len()..].trim_start();
            // What several rooms' tests share is visible to them.
            let name = item.strip_prefix("pub(crate) ").unwrap_or(item).strip_prefix("mod ")?;
            let name = &name[..name.find([';', '{'])?];
            Some(format!("{}/{}.rs", path.strip_suffix(".rs")?, name.trim()))
        })
        .collect()
}
