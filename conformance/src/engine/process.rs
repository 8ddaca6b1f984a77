//! A child process that answers line by line: pipes, time, memory, and an end that leaves nothing behind.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::iter;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use process_wrap::std::ChildWrapper;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

use super::{MishapKind, system};

/// What a process may take.
#[derive(Clone, Copy, Debug)]
pub struct ProcessLimits {
    /// Time for one answer, all its lines together.
    pub time: Duration,
    /// Bytes of resident memory, that of descendants included.
    pub memory: u64,
    /// Bytes of a line.
    pub line: usize,
    /// Bytes on standard error while one answer is waited for.
    pub log: u64,
}

impl Default for ProcessLimits {
    fn default() -> Self {
        Self { time: Duration::from_secs(10), memory: 2 << 30, line: 16 << 20, log: 16 << 20 }
    }
}

/// A running process.
#[derive(Debug)]
pub struct Process {
    child: Box<dyn ChildWrapper>,
    /// The value of [`TAG`] in its environment and that of its descendants.
    tag: String,
    limits: ProcessLimits,
    /// Lines for its standard input; `None` when that was closed.
    input: Option<Sender<Vec<u8>>>,
    output: Receiver<Output>,
    /// Whole lines that were received and not asked for yet.
    lines: VecDeque<Vec<u8>>,
    log: Arc<Log>,
    /// Bytes of the log when the current answer began to be waited for.
    log_before: u64,
    /// When the current answer must be there.
    deadline: Instant,
    /// When memory and log were looked at, and when they will be again.
    looked: Instant,
    next_look: Instant,
}

/// The environment variable by which descendants are found that left the process group.
const TAG: &str = "BYTESTONE_ENGINE";
/// Time for a process to end after its output did.
const GRACE: Duration = Duration::from_millis(500);
/// How often memory and log are looked at while an answer is waited for.
const LOOK: Duration = Duration::from_millis(20);
/// How often they are looked at while answers come quickly.
const SELDOM: Duration = Duration::from_secs(1);
/// Descendants of descendants that are looked for.
const GENERATIONS: usize = 64;
/// How often processes are looked for that were left behind, at most.
const SWEEPS: u32 = 25;
/// Chunks of output that wait to be read; a process that writes more has to wait.
const CHUNKS: usize = 64;
/// Bytes of the log that are kept.
const LOG_KEPT: usize = 4096;

/// What the reader of standard output found.
enum Output {
    Lines(Vec<Vec<u8>>),
    TooLong,
    /// The end came in the middle of a line.
    Cut(Vec<u8>),
}

/// Output of a process, or that no more of it comes and what was begun of a line.
enum Received {
    Lines(Vec<Vec<u8>>),
    End(Vec<u8>),
}

/// The end of what a process wrote to its standard error.
#[derive(Debug, Default)]
struct Log {
    bytes: AtomicU64,
    /// Whether nothing more will come.
    ended: AtomicBool,
    tail: Mutex<VecDeque<u8>>,
}

impl Process {
    /// Starts a process.
    pub fn start(mut command: Command, limits: ProcessLimits) -> std::io::Result<Self> {
        static STARTED: AtomicU64 = AtomicU64::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let tag = format!("{}.{number}", std::process::id());
        command.env(TAG, &tag);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = system::spawn(command)?;
        let log = Arc::new(Log::default());
        let (input, to_write) = channel();
        let (found, output) = sync_channel(CHUNKS);
        if let Some(stdin) = child.stdin().take() {
            thread::spawn(move || write_input(stdin, &to_write));
        }
        if let Some(stdout) = child.stdout().take() {
            thread::spawn(move || read_lines(stdout, limits.line, &found));
        }
        if let Some(stderr) = child.stderr().take() {
            let log = Arc::clone(&log);
            thread::spawn(move || log.fill(stderr));
        }
        let lines = VecDeque::new();
        let now = Instant::now();
        Ok(Self {
            child,
            tag,
            limits,
            input: Some(input),
            output,
            lines,
            log,
            log_before: 0,
            deadline: now + limits.time,
            looked: now,
            next_look: now + LOOK,
        })
    }

    /// Hands bytes to the process; they are written while it reads.
    pub fn write(&self, bytes: Vec<u8>) {
        if let Some(input) = &self.input {
            // The writer ends when the process does, which the next read reports.
            let _ = input.send(bytes);
        }
    }

    /// Begins to wait for one answer: its time and what it may write to standard error count from here.
    pub fn begin(&mut self) {
        let now = Instant::now();
        self.deadline = now + self.limits.time;
        self.log_before = self.log.bytes.load(Ordering::Relaxed);
        // Quick answers are not worth a look each, but many of them must not hide what grows.
        self.next_look = (now + LOOK).min(self.looked + SELDOM);
    }

