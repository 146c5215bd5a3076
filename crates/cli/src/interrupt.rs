//! Ctrl-C (and SIGTERM, SIGHUP): temporary files are removed, then the program ends.

use crate::exit;
use std::io::Write;

/// Installs the handler. It runs on a thread of its own, so it may take locks.
pub fn install() {
    let handler = || {
        melisma_media::atomic::remove_pending_files();
        // The terminal may be gone (SIGHUP): nothing can be done about a failure.
        let _ = writeln!(std::io::stderr(), "\ninterrupted: nothing half-written is left");
        std::process::exit(i32::from(exit::INTERRUPTED));
    };
    // Without a handler the program still works; a cut-off run then leaves its temporaries.
    if let Err(error) = ctrlc::set_handler(handler) {
        crate::report::warn(&format!("Ctrl-C will not clean up: {error}"));
    }
}
