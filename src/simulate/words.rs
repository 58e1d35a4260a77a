//! What people write: titles, comments, messages, and what only looks like an identifier.

use super::chance::Chance;

const VERBS: [&str; 16] = [
    "Retry",
    "Cache",
    "Explain",
    "Simplify",
    "Validate",
    "Stop losing",
    "Speed up",
    "Show",
    "Migrate",
    "Rename",
    "Test",
    "Log",
    "Hide",
    "Translate",
    "Batch",
    "Document",
];
const THINGS: [&str; 32] = [
    "failed exports",
    "invoice totals",
    "the sign-in page",
    "webhook deliveries",
    "search results",
    "avatar uploads",
    "the billing job",
    "empty carts",
    "tax rates",
    "currency rounding",
    "the weekly digest",
    "push notifications",
    "team invitations",
    "the audit trail",
    "session cookies",
    "CSV imports",
    "date pickers",
    "refund e-mails",
    "the map view",
    "stock levels",
    "address forms",
    "feature flags",
    "the on-call roster",
    "long names",
    "dark mode colours",
    "keyboard shortcuts",
    "the rate limiter",
    "price alerts",
    "the API client",
    "old thumbnails",
    "shipping labels",
    "the health check",
];
const PLACES: [&str; 16] = [
    "on slow networks",
    "for new customers",
    "in the mobile app",
    "after midnight",
    "when the disk is full",
    "behind a proxy",
    "for 日本語 names",
    "on the settings page",
    "during a deploy",
    "with two tabs open",
    "for guests",
    "on the first of the month",
    "in the EU region",
    "at sign-up",
    "before they expire",
    "without JavaScript",
];

/// A title as people give one.
pub fn title(chance: &mut Chance) -> String {
    format!("{} {} {}", chance.pick(&VERBS), chance.pick(&THINGS), chance.pick(&PLACES))
}

/// A title as it stands in the name of a branch.
pub fn slug(title: &str) -> String {
    let mut slug = String::with_capacity(40);
    for character in title.chars().filter(|character| character.is_ascii_alphanumeric() || *character == ' ') {
        if slug.len() >= 36 {
            break;
        }
        slug.push(if character == ' ' { '-' } else { character.to_ascii_lowercase() });
    }
    slug.trim_matches('-').to_owned()
}

/// Words that look like an issue's identifier, and a sentence that people write around them.
pub const LOOKALIKES: [(&str, &str); 14] = [
    ("UTF-8", "Everything is read as UTF-8 now."),
    ("SHA-256", "The digest is SHA-256, as before."),
    ("ISO-8601", "Dates are written as ISO-8601 says."),
    ("HTTP-404", "It answered HTTP-404 for a while."),
    ("COVID-19", "This was left over from COVID-19 times."),
    ("RFC-2119", "MUST is meant as in RFC-2119."),
    ("AES-128", "The cookie is sealed with AES-128."),
    ("X-15", "The staging machine is called X-15."),
    ("GPT-4", "The draft was written with GPT-4 and corrected."),
    ("VENDOR-77", "The supplier tracks it as VENDOR-77."),
    ("ACME-1024", "A customer calls this ACME-1024."),
    ("#12", "Same trouble as number #12 in the other repository."),
    ("PO-2026", "It goes with order PO-2026."),
    ("IEEE-754", "Blame IEEE-754, not us."),
];

/// Names of branches that say nothing about an issue, one of them of something that looks like one.
pub const PLAIN_BRANCHES: [&str; 4] = ["fix-flaky-things", "utf-8-everywhere", "cleanup", "try-this"];

pub const REVIEW_COMMENTS: [&str; 8] = [
    "Could this be a constant with a name?",
    "What happens when the list is empty?",
    "Nice. I did not know that this works.",
    "This swallows the error; the caller cannot tell.",
    "A test for the second branch, please.",
    "I would turn the condition around: the short case first.",
    "これは分かりやすいですね。",
    "Does this hold the lock while it waits?",
];

pub const APPROVALS: [&str; 5] = ["Looks good.", "Tried it on my machine, works.", "Thank you! 🎉", "Merge when green.", ""];

pub const OBJECTIONS: [&str; 4] = [
    "Two things before this can go in, see the comments.",
    "It breaks for people without an address.",
    "The migration cannot be rolled back like this.",
    "Please split the rename from the change.",
];

/// What an app says of a pull request, with notes to itself that nobody sees.
pub const APP_SUMMARY: &str = "<!-- This comment is written by an app: second-look, run SL-2043 -->\n## Summary\n\nThe change is **small** and touches two files. \
     It has a test.\n\n<details>\n<summary>What was looked at</summary>\n\n- names\n- errors that are swallowed\n</details>";

pub const CHATTER: [&str; 12] = [
    "Good morning ☀️",
    "Lunch at half past twelve?",
    "The coffee machine works again.",
    "I am out on Friday.",
    "Does anybody know who owns the old cron job?",
    "ありがとうございます!",
    "The demo went well, they liked the new search.",
    "Reminder: time sheets.",
    "We are #1 in the ranking of office plants.",
    "Who broke the printer?",
    "Standup in five minutes.",
    "Schönes Wochenende zusammen!",
];

pub const REPLIES: [&str; 8] =
    ["On it.", "Will look after lunch.", "👍", "Nice, thank you!", "Is that the one from last week?", "Give me ten minutes.", "Done.", "見ます。"];

pub const REACTIONS: [&str; 8] = ["eyes", "+1", "tada", "white_check_mark", "rocket", "pray", "heart", "thinking_face"];

pub const LINEAR_COMMENTS: [&str; 6] = [
    "I can reproduce this on staging.",
    "Two customers asked for it this week.",
    "Let us keep the old behaviour behind a flag.",
    "Started; the hard part is the migration.",
    "最初に仕様を確認したいです。",
    "Smaller than I thought.",
];

pub const COMMITS: [&str; 10] = [
    "Add a failing test",
    "Make it pass",
    "Name the limit",
    "Address review comments",
    "Handle the empty list",
    "Say why in a comment",
    "Remove what is no longer used",
    "Fix the build",
    "Wording",
    "Cover the second branch",
];

pub const FILES: [&str; 10] = [
    "src/export.rs",
    "src/billing/invoice.rs",
    "web/pages/settings.tsx",
    "web/components/Map.tsx",
    "docs/setup.md",
    "migrations/0042_prices.sql",
    "src/search/index.rs",
    "tests/cart.rs",
    "Cargo.lock",
    "web/i18n/ja.json",
];

/// A few sentences, as in the description of an issue or a pull request.
pub fn paragraph(chance: &mut Chance) -> String {
    const SENTENCES: [&str; 8] = [
        "People see a blank page and reload until it works.",
        "The old way read everything into memory first.",
        "Nothing changes for those who do not use it.",
        "I measured it on staging: half the time, a third of the memory.",
        "**How to try it**: sign in as a guest, add two things, go back.",
        "- the list keeps its order\n- the total is rounded once\n- the e-mail says what was refunded",
        "お客様から三回目の問い合わせです。",
        "We agreed on this in the planning meeting.",
    ];
    let count = chance.between(1, 4);
    (0..count).map(|_| *chance.pick(&SENTENCES)).collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_fit_for_a_branch() {
        assert_eq!(slug("Retry failed exports for 日本語 names"), "retry-failed-exports-for--names");
        let mut chance = Chance::new(3, 3);
        for _ in 0..200 {
            let slug = slug(&title(&mut chance));
            assert!(!slug.is_empty() && slug.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{slug}");
            assert!(!slug.ends_with('-') && !slug.starts_with('-'), "{slug}");
        }
    }
}
