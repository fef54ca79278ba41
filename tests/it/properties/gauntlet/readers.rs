//! Where do backends arrive that read a path in their own way? Three of them, each by its own rules; none shares a line
//! with the gateway.

/// A path as somebody reads it: its segments, and whether it ends in a slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) segments: Vec<Vec<u8>>,
    pub(crate) trailing: bool,
}

/// Everybody's reading of `path`, with the reader's name. `path` has no query.
pub(crate) fn readings(path: &[u8]) -> [(&'static str, Place); 4] {
    [
        ("as it stands", resolve(path)),
        ("nginx", nginx(path)),
        ("WHATWG", whatwg(path)),
        ("Tomcat", tomcat(path)),
    ]
}

/// nginx: decoded once, then slashes merged and dots resolved.
fn nginx(path: &[u8]) -> Place {
    resolve(&decode(path))
}

/// A browser's URL parser: tabs and line ends vanish, a backslash is a slash, `%2e` is a dot; what is left is decoded.
fn whatwg(path: &[u8]) -> Place {
    let kept = path.iter().filter(|byte| !b"\t\n\r".contains(byte));
    let slashed: Vec<u8> = kept.map(|&byte| if byte == b'\\' { b'/' } else { byte }).collect();
    let mut dotted = Vec::with_capacity(slashed.len());
    let mut rest = &slashed[..];
    while let Some((&first, behind)) = rest.split_first() {
        let dot = rest.get(..3).is_some_and(|escape| escape.eq_ignore_ascii_case(b"%2e"));
        dotted.push(if dot { b'.' } else { first });
        rest = if dot { &rest[3..] } else { behind };
    }
    let place = resolve(&dotted);
    Place { segments: place.segments.iter().map(|segment| decode(segment)).collect(), ..place }
}

/// Tomcat: parameters are cut from every segment, then it is decoded (backslashes too are slashes on some systems), and
/// dots are resolved.
fn tomcat(path: &[u8]) -> Place {
    let mut cut = Vec::with_capacity(path.len());
    let mut parameter = false;
    for &byte in path {
        parameter = match byte {
            b'/' => false,
            b';' => true,
            _ => parameter,
        };
        if !parameter {
            cut.push(byte);
        }
    }
    let decoded: Vec<u8> = decode(&cut).iter().map(|&b| if b == b'\\' { b'/' } else { b }).collect();
    resolve(&decoded)
}

/// Merges slashes and resolves dot segments.
fn resolve(path: &[u8]) -> Place {
    let mut segments: Vec<Vec<u8>> = Vec::new();
    let mut trailing = false;
    for part in path.split(|&byte| byte == b'/') {
        trailing = matches!(part, b"" | b"." | b"..");
        match part {
            b"" | b"." => {}
            b".." => drop(segments.pop()),
            other => segments.push(other.to_vec()),
        }
    }
    Place { segments, trailing }
}

/// Percent-decoding, once; a `%` that begins no escape stands for itself.
pub(crate) fn decode(bytes: &[u8]) -> Vec<u8> {
    let digit = |at: usize| bytes.get(at).and_then(|&byte| char::from(byte).to_digit(16));
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.extend(u8::try_from(16 * high + low));
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}
