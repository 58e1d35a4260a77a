//! `hooklake serve`.

use tokio::signal::unix::{SignalKind, signal};

use super::Exit;
use crate::app::{App, Base};
use crate::config::Config;
use crate::domain::Clock;

/// Serves until Ctrl-C or SIGTERM.
pub(super) async fn run(config: Config) -> anyhow::Result<Exit> {
    let base = Base::open(config).await?;
    let app = App::start(base, Clock::system()).await?;
    tracing::info!(address = %app.address, "listening on http://{}", app.address);
    if let Some(token) = &app.new_token {
        eprintln!("Admin token, shown this once: {}\nSign in at http://{}/login, or send it as `Authorization: Bearer …`.", token.reveal(), app.address);
    }
    until_stopped(app).await
}

/// Waits for Ctrl-C or SIGTERM, then stops in order; after SIGTERM not before balancers had time to notice.
pub(super) async fn until_stopped(app: App) -> anyhow::Result<Exit> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {
            tracing::info!("leaving: /health/ready says so, and requests are answered for {} ms more", app.base.config.server.drain_ms);
            tokio::select! {
                () = app.drain() => {}
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
    }
    tracing::info!("stopping");
    let running = app.stop().await?;
    if running.is_empty() {
        tracing::info!("stopped");
        return Ok(Exit::Done);
    }
    tracing::error!(?running, "stopped, while these were still running: {}", running.join(", "));
    Ok(Exit::Failed)
}
