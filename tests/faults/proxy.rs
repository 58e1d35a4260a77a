//! A TCP proxy of our own between hooklake and PostgreSQL, which can do what networks do.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;

/// A statement with a batch in it is longer than this; what keeps a connection going is shorter.
const STATEMENT_BYTES: usize = 600;

/// What the network does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    Fair,
    /// Each piece takes longer, both ways.
    Slow(Duration),
    /// Nothing goes through, and nobody is told: neither end sees the connection end.
    Blackhole,
    /// What the server says is lost, what it is told arrives: half open.
    Deaf,
    /// Every connection is reset, and new ones too.
    Reset,
    /// The first answer to a statement is held back and its connection reset: the outcome of a COMMIT is lost.
    CutAnswer,
}

/// Between a port of its own and a Unix socket.
pub struct Proxy {
    pub address: SocketAddr,
    weather: Arc<watch::Sender<Weather>>,
}

impl Proxy {
    pub async fn start(socket: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let weather = Arc::new(watch::Sender::new(Weather::Fair));
        let sender = Arc::clone(&weather);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, socket.clone(), Arc::clone(&sender)));
            }
        });
        Self { address, weather }
    }

    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    pub fn is(&self) -> Weather {
        *self.weather.borrow()
    }
}

async fn carry(client: TcpStream, socket: PathBuf, weather: Arc<watch::Sender<Weather>>) {
    if *weather.borrow() == Weather::Reset {
        return reset(client);
    }
    let Ok(server) = UnixStream::connect(socket).await else { return reset(client) };
    let (mut from_server, mut to_server) = server.into_split();
    let (mut client_bytes, mut server_bytes) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    let mut changes = weather.subscribe();
    let mut asked_much = false;
    let mut client = client;
    loop {
        let now = *changes.borrow_and_update();
        if now == Weather::Reset {
            return reset(client);
        }
        let (takes, gives) = (now != Weather::Blackhole, !matches!(now, Weather::Blackhole | Weather::Deaf));
        tokio::select! {
            outcome = changes.changed() => if outcome.is_err() {
                return;
            },
            read = client.read(&mut client_bytes), if takes => {
                let Ok(length @ 1..) = read else { return };
                asked_much |= length > STATEMENT_BYTES;
                pause(now).await;
                if to_server.write_all(&client_bytes[..length]).await.is_err() {
                    return;
                }
            }
            read = from_server.read(&mut server_bytes), if gives => {
                let Ok(length @ 1..) = read else { return };
                if asked_much && clears_up(&weather) {
                    return reset(client);
                }
                pause(now).await;
                if client.write_all(&server_bytes[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Takes the one cut that was asked for, if nobody has: the next try goes through, and other weather stays.
fn clears_up(weather: &watch::Sender<Weather>) -> bool {
    weather.send_if_modified(|now| {
        let is_cut = *now == Weather::CutAnswer;
        if is_cut {
            *now = Weather::Fair;
        }
        is_cut
    })
}

async fn pause(weather: Weather) {
    if let Weather::Slow(by) = weather {
        tokio::time::sleep(by).await;
    }
}

/// Closed with a RST rather than a FIN.
fn reset(client: TcpStream) {
    client.set_zero_linger().expect("an open socket");
    drop(client);
}
