//! What breaks, and what still holds afterwards: one file a kind of fault (docs/reliability.md has the table).

mod fence;
