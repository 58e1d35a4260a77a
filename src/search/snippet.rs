//! The part of a text that shows why it was found. The text is anyone's: as HTML it is escaped.

use tantivy::snippet::{Snippet, SnippetGenerator};

/// The longest excerpt.
pub(super) const SNIPPET_CHARS_MAX: usize = 200;

/// An excerpt in parts, each with whether it is what was looked for.
pub(super) type Parts = Vec<(String, bool)>;

/// The excerpt of the body, or of the title where the body has nothing to show.
pub(super) fn excerpt(generators: &[SnippetGenerator], texts: &[Option<&str>]) -> Parts {
    let found = generators.iter().zip(texts).find_map(|(generator, text)| {
        let snippet = generator.snippet((*text)?);
        (!snippet.is_empty()).then(|| parts(&snippet))
    });
    found.unwrap_or_else(|| texts.iter().flatten().next().map(|text| vec![(beginning(text), false)]).unwrap_or_default())
}

/// The excerpt as HTML: what was looked for is in `<b>`, everything else is escaped.
pub(super) fn html(parts: &Parts) -> String {
    parts.iter().map(|(text, is_found)| if *is_found { format!("<b>{}</b>", escape(text)) } else { escape(text) }).collect()
}

fn parts(snippet: &Snippet) -> Parts {
    let text = snippet.fragment();
    let mut parts = Parts::new();
    let mut from = 0;
    for range in tantivy::snippet::collapse_overlapped_ranges(snippet.highlighted()) {
        parts.push((text[from..range.start].to_owned(), false));
        parts.push((text[range.clone()].to_owned(), true));
        from = range.end;
    }
    parts.push((text[from..].to_owned(), false));
    parts.retain(|(text, _)| !text.is_empty());
    parts
}

fn beginning(text: &str) -> String {
    let mut start: String = text.chars().take(SNIPPET_CHARS_MAX).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    start
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_escaped() {
        let parts = vec![("<script>'\"&".to_owned(), false), ("a<b".to_owned(), true)];
        assert_eq!(html(&parts), "&lt;script&gt;&#39;&quot;&amp;<b>a&lt;b</b>");
    }
}
