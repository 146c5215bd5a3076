//! A whole system: sound to frames, frames to latents, and back, as one thing to train.

use crate::{
    Error, Result,
    bottleneck::{Bottleneck, BottleneckConfig, Quantised},
    frames::{Frames, FramesConfig, FramesKind},
    loss::Summand,
    networks::{Architecture, Autoencoder, Network, NetworkConfig},
    noise::Noise,
    pca::Components,
    statistics::Statistics,
};
use burn::{
    module::Module,
    tensor::{Tensor, backend::Backend},
};
use serde::{Deserialize, Serialize};

/// What is done to frames before the encoder sees them in training; the decoder still has to give the clean ones.
///
/// Vincent, Larochelle, Bengio, Manzagol, "Extracting and composing robust features with denoising autoencoders" (2008).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CorruptionConfig {
    /// Share of values set to 0.
    pub masked: f32,
    /// Deviation of the normal noise added, in units of standardised frames.
    pub noise: f32,
}

/// Everything that makes a system: what is modelled, by which network, how latents are quantised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SystemConfig {
    /// How sound becomes the frames that are modelled.
    #[serde(default)]
    pub frames: FramesConfig,
    /// The network that models it, with its sizes.
    pub network: NetworkConfig,
    /// How latents are quantised.
    #[serde(default)]
    pub bottleneck: BottleneckConfig,
    /// What is done to the encoder's input in training.
    #[serde(default)]
    pub corruption: CorruptionConfig,
}

/// A system with its weights.
#[derive(Module, Debug)]
pub struct System<B: Backend> {
    frames: Frames<B>,
    network: Network<B>,
    bottleneck: Option<Bottleneck<B>>,
    #[module(skip)]
    config: SystemConfig,
}

/// What a system makes of a batch.
#[derive(Clone, Debug)]
pub struct Output<B: Backend> {
    /// What was modelled and its reconstruction, `[batch, frame, value]` each.
    pub frames: [Tensor<B, 3>; 2],
    /// What the decoder got, `[batch, time, channel]`.
    pub latents: Tensor<B, 3>,
    /// Summands of the loss that do not look at the reconstruction: bits, divergence.
    pub penalties: Vec<Summand<B>>,
}

impl SystemConfig {
    /// With random weights from `seed`, and statistics of training frames where the frames are standardised.
    ///
    /// # Errors
    /// [`Error::Config`] where the parts do not fit each other or a size is 0.
    pub fn init<B: Backend>(
        &self,
        statistics: &Statistics,
        seed: u64,
        device: &B::Device,
    ) -> Result<System<B>> {
        self.check()?;
        Ok(System {
            frames: self.frames.init(statistics, device)?,
            network: self.network.init(self.frames.values(), &mut Noise::at(seed, &[]), device)?,
            bottleneck: self.bottleneck.init(self.network.latents(), device),
            config: self.clone(),
        })
    }

    fn check(&self) -> Result<()> {
        self.network.check(&self.frames)?;
        if self.network.latents() == 0 {
            return Err(Error::Config("latents of 0 values".to_owned()));
        }
        let positive = self.bottleneck.first_step > 0.0;
        if !positive || !(0.0..=1.0).contains(&self.corruption.masked) || self.corruption.noise.is_nan() {
            return Err(Error::Config(format!("{:?}, {:?}", self.bottleneck, self.corruption)));
        }
        Ok(())
    }
}

impl<B: Backend> System<B> {
    /// The config that the system was made of.
    pub fn config(&self) -> &SystemConfig {
        &self.config
    }

    /// Sound as the network models it.
    ///
    /// # Shapes
    /// `[batch, sample]` -> `[batch, frame, value]`.
    pub fn modelled(&self, sound: Tensor<B, 2>) -> Tensor<B, 3> {
        self.frames.forward(sound)
    }

    /// Frames as they are before they are standardised.
    ///
    /// # Shapes
    /// `[batch, frame, value]` -> the same.
    pub fn restored(&self, frames: Tensor<B, 3>) -> Tensor<B, 3> {
        self.frames.restored(frames)
    }

    /// The system with the linear autoencoder of these components of modelled frames in place of its network.
    ///
    /// # Errors
    /// [`Error::Config`] unless the network is linear, with as many values and no more latents than components.
    pub fn with_components(mut self, components: &Components) -> Result<Self> {
        let network = &self.config.network;
        let (values, latents) = (components.mean.len(), network.latents());
        let fits = values == self.config.frames.values() && latents <= values;
        let found = if fits { network.closed_form(components, &self.frames.device()) } else { None };
        self.network = found.ok_or_else(|| {
            Error::Config(format!("{latents} of {values} components for {:?}", self.config.network))
        })?;
        Ok(self)
    }