    /// The next line of the answer, without its line feed.
    ///
    /// # Errors
    ///
    /// What happened instead. The process is of no use any more and must be killed.
    pub fn line(&mut self) -> Result<Vec<u8>, MishapKind> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Ok(line);
            }
            match self.receive()? {
                Received::Lines(lines) => self.lines.extend(lines),
                Received::End(cut) => return Err(self.ended(&cut)),
            }
        }
    }

    /// Everything that it writes until it ends, without input, and its exit code.
    ///
    /// # Errors
    ///
    /// It did not end by itself.
    pub fn to_end(&mut self) -> Result<(Vec<u8>, Option<i32>), MishapKind> {
        self.input = None;
        self.begin();
        let mut output = Vec::new();
        loop {
            match self.receive()? {
                Received::Lines(lines) => {
                    for line in lines {
                        output.extend_from_slice(&line);
                        output.push(b'\n');
                    }
                }
                Received::End(cut) => {
                    output.extend_from_slice(&cut);
                    break;
                }
            }
            if output.len() > self.limits.line {
                return Err(self.too_long());
            }
        }
        match self.ended(b"") {
            MishapKind::Exited(code) => {
                self.log.wait();
                Ok((output, code))
            }
            mishap => Err(mishap),
        }
    }

    /// Waits for output, within the limits of the answer.
    fn receive(&mut self) -> Result<Received, MishapKind> {
        // When the process ended while a descendant holds its output open.
        let mut gone: Option<Instant> = None;
        loop {
            let now = Instant::now();
            if now >= self.next_look {
                self.looked = now;
                self.next_look = now + LOOK;
                self.look()?;
            }
            let left = self.deadline.saturating_duration_since(now);
            match self.output.recv_timeout(left.min(LOOK)) {
                Ok(Output::Lines(lines)) => return Ok(Received::Lines(lines)),
                Ok(Output::Cut(text)) => return Ok(Received::End(text)),
                Ok(Output::TooLong) => return Err(self.too_long()),
                Err(RecvTimeoutError::Disconnected) => return Ok(Received::End(Vec::new())),
                // What was written at last is read for a while, and no more is to come.
                Err(RecvTimeoutError::Timeout) if gone.is_some_and(|at| at.elapsed() > GRACE) => {
                    return Ok(Received::End(Vec::new()));
                }
                Err(RecvTimeoutError::Timeout) => {
                    if gone.is_none() && matches!(self.child.try_wait(), Ok(Some(_))) {
                        gone = Some(now);
                        self.deadline = self.deadline.max(now + 2 * GRACE);
                    } else if left.is_zero() {
                        return Err(MishapKind::TimedOut(self.limits.time));
                    }
                }
            }
        }
    }

    fn too_long(&self) -> MishapKind {
        MishapKind::Flooded(format!("a line of more than {} MiB", self.limits.line >> 20))
    }

    /// Holds memory and log to their limits.
    fn look(&self) -> Result<(), MishapKind> {
        let written = self.log.bytes.load(Ordering::Relaxed) - self.log_before;
        if written > self.limits.log {
            let limit = self.limits.log >> 20;
            let what = format!("more than {limit} MiB on standard error for one request");
            return Err(MishapKind::Flooded(what));
        }
        let bytes = memory_of(Pid::from_u32(self.child.id()));
        if bytes > self.limits.memory { Err(MishapKind::Memory(bytes)) } else { Ok(()) }
    }

    /// The output has ended: why?
    fn ended(&mut self, cut: &[u8]) -> MishapKind {
        let Some(status) = self.wait(GRACE) else {
            return MishapKind::Protocol("it closed its standard output and ran on".to_owned());
        };
        if let Some(signal) = system::signal(status) {
            return MishapKind::Crashed(signal);
        }
        if cut.is_empty() {
            return MishapKind::Exited(status.code());
        }
        let text = super::message::excerpt(&String::from_utf8_lossy(cut));
        MishapKind::Protocol(format!("it exited in the middle of a line: {text}"))
    }

    fn wait(&mut self, time: Duration) -> Option<std::process::ExitStatus> {
        let deadline = Instant::now() + time;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(1)),
                Ok(None) | Err(_) => return None,
            }
        }
    }

    /// The end of what it wrote to its standard error.
    pub fn log_text(&self) -> String {
        let tail = match self.log.tail.lock() {
            Ok(tail) => tail,
            Err(poisoned) => poisoned.into_inner(),
        };
        String::from_utf8_lossy(&tail.iter().copied().collect::<Vec<_>>()).into_owned()
    }

    /// Closes its input and waits for its end. Returns whether it ended by itself with code 0.
    pub fn finish(mut self, goodbye: &str) -> bool {
        self.write(goodbye.as_bytes().to_vec());
        self.input = None;
        self.wait(GRACE).is_some_and(|status| status.success())
    }
}

