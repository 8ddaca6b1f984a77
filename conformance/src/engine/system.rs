//! The one place that differs by operating system: how a process is started with all its
//! descendants in one group, and how it ended.

use std::process::{Command, ExitStatus};

use process_wrap::std::{ChildWrapper, CommandWrap};

/// Starts a command whose descendants can be killed with it.
pub fn spawn(command: Command) -> std::io::Result<Box<dyn ChildWrapper>> {
    let mut command = CommandWrap::from(command);
    #[cfg(unix)]
    command.wrap(process_wrap::std::ProcessGroup::leader());
    #[cfg(windows)]
    command.wrap(process_wrap::std::JobObject);
    command.spawn()
}

/// The signal that ended a process, in words, if it was one.
#[cfg(unix)]
pub fn signal(status: ExitStatus) -> Option<String> {
    use std::os::unix::process::ExitStatusExt;
    let number = status.signal()?;
    let name = match number {
        4 => " (illegal instruction)",
        6 => " (abort)",
        8 => " (arithmetic error)",
        9 => " (killed)",
        11 => " (segmentation fault)",
        15 => " (terminated)",
        _ => "",
    };
    Some(format!("signal {number}{name}"))
}

/// The exception that ended a process, in words, if it was one.
#[cfg(not(unix))]
pub fn signal(status: ExitStatus) -> Option<String> {
    // Exceptions of Windows end a process with a code that has the two highest bits set.
    let code = status.code()? as u32;
    (code >= 0xC000_0000).then(|| format!("exception {code:08X}"))
}
