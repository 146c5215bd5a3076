//! Runs one foreign program and says what it cost: words in, CPU seconds and peak memory out.
//!
//! CPU seconds are user plus system time of the program and the children it waited for, so they do
//! not depend on what else the machine does. Each program has a process group of its own: Ctrl-C at
//! the terminal does not look like its failure, and its children end with it.
//!
//! Peak memory is Linux' `VmHWM`, looked up while the program runs. What `wait4` reports will not do: it
//! counts the memory that the caller had at the moment of the fork.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use wait4::Wait4;

/// What a piece of work cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Seconds of processor time, user and system together.
    pub cpu_s: f64,
    /// Seconds on the clock.
    pub wall_s: f64,
    /// Largest resident set of the program itself (not of its children), where it can be known.
    pub peak_bytes: Option<u64>,
}

/// How a program failed, in one line.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The program is not installed.
    #[error("{0} is not installed")]
    Missing(String),
    /// The system could not run the program.
    #[error("{program}: {source}")]
    System {
        /// The program.
        program: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The program ended with an error.
    #[error("{program}: {status}{message}")]
    Failed {
        /// The program.
        program: String,
        /// Exit status or signal.
        status: String,
        /// The end of what it wrote to stderr, or nothing.
        message: String,
    },
    /// The program took too long and was ended.
    #[error("{program}: no end after {seconds} s")]
    TimedOut {
        /// The program.
        program: String,
        /// The time it was given, seconds.
        seconds: u64,
    },
}

/// Process ids of the programs that run now.
static RUNNING: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

fn running() -> MutexGuard<'static, BTreeSet<i32>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends every program that [`run`] waits for, for a process that is about to end itself.
pub fn kill_running() {
    running().iter().for_each(|&pid| kill(pid));
}

/// Ends a program and its children.
#[cfg(unix)]
fn kill(pid: i32) {
    use rustix::process::{Pid, Signal, kill_process_group};
    if let Some(pid) = Pid::from_raw(pid) {
        // It may have ended this instant; then there is nothing to end.
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

/// Process groups are a thing of Unix: elsewhere a program that hangs is waited for.
#[cfg(not(unix))]
fn kill(_: i32) {}

#[cfg(unix)]
fn in_its_own_group(command: &mut Command) -> &mut Command {
    std::os::unix::process::CommandExt::process_group(command, 0)
}

#[cfg(not(unix))]
fn in_its_own_group(command: &mut Command) -> &mut Command {
    command
}

/// Runs `words` (program first) in `directory` with no input, for at most `limit`.
///
/// # Errors
/// [`ProcessError`] if it cannot start, does not end in time or ends with an error.
pub fn run(words: &[String], directory: &Path, limit: Duration) -> Result<Cost, ProcessError> {
    let program = words.first().cloned().unwrap_or_default();
    // `./encoder` means the one in the caller's folder, not in `directory`.
    let is_path = Path::new(&program).components().count() > 1;
    let found = if is_path { std::path::absolute(&program).ok() } else { None };
    let system = |source| ProcessError::System { program: program.clone(), source };
    let mut errors = tempfile::tempfile().map_err(system)?;
    let started = Instant::now();
    let mut child = in_its_own_group(&mut Command::new(found.as_deref().unwrap_or(Path::new(&program))))
        .args(words.get(1..).unwrap_or_default())
        .current_dir(directory)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors.try_clone().map_err(system)?)
        .spawn()
        .map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => ProcessError::Missing(program.clone()),
            _ => system(source),
        })?;
    let (done, wait) = mpsc::channel::<()>();
    let pid = child.id() as i32;
    running().insert(pid);
    let watchdog = std::thread::spawn(move || watch(pid, limit, &wait));
    let ended = child.wait4();
    running().remove(&pid);
    // The watchdog has gone already if the time was up.
    let _ = done.send(());
    let (late, peak_bytes) = watchdog.join().unwrap_or_default();
    let ended = ended.map_err(system)?;
    if late {
        return Err(ProcessError::TimedOut { program, seconds: limit.as_secs() });
    }
    if !ended.status.success() {
        let message = tail(&mut errors);
        return Err(ProcessError::Failed { program, status: ended.status.to_string(), message });
    }
    Ok(Cost {
        cpu_s: (ended.rusage.utime + ended.rusage.stime).as_secs_f64(),
        wall_s: started.elapsed().as_secs_f64(),
        peak_bytes,
    })
}

