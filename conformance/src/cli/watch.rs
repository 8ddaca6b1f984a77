//! Waits until files change.

use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::Duration;

use notify::{Event, EventKind, RecursiveMode, Watcher};

use super::output::Failure;

/// Time without a change after which an editor or compiler is taken to be done.
const QUIET: Duration = Duration::from_millis(300);

/// Waits until one of some files, or something in one of some folders, has changed.
///
/// # Errors
///
/// The system cannot watch them.
pub fn wait_for_change(paths: &[PathBuf]) -> Result<(), Failure> {
    let failure = |error: notify::Error| Failure::Environment(format!("--watch: {error}"));
    let (changed, changes) = channel();
    let watched: Vec<PathBuf> =
        paths.iter().map(|path| path.canonicalize().unwrap_or_else(|_| path.clone())).collect();
    let inside = watched.clone();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        let Ok(event) = event else { return };
        let touches = |path: &PathBuf| inside.iter().any(|watched| path.starts_with(watched));
        if !matches!(event.kind, EventKind::Access(_)) && event.paths.iter().any(touches) {
            // Nobody listens any more when the wait is over.
            let _ = changed.send(());
        }
    })
    .map_err(failure)?;
    for path in &watched {
        // Many programs replace a file instead of writing to it, which only its folder shows.
        let (target, mode) = if path.is_dir() {
            (path.as_path(), RecursiveMode::Recursive)
        } else {
            (path.parent().unwrap_or(Path::new(".")), RecursiveMode::NonRecursive)
        };
        watcher.watch(target, mode).map_err(failure)?;
    }
    if changes.recv().is_err() {
        return Err(Failure::Environment("--watch: the system stopped watching".to_owned()));
    }
    while changes.recv_timeout(QUIET).is_ok() {}
    Ok(())
}
