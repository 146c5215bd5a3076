//! A trained network as a codec, on one small system of every family.

mod common;
mod damage;
mod fit;
mod round_trip;
mod windows;