impl Drop for Process {
    /// Kills the whole group, and whatever left it.
    fn drop(&mut self) {
        // The group may be gone already.
        let _ = self.child.start_kill();
        let _ = self.wait(GRACE);
        sweep(&self.tag);
    }
}

/// The resident memory of a process and its descendants.
fn memory_of(root: Pid) -> u64 {
    let mut system = System::new();
    let memory = ProcessRefreshKind::nothing().with_memory();
    system.refresh_processes_specifics(ProcessesToUpdate::All, false, memory);
    let parent = |pid: &Pid| system.process(*pid)?.parent();
    // A parent's number may have been given anew, so a way up need not end.
    let is_inside =
        |pid: Pid| iter::successors(Some(pid), parent).take(GENERATIONS).any(|pid| pid == root);
    let inside = system.processes().iter().filter(|(pid, _)| is_inside(**pid));
    inside.map(|(_, process)| process.memory()).sum()
}

/// Kills every process that carries a tag, and those that they start meanwhile.
fn sweep(tag: &str) {
    let mut system = System::new();
    let environment = ProcessRefreshKind::nothing().with_environ(UpdateKind::Always);
    let marked = format!("{TAG}={tag}");
    for _ in 0..SWEEPS {
        system.refresh_processes_specifics(ProcessesToUpdate::All, true, environment);
        let left = system
            .processes()
            .values()
            .filter(|process| process.environ().iter().any(|variable| *variable == *marked));
        // One that cannot be killed is not waited for.
        let killed = left.filter(|process| process.kill()).count();
        if killed == 0 {
            return;
        }
        thread::sleep(LOOK);
    }
}

fn write_input(mut stdin: impl Write, to_write: &Receiver<Vec<u8>>) {
    while let Ok(bytes) = to_write.recv() {
        if stdin.write_all(&bytes).and_then(|()| stdin.flush()).is_err() {
            return;
        }
    }
}

/// Splits output into lines and sends those of a chunk together.
fn read_lines(stdout: impl Read, limit: usize, found: &SyncSender<Output>) {
    let mut reader = BufReader::with_capacity(64 << 10, stdout);
    let mut begun: Vec<u8> = Vec::new();
    loop {
        let chunk = match reader.fill_buf() {
            Ok(chunk) if !chunk.is_empty() => chunk,
            _ => break,
        };
        let len = chunk.len();
        let mut lines = Vec::new();
        let mut rest = chunk;
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            begun.extend_from_slice(&rest[..end]);
            lines.push(std::mem::take(&mut begun));
            rest = &rest[end + 1..];
        }
        begun.extend_from_slice(rest);
        reader.consume(len);
        if !lines.is_empty() && found.send(Output::Lines(lines)).is_err() {
            return;
        }
        if begun.len() > limit {
            let _ = found.send(Output::TooLong);
            return;
        }
    }
    if !begun.is_empty() {
        let _ = found.send(Output::Cut(begun));
    }
}

impl Log {
    fn fill(&self, mut stderr: impl Read) {
        let mut chunk = [0; 4096];
        while let Ok(len @ 1..) = stderr.read(&mut chunk) {
            self.bytes.fetch_add(len as u64, Ordering::Relaxed);
            let Ok(mut tail) = self.tail.lock() else { return };
            tail.extend(&chunk[..len]);
            let excess = tail.len().saturating_sub(LOG_KEPT);
            tail.drain(..excess);
        }
        self.ended.store(true, Ordering::Release);
    }

    /// Waits until all is read that a process wrote before it ended.
    fn wait(&self) {
        let deadline = Instant::now() + GRACE;
        while !self.ended.load(Ordering::Acquire) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_an_answer_is_that_of_all_its_lines() {
        let mut command = Command::new("sh");
        command.args(["-c", "while true; do echo row; sleep 0.02; done"]);
        let time = Duration::from_millis(300);
        let limits = ProcessLimits { time, ..ProcessLimits::default() };
        let mut process = Process::start(command, limits).expect("there is a shell");
        process.begin();
        let mut lines = 0;
        let end = loop {
            match process.line() {
                Ok(_) if lines < 1000 => lines += 1,
                Ok(_) => panic!("it goes on without end"),
                Err(mishap) => break mishap,
            }
        };
        assert!(lines > 0);
        assert_eq!(end, MishapKind::TimedOut(time));
    }
}
