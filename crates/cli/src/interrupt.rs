//! Ctrl-C (and SIGTERM, SIGHUP): temporary files are removed, other programs ended, then this one ends.

use crate::exit;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

static REQUESTED: AtomicBool = AtomicBool::new(false);
static LAST_WORDS: Mutex<Option<&str>> = Mutex::new(None);
static FOLDERS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Installs the handler. It runs on a thread of its own, so it may take locks.
pub fn install() {
    let handler = || {
        // First of all: what fails from here on fails because of the interruption.
        REQUESTED.store(true, Ordering::SeqCst);
        if let Some(words) = LAST_WORDS.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = writeln!(std::io::stderr(), "\n{words}");
            return;
        }
        melisma_eval::process::kill_running();
        melisma_media::atomic::remove_pending_files();
        for folder in FOLDERS.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // A worker may just have put another file into it.
            while std::fs::remove_dir_all(&folder).is_err_and(|e| e.kind() == ErrorKind::DirectoryNotEmpty) {}
        }
        // The terminal may be gone (SIGHUP): nothing can be done about a failure.
        let _ = writeln!(std::io::stderr(), "\ninterrupted: nothing half-written is left");
        std::process::exit(i32::from(exit::INTERRUPTED));
    };
    // Without a handler the program still works; a cut-off run then leaves its temporaries.
    if let Err(error) = ctrlc::set_handler(handler) {
        crate::message::warn(&format!("Ctrl-C will not clean up: {error}"));
    }
}

/// The first Ctrl-C says these words, and only sets [`requested`]: who works will end by itself.
#[cfg(feature = "train")]
pub fn let_finish(words: &'static str) {
    *LAST_WORDS.lock().unwrap_or_else(PoisonError::into_inner) = Some(words);
}

/// Has a folder removed as well.
pub fn remove_too(folder: &Path) {
    FOLDERS.lock().unwrap_or_else(PoisonError::into_inner).push(folder.to_path_buf());
}

/// True once the user wants the program to end.
pub fn requested() -> &'static AtomicBool {
    &REQUESTED
}

/// If the user wants the program to end, waits for the handler to do so.
pub fn wait_if_requested() {
    while REQUESTED.load(Ordering::SeqCst) {
        std::thread::park_timeout(std::time::Duration::from_millis(50));
    }
}
