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
        Next::value(&mut reading).deserialize(&mut parser)?;
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

/// What comes next: a value, or the name of a member, which is a text like any other but for its mark.
struct Next<'r> {
    reading: &'r mut Reading,
    is_name: bool,
}

impl<'r> Next<'r> {
    const fn value(reading: &'r mut Reading) -> Self {
        Self { reading, is_name: false }
    }

    const fn name(reading: &'r mut Reading) -> Self {
        Self { reading, is_name: true }
    }

    fn push(self, text: &str, piece: Piece, as_value: fn(Piece) -> Node, as_name: fn(Piece, Mark) -> Node) {
        let node = if self.is_name {
            let mark = Mark::of(text);
            self.reading.open.push(mark);
            as_name(piece, mark)
        } else {
            as_value(piece)
        };
        self.reading.nodes.push(node);
    }
}

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
        self.reading.nodes.push(Node::Null);
        Ok(())
    }

    fn visit_bool<E>(self, flag: bool) -> Result<(), E> {
        self.reading.nodes.push(Node::Flag(flag));
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.reading.nodes.push(Node::Whole(number));
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.reading.nodes.push(i64::try_from(number).map_or(Node::Large(number), Node::Whole));
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.reading.has_fraction = true;
        self.reading.nodes.push(Node::Fraction(number));
        Ok(())
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<(), E> {
        let piece = self.reading.borrowed(text)?;
        self.push(text, piece, Node::Text, Node::Name);
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let piece = self.reading.unescaped(text)?;
        self.push(text, piece, Node::Unescaped, Node::UnescapedName);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let at = self.reading.nodes.len();
        self.reading.nodes.push(Node::Null);
        while items.next_element_seed(Next::value(self.reading))?.is_some() {}
        self.reading.close(at, |end| Node::List { end })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let (at, names) = (self.reading.nodes.len(), self.reading.open.len());
        self.reading.nodes.push(Node::Null);
        while members.next_key_seed(Next::name(self.reading))?.is_some() {
            members.next_value_seed(Next::value(self.reading))?;
        }
        let ours = &mut self.reading.open[names..];
        ours.sort_unstable();
        self.reading.may_repeat |= ours.windows(2).any(|two| two[0] == two[1]);
        self.reading.open.truncate(names);
        self.reading.close(at, |end| Node::Object { end })
    }
}
