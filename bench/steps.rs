//! How fast each step is alone, on one core: what the whole could reach if nothing else cost anything.

use std::hint::black_box;
use std::io::Write;
use std::time::{Duration, Instant};

use hooklake::log::chain;
use hooklake::sources::secret::hmac_sha256;

const FOR: Duration = Duration::from_secs(1);

/// Prints bytes a second of HMAC and SHA-256 and durable writes a second.
pub fn print(bodies: &[String]) -> anyhow::Result<()> {
    let mean = bodies.iter().map(String::len).sum::<usize>() as f64 / bodies.len() as f64;
    let hmac = per_second(bodies, |body| hmac_sha256(b"secret", &[body]));
    let hash = per_second(bodies, |body| chain::body_hash(&[7; 16], body));
    println!("{:<42} {:>10.0} bodies/s, {:>6.0} MB/s", "HMAC-SHA256 of the body, one core", hmac, hmac * mean / 1e6);
    println!("{:<42} {:>10.0} bodies/s, {:>6.0} MB/s", "SHA-256 of the body, one core", hash, hash * mean / 1e6);
    println!("{:<42} {:>10.0} a second\n", "8 KB written and made durable", syncs()?);
    Ok(())
}

fn per_second(bodies: &[String], step: impl Fn(&[u8]) -> chain::Hash) -> f64 {
    let started = Instant::now();
    let mut count = 0_u32;
    for body in bodies.iter().cycle() {
        black_box(step(body.as_bytes()));
        count += 1;
        if started.elapsed() >= FOR {
            break;
        }
    }
    f64::from(count) / started.elapsed().as_secs_f64()
}

/// `fdatasync` of one page at a time, where the database's files would be.
fn syncs() -> anyhow::Result<f64> {
    let mut file = tempfile::tempfile()?;
    file.write_all(&[0; 8192])?;
    let started = Instant::now();
    let mut count = 0_u32;
    while started.elapsed() < FOR {
        std::os::unix::fs::FileExt::write_all_at(&file, &[1; 8192], 0)?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / started.elapsed().as_secs_f64())
}
