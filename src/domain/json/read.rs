//! From text to nodes, by `serde_json`'s parser.

use std::collections::HashSet;
use std::fmt;

use bytes::Bytes;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};

use super::{Document, Json, Mark, Node, Piece};

/// About how many bytes of text there are to a node in the payloads of GitHub, Linear and Slack.
const BYTES_A_NODE: usize = 20;

/// A document, and what there was to notice.
pub struct Read {
    /// What was read.
    pub document: Document,
    /// A name came twice in an object; the last one counts, as in `jsonb`.
    pub duplicate_keys: bool,
    /// A number is not a whole one of 64 bits.
    pub has_fraction: bool,
}

impl Document {
    /// Reads a JSON text.
    ///
    /// # Errors
    /// When it is none, is nested deeper than 128 levels (`serde_json`'s own limit), or is not UTF-8.
    pub fn read(text: Bytes) -> Result<Read, serde_json::Error> {
        let json = std::str::from_utf8(&text).map_err(serde_json::Error::custom)?;
        let mut reading = Reading {
            start: json.as_ptr().addr(),
            nodes: Vec::with_capacity(json.len() / BYTES_A_NODE + 1),
            unescaped: String::new(),
            open: Vec::new(),
            may_repeat: false,
            has_fraction: false,
        };
        let mut parser = serde_json::Deserializer::from_str(json);
        Next(&mut reading).deserialize(&mut parser)?;
        parser.end()?;
        let Reading { unescaped, nodes, may_repeat, has_fraction, .. } = reading;
        let document = Self { text, unescaped, nodes };
        let duplicate_keys = may_repeat && document.repeats_a_name();
        // A tree keeps the last of two members. It is made of what was read: the reader of trees takes some names for its own.
        let document = if duplicate_keys { Self::from(serde_json::Value::from(document.root())) } else { document };
        Ok(Read { document, duplicate_keys, has_fraction })
    }

    fn repeats_a_name(&self) -> bool {
        let values = (0..self.nodes.len()).map(|at| Json { document: self, at });
        values.filter(|value| value.is_object()).any(|object| {
            let mut names = HashSet::new();
            !object.members().all(|(name, _)| names.insert(name))
        })
    }
}

impl From<serde_json::Value> for Document {
    fn from(value: serde_json::Value) -> Self {
        Self::read(Bytes::from(value.to_string())).map_or_else(|_| Self::null(), |read| read.document)
    }
}

/// What was read so far.
struct Reading {
    /// Where the text is in memory, by which a piece of it knows its place.
    start: usize,
    nodes: Vec<Node>,
    unescaped: String,
    /// The marks of the names in each object that has not ended.
    open: Vec<Mark>,
    /// Two marks are equal in an object.
    may_repeat: bool,
    has_fraction: bool,
}

/// The value that comes next.
struct Next<'r>(&'r mut Reading);

/// The name of the member that comes next.
struct Name<'r>(&'r mut Reading);

impl Reading {
    /// A piece of the text.
    fn borrowed<E: Error>(&self, text: &str) -> Result<Piece, E> {
        Piece::new(text.as_ptr().addr() - self.start, text.len())
    }

    fn unescaped<E: Error>(&mut self, text: &str) -> Result<Piece, E> {
        let piece = Piece::new(self.unescaped.len(), text.len())?;
        self.unescaped.push_str(text);
        Ok(piece)
    }

    /// Says of the list or object at a place that it has ended.
    fn close<E: Error>(&mut self, at: usize, closed: fn(u32) -> Node) -> Result<(), E> {
        self.nodes[at] = closed(u32::try_from(self.nodes.len()).map_err(E::custom)?);
        Ok(())
    }
}

impl Piece {
    fn new<E: Error>(at: usize, bytes: usize) -> Result<Self, E> {
        Ok(Self { at: u32::try_from(at).map_err(E::custom)?, bytes: u32::try_from(bytes).map_err(E::custom)? })
    }
}

impl<'de> DeserializeSeed<'de> for Next<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Next<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.nodes.push(Node::Null);
        Ok(())
    }

    fn visit_bool<E>(self, flag: bool) -> Result<(), E> {
        self.0.nodes.push(Node::Flag(flag));
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.0.nodes.push(Node::Whole(number));
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.0.nodes.push(i64::try_from(number).map_or(Node::Large(number), Node::Whole));
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.0.has_fraction = true;
        self.0.nodes.push(Node::Fraction(number));
        Ok(())
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<(), E> {
        let piece = self.0.borrowed(text)?;
        self.0.nodes.push(Node::Text(piece));
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let piece = self.0.unescaped(text)?;
        self.0.nodes.push(Node::Unescaped(piece));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let at = self.0.nodes.len();
        self.0.nodes.push(Node::Null);
        while items.next_element_seed(Next(self.0))?.is_some() {}
        self.0.close(at, |end| Node::List { end })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let (at, names) = (self.0.nodes.len(), self.0.open.len());
        self.0.nodes.push(Node::Null);
        while members.next_key_seed(Name(self.0))?.is_some() {
            members.next_value_seed(Next(self.0))?;
        }
        let ours = &mut self.0.open[names..];
        ours.sort_unstable();
        self.0.may_repeat |= ours.windows(2).any(|two| two[0] == two[1]);
        self.0.open.truncate(names);
        self.0.close(at, |end| Node::Object { end })
    }
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<(), E> {
        let (piece, mark) = (self.0.borrowed(name)?, Mark::of(name));
        self.0.open.push(mark);
        self.0.nodes.push(Node::Name(piece, mark));
        Ok(())
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<(), E> {
        let (piece, mark) = (self.0.unescaped(name)?, Mark::of(name));
        self.0.open.push(mark);
        self.0.nodes.push(Node::UnescapedName(piece, mark));
        Ok(())
    }
}