/// Follows a program until `done` says that it ended, or ends it: whether that was so, and its peak memory.
fn watch(pid: i32, limit: Duration, done: &mpsc::Receiver<()>) -> (bool, Option<u64>) {
    let started = Instant::now();
    let mut peak_bytes = None;
    loop {
        // A peak never falls, so only what is taken in the last fiftieth of the time can be missed.
        peak_bytes = peak_memory(pid).or(peak_bytes);
        let elapsed = started.elapsed();
        if elapsed >= limit {
            kill(pid);
            return (true, peak_bytes);
        }
        let pause = (elapsed / 50).max(Duration::from_millis(1)).min(limit - elapsed);
        if done.recv_timeout(pause) != Err(mpsc::RecvTimeoutError::Timeout) {
            return (false, peak_bytes);
        }
    }
}

/// Largest resident set so far of a running program.
fn peak_memory(pid: i32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

/// Last line of what was written, with a separator in front.
fn tail(file: &mut File) -> String {
    let mut bytes = Vec::new();
    let read = file.rewind().and_then(|()| file.take(1 << 20).read_to_end(&mut bytes));
    let text = String::from_utf8_lossy(&bytes);
    match (read, text.lines().rev().find(|l| !l.trim().is_empty())) {
        (Ok(_), Some(line)) => format!(": {}", line.trim().chars().take(200).collect::<String>()),
        _ => String::new(),
    }
}

/// First line that a program prints about itself, or `None` if it cannot be started.
#[must_use]
pub fn version(program: &str, flag: &str) -> Option<String> {
    let output = Command::new(program).arg(flag).stdin(Stdio::null()).output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    Some(text.lines().find(|l| !l.trim().is_empty()).unwrap_or_default().trim().to_string())
}

/// Runs a function of ours on this thread and says what it cost.
pub fn measure<T>(work: impl FnOnce() -> T) -> (T, Cost) {
    let (cpu, wall) = (thread_cpu_s(), Instant::now());
    let value = work();
    let cost = Cost { cpu_s: thread_cpu_s() - cpu, wall_s: wall.elapsed().as_secs_f64(), peak_bytes: None };
    (value, cost)
}

#[cfg(unix)]
fn thread_cpu_s() -> f64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 * 1e-9
}

/// Seconds on the clock, where the system does not tell a thread's own time.
#[cfg(not(unix))]
fn thread_cpu_s() -> f64 {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn sh(script: &str, limit: Duration) -> Result<Cost, ProcessError> {
        let words = ["sh", "-c", script].map(str::to_string);
        run(&words, Path::new("/"), limit)
    }

    #[test]
    fn costs_and_failures_are_told_apart() {
        let minute = Duration::from_secs(60);
        let busy = sh("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done", minute).expect("runs");
        assert!(busy.cpu_s > 0.005 && busy.wall_s > 0.0, "{busy:?}");
        if cfg!(target_os = "linux") {
            // A shell needs more than 100 kB and less than this test, whose memory must not be counted.
            let ours = vec![1u8; 200 << 20];
            let small = sh("sleep 0.05; true", minute).expect("runs").peak_bytes;
            assert!(small > Some(100_000) && small < Some(ours.len() as u64 / 2), "{small:?}");
        }
        let failed = sh("echo first >&2; echo the reason >&2; exit 3", minute).expect_err("fails");
        assert!(failed.to_string().ends_with("the reason"), "{failed}");
        let late = sh("sleep 20; true", Duration::from_millis(100)).expect_err("late");
        assert!(matches!(late, ProcessError::TimedOut { .. }), "{late}");
        let missing = run(&["no-such-program-here".to_string()], Path::new("/"), minute);
        assert!(matches!(missing, Err(ProcessError::Missing(_))));
    }
}
