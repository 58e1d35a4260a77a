//! What is sent: GitHub's own example payloads, and bodies of 1 KB and 1 MB made of their text.

use std::path::PathBuf;

use hooklake::demo::deliveries;

/// Bodies to send in turn, and how many deliveries make a measurement of a second or more.
pub struct Bodies {
    pub name: &'static str,
    pub texts: Vec<String>,
    pub deliveries: usize,
}

impl Bodies {
    /// Their mean length in bytes.
    pub fn mean(&self) -> usize {
        self.texts.iter().map(String::len).sum::<usize>() / self.texts.len()
    }
}

/// The real payloads, as GitHub sends them.
pub fn real() -> anyhow::Result<Bodies> {
    let payloads = std::env::var_os("BENCH_PAYLOADS").map_or_else(|| PathBuf::from(".tools/examples/node_modules/@octokit/webhooks-examples"), PathBuf::from);
    let texts = deliveries::examples(&payloads)?.into_iter().map(|delivery| delivery.body).collect();
    Ok(Bodies { name: "real payloads", texts, deliveries: 20_000 })
}

/// Bodies of about 1 KB: the first kilobyte of each real payload, as one JSON string.
pub fn small(real: &Bodies) -> Bodies {
    let texts = real.texts.iter().map(|text| made_of(&text[..floor(text, 900)])).collect();
    Bodies { name: "1 KB", texts, deliveries: 40_000 }
}

/// Bodies of about 1 MB: many real payloads in one array, beginning with another each time.
pub fn large(real: &Bodies) -> Bodies {
    let made = |first: usize| {
        let mut items = String::new();
        for text in real.texts.iter().cycle().skip(first) {
            if items.len() + text.len() > 1 << 20 {
                break;
            }
            items.push_str(if items.is_empty() { "" } else { "," });
            items.push_str(text);
        }
        format!("{{\"items\":[{items}]}}")
    };
    Bodies { name: "1 MB", texts: (0..8).map(|number| made(number * 40)).collect(), deliveries: 300 }
}

fn made_of(text: &str) -> String {
    serde_json::json!({ "text": text }).to_string()
}

/// The greatest boundary of a character at or below `at`.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|index| text.is_char_boundary(*index)).unwrap_or(0)
}
