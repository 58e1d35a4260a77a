//! The fields of the index, and why each is there.

use tantivy::schema::{DateOptions, Field, IndexRecordOption, NumericOptions, STORED, STRING, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{Language, LowerCaser, RawTokenizer, RemoveLongFilter, SimpleTokenizer, Stemmer, TextAnalyzer, TokenizerManager};
use tantivy::{DateTime, TantivyDocument, Term};

use crate::domain::{Envelope, Position};

/// Raised when the same log would give another index.
pub const VERSION: i32 = 4;

/// As much of a body text as is indexed.
pub const BODY_BYTES_MAX: usize = 64 << 10;

/// Whole values, whatever their case.
const KEYWORD: &str = "hooklake_keyword";
/// Words, by their English stems. Tokens as long as a commit's hash are kept, unlike in tantivy's own analyzer.
const TEXT: &str = "hooklake_text";
const TOKEN_BYTES_MAX: usize = 256;

/// The fields of the index.
#[derive(Debug, Clone, Copy)]
pub struct Fields {
    /// The place in the log: the tie-breaker of the order, and what a test of completeness counts.
    pub position: Field,
    /// The name of the event, by which a hit is looked up in the log. Found by its position: a term of its own for each event is dear.
    pub id: Field,
    /// Whose it is; every query is narrowed to one tenant.
    pub tenant: Field,
    /// `github`, `linear`, …
    pub source: Field,
    /// `pull_request`, `Issue`, …
    pub event_type: Field,
    /// `opened`, …
    pub action: Field,
    /// `pull_request.opened`.
    pub kind: Field,
    /// Who did it.
    pub author: Field,
    /// `owner/name`, and the name alone, so that either finds it.
    pub repository: Field,
    /// What it is about, by its name: `linear:ENG-123`, `github:owner/name#7`.
    pub subject: Field,
    /// Where a person reads it.
    pub url: Field,
    /// One line that says what happened.
    pub title: Field,
    /// What was written: descriptions, comments, messages, commit messages.
    pub body: Field,
    /// When it was received, for `after:` and `before:`, which read the column and need no terms.
    pub received_at: Field,
}

/// The schema and its fields.
#[must_use]
pub fn schema() -> (Schema, Fields) {
    let indexing = |tokenizer: &str, option| TextFieldIndexing::default().set_tokenizer(tokenizer).set_index_option(option);
    let keyword = TextOptions::default().set_indexing_options(indexing(KEYWORD, IndexRecordOption::Basic).set_fieldnorms(false));
    let text = TextOptions::default().set_indexing_options(indexing(TEXT, IndexRecordOption::WithFreqsAndPositions)).set_stored();
    let mut builder = Schema::builder();
    let fields = Fields {
        position: builder.add_u64_field("position", NumericOptions::default().set_fast().set_stored().set_indexed()),
        id: builder.add_text_field("id", STORED),
        tenant: builder.add_text_field("tenant", STRING),
        source: builder.add_text_field("source", keyword.clone().set_stored()),
        event_type: builder.add_text_field("type", keyword.clone().set_stored()),
        action: builder.add_text_field("action", keyword.clone().set_stored()),
        kind: builder.add_text_field("kind", keyword.clone()),
        author: builder.add_text_field("author", keyword.clone()),
        repository: builder.add_text_field("repository", keyword.clone()),
        subject: builder.add_text_field("subject", keyword.clone()),
        url: builder.add_text_field("url", keyword.set_stored()),
        title: builder.add_text_field("title", text.clone()),
        body: builder.add_text_field("body", text),
        received_at: builder.add_date_field("received_at", DateOptions::from(STORED).set_fast()),
    };
    (builder.build(), fields)
}

/// The analyzers that the schema names.
#[must_use]
pub fn tokenizers() -> TokenizerManager {
    let manager = TokenizerManager::default();
    manager.register(KEYWORD, TextAnalyzer::builder(RawTokenizer::default()).filter(LowerCaser).build());
    manager.register(
        TEXT,
        TextAnalyzer::builder(SimpleTokenizer::default())
            .filter(RemoveLongFilter::limit(TOKEN_BYTES_MAX))
            .filter(LowerCaser)
            .filter(Stemmer::new(Language::English))
            .build(),
    );
    manager
}

impl Fields {
    /// The term of one event.
    #[must_use]
    pub fn at(&self, position: Position) -> Term {
        Term::from_field_u64(self.position, u64::try_from(position.get()).unwrap_or_default())
    }

    /// What the index holds of an envelope; none for a replay, which must not count twice.
    #[must_use]
    pub fn document(&self, envelope: &Envelope) -> Option<TantivyDocument> {
        if envelope.is_replay() {
            return None;
        }
        let payload = envelope.payload();
        let kind = envelope.kind(&payload);
        let facts = envelope.facts();
        let mut document = TantivyDocument::default();
        document.add_u64(self.position, u64::try_from(envelope.position.get()).unwrap_or_default());
        document.add_text(self.id, envelope.id.to_string());
        document.add_text(self.tenant, envelope.tenant.as_str());
        document.add_text(self.source, &envelope.source);
        document.add_text(self.event_type, &kind.event_type);
        document.add_text(self.kind, kind.to_string());
        document.add_date(self.received_at, DateTime::from_timestamp_micros(envelope.received_at.timestamp_micros()));
        let mut add = |field, value: Option<&str>| {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                document.add_text(field, value);
            }
        };
        add(self.action, kind.action.as_deref());
        add(self.author, facts.actor.as_deref());
        add(self.repository, facts.repository.as_deref());
        add(self.repository, facts.repository.as_deref().and_then(|name| name.split_once('/')).map(|(_, name)| name));
        add(self.subject, facts.subject.as_deref());
        add(self.url, facts.url.as_deref());
        add(self.title, facts.title.as_deref());
        add(self.body, facts.body_text.as_deref().map(shortened));
        Some(document)
    }
}

/// As much of a text as is indexed, cut between characters.
fn shortened(text: &str) -> &str {
    &text[..text.floor_char_boundary(BODY_BYTES_MAX)]
}
