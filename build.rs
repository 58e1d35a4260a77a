//! Migrations are compiled in by a macro that cargo cannot see through: a changed file must make it run again.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
