//! Which pattern names this path most specifically? A tree with one level per segment.
//!
//! At each segment a literal beats a `{name}` beats `/**`, and what stands further left weighs more; where a better
//! branch leads nowhere the search comes back for the next. Each level is one hash look-up, so the number of patterns
//! does not matter, and nothing is allocated. (A radix tree such as `matchit`'s has no catch-all of zero segments, and
//! compares bytes where literals must be compared by what they decode to.)

use hashbrown::HashMap;

use super::super::canonical::decode_segment;
use super::super::pattern::{LONGEST_LITERAL, Pattern, Segment};

/// Values under patterns.
#[derive(Debug)]
pub(super) struct Tree<T> {
    literals: HashMap<Box<[u8]>, Tree<T>>,
    name: Option<Box<Tree<T>>>,
    here: Option<T>,
    rest: Option<T>,
}

impl<T> Default for Tree<T> {
    fn default() -> Self {
        Self { literals: HashMap::new(), name: None, here: None, rest: None }
    }
}

impl<T: Default> Tree<T> {
    /// The value under `pattern`; patterns that name the same paths share it, whatever their names are called.
    pub(super) fn entry(&mut self, pattern: &Pattern) -> &mut T {
        let mut node = self;
        for segment in pattern.segments() {
            node = match segment {
                Segment::Literal(bytes) => node.literals.entry_ref(&**bytes).or_default(),
                Segment::Name(_) => node.name.get_or_insert_default(),
            };
        }
        if pattern.has_rest() { node.rest.get_or_insert_default() } else { node.here.get_or_insert_default() }
    }
}

impl<T> Tree<T> {
    /// The value under the most specific pattern that names the canonical `path`.
    pub(super) fn find(&self, path: &str) -> Option<&T> {
        self.descend(Some(path.strip_prefix('/')?))
    }

    /// `ahead`: what of the path is not matched yet, without the slash in front; `None` is its end.
    fn descend(&self, ahead: Option<&str>) -> Option<&T> {
        let Some(text) = ahead else { return self.here.as_ref().or(self.rest.as_ref()) };
        let (segment, ahead) = match text.split_once('/') {
            Some((segment, ahead)) => (segment, Some(ahead)),
            None => (text, None),
        };
        let literal = self.literal(segment).and_then(|node| node.descend(ahead));
        let named =
            || self.name.as_ref().filter(|_| !segment.is_empty()).and_then(|node| node.descend(ahead));
        literal.or_else(named).or(self.rest.as_ref())
    }

    fn literal(&self, segment: &str) -> Option<&Self> {
        if self.literals.is_empty() {
            None
        } else if segment.contains('%') {
            let mut buffer = [0; LONGEST_LITERAL];
            self.literals.get(decode_segment(segment, &mut buffer)?)
        } else {
            self.literals.get(segment.as_bytes())
        }
    }
}
