//! The loop with tasks of every kind.

mod any_task;
mod common;
mod encoders;
mod labels;
mod learning;
mod resuming;

#[path = "../../../nets/tests/nets/systems.rs"]
#[allow(dead_code, reason = "shared with the tests of the networks")]
mod systems;
