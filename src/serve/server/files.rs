//! Each connection is an open file, of which a process may have so many (getrlimit(2), `RLIMIT_NOFILE`).

use std::os::fd::AsFd;

use rustix::io::fcntl_dupfd_cloexec;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are open beside connections: to the database, of the lake and of the index.
const BESIDE: u64 = 1024;

/// Raises the limit of this process as far as that many connections need and the system lets it; returns for how many of them
/// there is room then.
pub(super) fn room_for(connections: usize) -> usize {
    let needed = connections as u64 + BESIDE;
    let limit = getrlimit(Resource::Nofile);
    let may_have = limit.maximum.map_or(needed, |maximum| maximum.min(needed));
    let has = limit.current.unwrap_or(u64::MAX);
    if has < may_have
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(may_have), maximum: limit.maximum })
    {
        tracing::warn!(error = &error as &dyn std::error::Error, "the limit of open files could not be raised from {has} to {may_have}");
    }
    let has = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let room = within(has, connections);
    if room < connections {
        tracing::warn!("of {connections} connections (server.connections_max) there is room for {room}: this process may have {has} files open (`ulimit -n`)");
    }
    room
}

/// Has the kernel keep a place for each of so many connections: it doubles the table of a process's files when that is full,
/// and in a burst every new connection would wait for that, again and again.
pub(super) fn keep_places(listener: impl AsFd, connections: usize) {
    let last = i32::try_from(connections).unwrap_or(i32::MAX);
    // A copy with that number, closed at once. Where it cannot be had, connections wait as said.
    drop(fcntl_dupfd_cloexec(listener, last));
}

/// How many of these connections fit among so many files; where there are few, half of them.
fn within(files: u64, connections: usize) -> usize {
    let room = files.saturating_sub(BESIDE).max(files / 2);
    usize::try_from(room).map_or(connections, |room| room.min(connections))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_beside_connections_have_room() {
        assert_eq!(within(u64::MAX, 16_384), 16_384);
        assert_eq!(within(20_000, 16_384), 16_384);
        assert_eq!(within(4096, 16_384), 3072);
        assert_eq!(within(1024, 16_384), 512);
    }

    /// One test: the limit is the whole process's.
    #[test]
    fn the_limit_is_raised_for_those_who_need_more_and_the_kernel_keeps_a_place_for_each() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let limit = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: Some(2000), maximum: limit.maximum }).expect("lowered");
        assert_eq!(room_for(1500), 1500);
        assert_eq!(getrlimit(Resource::Nofile).current, Some(1500 + BESIDE));
        keep_places(&listener, 1500);
        let status = std::fs::read_to_string("/proc/self/status").expect("a status");
        let places = status.lines().find_map(|line| line.strip_prefix("FDSize:")?.trim().parse::<usize>().ok()).expect("its places");
        assert!(places > 1500, "{places}");
        setrlimit(Resource::Nofile, limit).expect("as it was");
    }
}
