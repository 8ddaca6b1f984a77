//! Runs that cannot be stopped: an engine without a limit of steps, and a program without an end.

use std::cell::Cell;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::protocol::Answer;

/// How long a run may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Runs programs in threads, and gives them up after a while.
#[derive(Debug, Default)]
pub struct Watchdog {
    given_up: Cell<bool>,
}

impl Watchdog {
    /// What comes of a run, or `unsupported` with the reason when it does not end.
    pub fn run(&self, why: &str, run: impl FnOnce() -> Answer + Send + 'static) -> Answer {
        let (sender, receiver) = mpsc::channel();
        // Nobody listens to a run that was given up.
        let worker = thread::spawn(move || drop(sender.send(run())));
        match receiver.recv_timeout(PATIENCE) {
            Ok(answer) => answer,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                self.given_up.set(true);
                Answer::Unsupported(format!("still running after {PATIENCE:?}: {why}"))
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => match worker.join() {
                // An engine that panics is an engine that crashes.
                Err(panic) => std::panic::resume_unwind(panic),
                Ok(()) => Answer::Unsupported("no answer".to_owned()),
            },
        }
    }

    /// Gets rid of a run that was given up: the process begins anew, with the same requests before it.
    pub fn renew(&self) {
        if self.given_up.get() {
            let mut again = Command::new("/proc/self/exe");
            let error = again.args(std::env::args_os().skip(1)).exec();
            eprintln!("error: cannot begin anew: {error}");
            std::process::exit(1);
        }
    }
}
