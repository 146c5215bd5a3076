//! Networks, layers, gradients.

mod classifiers;
mod gradients;
mod layers;
mod mel_cnn;
mod networks;
mod systems;
