//! Networks, layers, gradients.

mod gradients;
mod layers;
mod mel_cnn;
mod networks;
mod systems;
