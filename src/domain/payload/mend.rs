//! Rewrites JSON text so that PostgreSQL's `jsonb` and 64-bit columns can hold it.
//!
//! `jsonb` refuses `\u0000` and half a surrogate pair, and expands `1e131000` to 128 kB of digits (decision D9). Text
//! without any of these is handed back as it is, so that the usual event costs one pass over its bytes.

use std::borrow::Cow;

use memchr::{memchr2, memmem};

/// Longer numbers, and those with a large exponent, become strings: their digits stay exact.
const NUMBER_BYTES_MAX: usize = 18;

/// PostgreSQL keeps every digit of a number and refuses exponents beyond five figures, also those of a zero.
const EXPONENT_MAX: u32 = 400;

/// The replacement character of Unicode, as an escape.
const REPLACEMENT: &str = "\\ufffd";

/// Text that `jsonb` can hold, if it is JSON at all.
pub(super) struct Mended<'a> {
    /// The text; borrowed when there was nothing to replace.
    pub(super) text: Cow<'a, str>,
    /// True when PostgreSQL takes the text that came as well as a reader of doubles does.
    pub(super) is_verbatim: bool,
}

/// True when there may be an escaped NUL. All else that is to be replaced is either no JSON for the reader, or a number that
/// is not a whole one of 64 bits.
pub(super) fn has_nul(text: &str) -> bool {
    memmem::find(text.as_bytes(), b"\\u0000").is_some()
}

/// Replaces what `jsonb` cannot hold.
pub(super) fn for_jsonb(text: &str) -> Mended<'_> {
    let bytes = text.as_bytes();
    let mut mended: Option<String> = None;
    let mut is_verbatim = true;
    let mut kept = 0;
    let mut at = 0;
    while at < bytes.len() {
        let (end, replacement) = match bytes[at] {
            b'"' => {
                at = string(text, at, &mut kept, &mut mended);
                continue;
            }
            b'-' | b'0'..=b'9' => {
                let end = number_end(bytes, at);
                is_verbatim &= has_small_exponent(&text[at..end]);
                (end, (!fits(&text[at..end])).then(|| format!("\"{}\"", &text[at..end])))
            }
            _ => (at + 1, None),
        };
        if let Some(replacement) = replacement {
            replace(text, at..end, &replacement, &mut kept, &mut mended);
        }
        at = end;
    }
    match mended {
        Some(mut mended) => {
            mended.push_str(&text[kept..]);
            Mended { text: Cow::Owned(mended), is_verbatim: false }
        }
        None => Mended { text: Cow::Borrowed(text), is_verbatim },
    }
}

/// Copies what stands before `range`, then the replacement.
fn replace(text: &str, range: std::ops::Range<usize>, replacement: &str, kept: &mut usize, mended: &mut Option<String>) {
    let mended = mended.get_or_insert_with(|| String::with_capacity(text.len()));
    mended.push_str(&text[*kept..range.start]);
    mended.push_str(replacement);
    *kept = range.end;
}

/// Walks over the string that opens at `open`; returns the place after its closing quote.
fn string(text: &str, open: usize, kept: &mut usize, mended: &mut Option<String>) -> usize {
    let bytes = text.as_bytes();
    let mut at = open + 1;
    while let Some(next) = bytes.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += next;
        match bytes[at] {
            b'"' => return at + 1,
            b'\\' if bytes.get(at + 1) == Some(&b'u') => match unit(bytes, at) {
                Some(0xd800..=0xdbff) if matches!(unit(bytes, at + 6), Some(0xdc00..=0xdfff)) => at += 12,
                Some(0 | 0xd800..=0xdfff) => {
                    replace(text, at..at + 6, REPLACEMENT, kept, mended);
                    at += 6;
                }
                _ => at += 2,
            },
            _ => at += 2,
        }
    }
    bytes.len()
}

/// The UTF-16 unit that an escape `\u` and four digits at this place stands for.
fn unit(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

fn number_end(bytes: &[u8], start: usize) -> usize {
    let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    start + bytes[start..].iter().take_while(|byte| is_part(byte)).count()
}

/// True for what `i64`, or `f64` without loss of its size, can hold. A malformed number is left to the parser.
fn fits(number: &str) -> bool {
    if number.len() <= NUMBER_BYTES_MAX && !number.contains(['e', 'E']) {
        return true;
    }
    if number.contains(['.', 'e', 'E']) {
        // Digits beyond those of a double would be lost, but the size is right: only overflow is refused.
        return number.len() <= 64 && number.parse::<f64>().map_or(true, |value| value.is_finite() && (value == 0.0 || value.abs() < 1e300));
    }
    // serde_json reads larger whole numbers as doubles, which would change their digits.
    number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok() || !well_formed(number)
}

fn has_small_exponent(number: &str) -> bool {
    let exponent = number.split_once(['e', 'E']).map_or("0", |(_, exponent)| exponent);
    exponent.trim_start_matches(['+', '-']).parse::<u32>().is_ok_and(|exponent| exponent <= EXPONENT_MAX)
}

fn well_formed(integer: &str) -> bool {
    let digits = integer.strip_prefix('-').unwrap_or(integer);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits.len() == 1 || !digits.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_is_not_copied() {
        for text in [r#"{"a":"b\n\\u0000","c":[1,-2.5,1e10]}"#, "", "{\"open", "\"\\", "\"\\u00"] {
            let mended = for_jsonb(text);
            assert!(mended.is_verbatim && matches!(mended.text, Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn only_what_does_not_fit_is_replaced() {
        let mended = for_jsonb(r#"["\u0000\ud800x\udc00",1e999,-99999999999999999999]"#);
        assert_eq!((&*mended.text, mended.is_verbatim), (r#"["\ufffd\ufffdx\ufffd","1e999","-99999999999999999999"]"#, false));
    }

    #[test]
    fn a_malformed_number_stays_malformed() {
        assert_eq!(for_jsonb("[00000000000000000000000000]").text, "[00000000000000000000000000]");
    }

    #[test]
    fn exponents_that_postgresql_refuses_are_not_left_to_it() {
        for (text, is_verbatim) in
            [("[1e-400]", true), ("[-2.5E+30]", true), ("[1e-401]", false), ("[1e-99999]", false), ("[0e99999999999]", false), ("[0.0E-20000]", false)]
        {
            let mended = for_jsonb(text);
            assert_eq!((&*mended.text, mended.is_verbatim), (text, is_verbatim), "{text}");
        }
    }
}