    /// Encodes, quantises and decodes sound; with `noise`, as in training. Channels of a recording count as clips of
    /// their own.
    ///
    /// # Shapes
    /// `[batch, sample]`; see [`Output`].
    pub fn forward(&self, sound: Tensor<B, 2>, mut noise: Option<&mut Noise>) -> Output<B> {
        let original = self.frames.forward(sound);
        let seen = match &mut noise {
            Some(noise) => self.config.corruption.apply(original.clone(), noise),
            None => original.clone(),
        };
        let [batch, time, values] = original.dims();
        let (latents, penalty) = self.encode_frames(seen, noise.as_deref_mut());
        let mut penalties: Vec<Summand<B>> = penalty.into_iter().collect();
        let latents = match &self.bottleneck {
            None => latents,
            Some(bottleneck) => {
                let Quantised { latents, bits } = bottleneck.forward(latents, noise);
                let value = bits / (batch * time) as f32;
                penalties.push(Summand { name: "bits", weight: bottleneck.rate_weight(), value });
                latents
            }
        };
        let estimate = self.decode(latents.clone());
        // The gradient even of a whole slice is a copy.
        let estimate = match estimate.dims()[1] == time {
            true => estimate,
            false => estimate.slice([0..batch, 0..time, 0..values]),
        };
        Output { frames: [original, estimate], latents, penalties }
    }

    /// The pair that losses listen to: sound, or, where samples are modelled, those samples, standardised like the
    /// study's.
    ///
    /// # Shapes
    /// `frames` as in [`Output`], `sound` `[batch, sample]` -> `[batch, sample]` each.
    pub fn compared(&self, frames: &[Tensor<B, 3>; 2], sound: &Tensor<B, 2>) -> [Tensor<B, 2>; 2] {
        match self.config.frames.kind {
            FramesKind::Samples => frames.clone().map(|samples| samples.squeeze_dim(2)),
            _ => [sound.clone(), self.sound(frames[1].clone(), sound.dims()[1])],
        }
    }

    /// Sound of frames, in the loudness of the input.
    ///
    /// # Shapes
    /// `[batch, frame, value]` -> `[batch, samples]`.
    pub fn sound(&self, frames: Tensor<B, 3>, samples: usize) -> Tensor<B, 2> {
        self.frames.inverse(frames, samples)
    }

    /// [`System::sound`] of frames that follow on sound already made. Only made-up phases differ: those of frames
    /// that lie within `before`, which begins with the first frame's centre, are taken from it.
    ///
    /// # Shapes
    /// `[batch, frame, value]`, `before` `[batch, known samples]` -> `[batch, samples]`.
    pub fn sound_after(&self, frames: Tensor<B, 3>, samples: usize, before: Tensor<B, 2>) -> Tensor<B, 2> {
        self.frames.inverse_after(frames, samples, Some(before))
    }

    /// The step of each latent channel, where training has learned one.
    pub fn steps(&self) -> Option<Vec<f32>> {
        self.bottleneck.as_ref().map(Bottleneck::steps)
    }

    /// # Shapes
    /// `[batch, sample]` -> `[batch, time, channel]`: latents, not quantised.
    pub fn encode(&self, sound: Tensor<B, 2>) -> Tensor<B, 3> {
        self.encode_frames(self.frames.forward(sound), None).0
    }

    /// # Shapes
    /// `[batch, time, channel]` -> `[batch, frame, value]`; at least as many frames as were encoded.
    pub fn decode(&self, latents: Tensor<B, 3>) -> Tensor<B, 3> {
        let frames = self.network.decode(latents);
        let ([batch, time, values], [before, _]) =
            (frames.dims(), self.config.network.timing().padding_frames);
        if before == 0 { frames } else { frames.slice([0..batch, before..time, 0..values]) }
    }

    fn encode_frames(
        &self,
        frames: Tensor<B, 3>,
        noise: Option<&mut Noise>,
    ) -> (Tensor<B, 3>, Option<Summand<B>>) {
        let [batch, time, values] = frames.dims();
        let silence = |count| Tensor::zeros([batch, count, values], &frames.device());
        let frames = match self.config.network.timing().silence(time) {
            [0, 0] => frames,
            [0, behind] => Tensor::cat(vec![frames.clone(), silence(behind)], 1),
            [before, 0] => Tensor::cat(vec![silence(before), frames.clone()], 1),
            [before, behind] => Tensor::cat(vec![silence(before), frames.clone(), silence(behind)], 1),
        };
        match noise {
            Some(noise) => self.network.encode_in_training(frames, noise),
            None => (self.network.encode(frames), None),
        }
    }
}

impl CorruptionConfig {
    fn apply<B: Backend>(&self, mut frames: Tensor<B, 3>, noise: &mut Noise) -> Tensor<B, 3> {
        let (shape, device) = (frames.dims(), frames.device());
        if self.noise > 0.0 {
            frames = frames + noise.fill(shape, &device, |noise| self.noise * noise.normal());
        }
        if self.masked > 0.0 {
            frames = frames * noise.fill(shape, &device, |noise| f32::from(noise.unit() >= self.masked));
        }
        frames
    }
}
