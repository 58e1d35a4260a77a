//! What a JSON text says, kept flat: one list of nodes beside the text, instead of a tree of maps.
//!
//! ```text
//! text   {"a":[1,"x"],"b":null}
//! nodes  object→7  "a"  array→5  1  "x"  "b"  null
//! ```
//!
//! A list or object says where the node after it is, so that who looks for a name steps over what is within the others.
//! Texts are places in the text itself, unless they had to be unescaped. Every event is read so, and most of what it says
//! is never asked for: making and dropping a tree of it cost more than all the questions (decision 0032).

mod read;

use std::fmt;

use bytes::Bytes;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

pub use read::Read;

/// A JSON text that was read.
#[derive(Clone)]
pub struct Document {
    text: Bytes,
    /// Texts that are written with escapes, without them, one after the other.
    unescaped: String,
    nodes: Vec<Node>,
}

/// A value, or the name of a member, which its value follows. Sixteen bytes.
#[derive(Debug, Clone, Copy)]
enum Node {
    Null,
    Flag(bool),
    Whole(i64),
    /// Beyond what an `i64` holds.
    Large(u64),
    Fraction(f64),
    /// Bytes of the text.
    Text(Piece),
    /// Bytes of the unescaped ones.
    Unescaped(Piece),
    Name(Piece, Mark),
    UnescapedName(Piece, Mark),
    /// How many nodes there are before the one that follows it.
    List {
        end: u32,
    },
    Object {
        end: u32,
    },
}

#[derive(Debug, Clone, Copy)]
struct Piece {
    at: u32,
    bytes: u32,
}

/// A number that equal names have in common, and hardly any others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Mark(u32);

impl Mark {
    fn of(name: &str) -> Self {
        let folded = name.as_bytes().chunks(8).fold(name.len() as u64, |number, chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            (number.rotate_left(23) ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        });
        Self(u32::try_from(folded >> 32).unwrap_or_default())
    }
}

/// A value in a document.
#[derive(Clone, Copy)]
pub struct Json<'a> {
    document: &'a Document,
    at: usize,
}

impl Document {
    /// What stands for nothing that could be read.
    #[must_use]
    pub fn null() -> Self {
        Self { text: Bytes::new(), unescaped: String::new(), nodes: vec![Node::Null] }
    }

    /// The value that the whole text is.
    #[must_use]
    pub const fn root(&self) -> Json<'_> {
        Json { document: self, at: 0 }
    }

    fn text_of(&self, node: Node) -> Option<&[u8]> {
        let within = |Piece { at, bytes }| at as usize..at as usize + bytes as usize;
        match node {
            Node::Text(piece) | Node::Name(piece, _) => Some(&self.text[within(piece)]),
            Node::Unescaped(piece) | Node::UnescapedName(piece, _) => Some(&self.unescaped.as_bytes()[within(piece)]),
            _ => None,
        }
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.root(), f)
    }
}

impl<'a> Json<'a> {
    fn node(self) -> Node {
        self.document.nodes[self.at]
    }

    /// The node after this value.
    fn end(self) -> usize {
        match self.node() {
            Node::List { end } | Node::Object { end } => end as usize,
            _ => self.at + 1,
        }
    }

    /// The text that it is.
    #[must_use]
    pub fn as_str(self) -> Option<&'a str> {
        std::str::from_utf8(self.document.text_of(self.node())?).ok()
    }

    /// The truth that it is.
    #[must_use]
    pub fn as_bool(self) -> Option<bool> {
        if let Node::Flag(flag) = self.node() { Some(flag) } else { None }
    }

    /// The whole number that it is, written without a fraction or exponent, if it fits.
    #[must_use]
    pub fn as_i64(self) -> Option<i64> {
        if let Node::Whole(number) = self.node() { Some(number) } else { None }
    }

    /// The number that it is; beyond 2^53 the nearest.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "says so")]
    pub fn as_f64(self) -> Option<f64> {
        match self.node() {
            Node::Whole(number) => Some(number as f64),
            Node::Large(number) => Some(number as f64),
            Node::Fraction(number) => Some(number),
            _ => None,
        }
    }

    /// True for `null`.
    #[must_use]
    pub fn is_null(self) -> bool {
        matches!(self.node(), Node::Null)
    }

    /// True for a number.
    #[must_use]
    pub fn is_number(self) -> bool {
        self.as_f64().is_some()
    }

    /// True for a list.
    #[must_use]
    pub fn is_list(self) -> bool {
        matches!(self.node(), Node::List { .. })
    }

    /// True for an object.
    #[must_use]
    pub fn is_object(self) -> bool {
        matches!(self.node(), Node::Object { .. })
    }

    /// The member of this name, if it is an object that has one.
    #[must_use]
    pub fn get(self, name: &str) -> Option<Self> {
        let wanted = Mark::of(name);
        let is_it = |node: Node| match node {
            Node::Name(_, mark) | Node::UnescapedName(_, mark) => mark == wanted && self.document.text_of(node) == Some(name.as_bytes()),
            _ => false,
        };
        let mut places = self.places(self.is_object());
        loop {
            let (named, value) = (places.next()?, places.next()?);
            if is_it(named.node()) {
                return Some(value);
            }
        }
    }

    /// What stands at a JSON pointer (RFC 6901) whose names hold neither `/` nor `~`, as no name that is asked for does.
    #[must_use]
    pub fn at(self, pointer: &str) -> Option<Self> {
        pointer.split('/').skip(1).try_fold(self, |value, name| match value.node() {
            Node::Object { .. } => value.get(name),
            Node::List { .. } => value.items().nth(name.parse().ok()?),
            _ => None,
        })
    }

    /// Its items, if it is a list; otherwise none.
    pub fn items(self) -> impl Iterator<Item = Self> + use<'a> {
        self.places(self.is_list())
    }

    /// Names and values of its members, if it is an object, as they came; otherwise none.
    pub fn members(self) -> impl Iterator<Item = (&'a str, Self)> + use<'a> {
        let mut places = self.places(self.is_object());
        std::iter::from_fn(move || Some((places.next()?.as_str()?, places.next()?)))
    }

    /// The nodes right within it, one after the other.
    fn places(self, is_wanted: bool) -> impl Iterator<Item = Self> + use<'a> {
        let (document, end) = (self.document, if is_wanted { self.end() } else { 0 });
        let mut at = self.at + 1;
        std::iter::from_fn(move || {
            let found = (at < end).then_some(Json { document, at })?;
            at = found.end();
            Some(found)
        })
    }
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.node() {
            Node::Null => serializer.serialize_unit(),
            Node::Flag(flag) => serializer.serialize_bool(flag),
            Node::Whole(number) => serializer.serialize_i64(number),
            Node::Large(number) => serializer.serialize_u64(number),
            Node::Fraction(number) => serializer.serialize_f64(number),
            Node::Text(_) | Node::Unescaped(_) | Node::Name(..) | Node::UnescapedName(..) => serializer.serialize_str(self.as_str().unwrap_or_default()),
            Node::List { .. } => {
                let mut list = serializer.serialize_seq(None)?;
                self.items().try_for_each(|item| list.serialize_element(&item))?;
                list.end()
            }
            Node::Object { .. } => {
                let mut object = serializer.serialize_map(None)?;
                self.members().try_for_each(|(name, value)| object.serialize_entry(name, &value))?;
                object.end()
            }
        }
    }
}

/// As JSON text, without white space.
impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Members come in the order of their names.
impl From<Json<'_>> for serde_json::Value {
    fn from(json: Json<'_>) -> Self {
        serde_json::to_value(json).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
