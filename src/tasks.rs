//! The one door for spawning: named tasks that are waited for when the server stops, and a [`Stop`] that tells them.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Spawns tasks and waits for them. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    running: Arc<Mutex<Vec<&'static str>>>,
    stop: Stop,
}

/// Told once that it is time to stop. Cheap to clone; a child is told with its parent.
#[derive(Debug, Clone, Default)]
pub struct Stop(CancellationToken);

/// How a sleep ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woke {
    /// The time was up.
    Rested,
    /// It is time to stop.
    Stopped,
}

impl Woke {
    /// True when it is time to stop.
    #[must_use]
    pub fn is_stopped(self) -> bool {
        self == Self::Stopped
    }
}

impl Stop {
    /// One that is told with this one, or earlier.
    #[must_use]
    pub fn child(&self) -> Self {
        Self(self.0.child_token())
    }

    /// Tells everyone.
    pub fn tell(&self) {
        self.0.cancel();
    }

    /// True once it is time to stop.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until it is time to stop.
    pub async fn told(&self) {
        self.0.cancelled().await;
    }

    /// Sleeps, but no longer than until it is time to stop.
    pub async fn sleep(&self, duration: Duration) -> Woke {
        tokio::select! {
            () = self.told() => Woke::Stopped,
            () = tokio::time::sleep(duration) => Woke::Rested,
        }
    }

    /// Runs a future until it ends or it is time to stop; none in the latter case.
    pub async fn or<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            () = self.told() => None,
            value = future => Some(value),
        }
    }
}

impl Tasks {
    /// What the tasks are told by.
    #[must_use]
    pub const fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Spawns a task that ends by itself; it is waited for when the server stops.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        self.with_running(|running| running.push(name));
        let tasks = self.clone();
        // A future that is awaited within another has room in it twice.
        let task = Box::pin(task);
        self.tracker.spawn(async move {
            // Removed when dropped too, so that a task that panicked does not count as running.
            let _gone = Gone(tasks, name);
            task.await;
        })
    }

    /// Spawns a task that may be dropped at any await when it is time to stop.
    pub fn spawn_until_stopped(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        drop(self.spawn(name, async move {
            stop.or(task).await;
        }));
    }

    /// Waits until every task has ended, or the time is up; returns the names of those that still run.
    pub async fn finish(&self, within: Duration) -> Vec<&'static str> {
        self.tracker.close();
        if tokio::time::timeout(within, self.tracker.wait()).await.is_ok() {
            return Vec::new();
        }
        self.with_running(|running| running.clone())
    }

    fn with_running<T>(&self, change: impl FnOnce(&mut Vec<&'static str>) -> T) -> T {
        change(&mut self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

struct Gone(Tasks, &'static str);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.with_running(|running| {
            if let Some(index) = running.iter().position(|name| *name == self.1) {
                running.swap_remove(index);
            }
        });
    }
}
