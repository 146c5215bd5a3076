//! A whole system: sound to frames, frames to latents, and back, as one thing to train.

use crate::{
    Error, Result,
    bottleneck::{Bottleneck, BottleneckConfig, Quantised},
    frames::{Frames, FramesConfig, FramesKind},
    networks::{
        Activation, DenseAe, DenseAeConfig, FreqAe, FreqAeConfig, RecurrentAe, RecurrentAeConfig, ResidualAe,
        ResidualAeConfig, Start, TimeAe, TimeAeConfig, VariationalAe, VariationalAeConfig,
    },
    noise::Noise,
    pca::Components,
    statistics::Statistics,
};
use burn::{
    module::Module,
    tensor::{Tensor, backend::Backend},
};
use serde::{Deserialize, Serialize};

/// Which network, with its sizes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum NetworkConfig {
    /// The study's, on complex spectra.
    FreqAe(FreqAeConfig),
    /// The study's, on samples.
    TimeAe(TimeAeConfig),
    /// The improved variant of either.
    Residual(ResidualAeConfig),
    /// Linear, shallow and deep.
    Dense(DenseAeConfig),
    /// With memory.
    Recurrent(RecurrentAeConfig),
    /// With latents drawn.
    Variational(VariationalAeConfig),
}

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

/// A system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SystemConfig {
    /// What is modelled.
    #[serde(default)]
    pub frames: FramesConfig,
    /// By what.
    pub network: NetworkConfig,
    /// How latents are quantised.
    #[serde(default)]
    pub bottleneck: BottleneckConfig,
    /// Denoising.
    #[serde(default)]
    pub corruption: CorruptionConfig,
}

/// A network of any kind.
#[derive(Module, Debug)]
enum Network<B: Backend> {
    FreqAe(FreqAe<B>),
    TimeAe(TimeAe<B>),
    Residual(ResidualAe<B>),
    Dense(DenseAe<B>),
    Recurrent(RecurrentAe<B>),
    Variational(VariationalAe<B>),
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

/// What came of a batch.
#[derive(Clone, Debug)]
pub struct Output<B: Backend> {
    /// What was modelled and its reconstruction, `[batch, frame, value]` each.
    pub frames: [Tensor<B, 3>; 2],
    /// What the decoder got, `[batch, time, channel]`.
    pub latents: Tensor<B, 3>,
    /// What else training has to keep small.
    pub penalties: Vec<Penalty<B>>,
}

/// A summand of the loss that does not look at the reconstruction.
#[derive(Clone, Debug)]
pub struct Penalty<B: Backend> {
    /// For logs.
    pub name: &'static str,
    /// What it is multiplied with.
    pub weight: f32,
    /// `[1]`.
    pub value: Tensor<B, 1>,
}

impl NetworkConfig {
    pub(crate) fn latents(&self) -> usize {
        match self {
            Self::FreqAe(config) => config.latents,
            Self::TimeAe(config) => config.latents,
            Self::Residual(config) => config.latents,
            Self::Dense(config) => config.latents,
            Self::Recurrent(config) => config.latents,
            Self::Variational(config) => config.latents,
        }
    }

    /// Latents of so many frames.
    pub(crate) fn latent_count(&self, frames: usize) -> usize {
        let frames = self.whole_frames(frames);
        match self {
            Self::FreqAe(_) => (frames - 9) / 4,
            Self::TimeAe(config) => frames / config.stride.max(1) - 1,
            Self::Residual(config) => (frames + self.lead_frames()) / config.stride.max(1) - 1,
            Self::Dense(_) | Self::Recurrent(_) | Self::Variational(_) => frames,
        }
    }

    /// Frames of silence put before a clip, so that its first ones have all their latents. The study's networks have
    /// ends of their own.
    fn lead_frames(&self) -> usize {
        match self {
            Self::Residual(config) if config.stride > 1 => config.stride,
            _ => 0,
        }
    }

    /// The least number of frames, not below `frames`, that the network takes.
    fn whole_frames(&self, frames: usize) -> usize {
        // A stride of 0 is refused elsewhere.
        let strides = |stride: usize| frames.next_multiple_of(stride.max(1)).max(2 * stride.max(1));
        match self {
            Self::FreqAe(_) => FreqAeConfig::whole_frames(frames),
            Self::TimeAe(config) => strides(config.stride),
            // Its straight way gives a frame at a time to a latent, and the kernel has two taps: one more, or the last is lost.
            Self::Residual(config) if config.stride <= 1 => frames + 1,
            // For the same reason.
            Self::Residual(config) => frames.next_multiple_of(config.stride) + config.stride,
            Self::Dense(_) | Self::Recurrent(_) | Self::Variational(_) => frames,
        }
    }
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
        let values = self.frames.values();
        let noise = &mut Noise::at(seed, &[]);
        let network = match &self.network {
            NetworkConfig::FreqAe(config) => Network::FreqAe(config.init(values, noise, device)?),
            NetworkConfig::TimeAe(config) => Network::TimeAe(config.init(noise, device)),
            NetworkConfig::Residual(config) => Network::Residual(config.init(values, noise, device)),
            NetworkConfig::Dense(config) => Network::Dense(config.init(values, noise, device)),
            NetworkConfig::Recurrent(config) => Network::Recurrent(config.init(values, noise, device)),
            NetworkConfig::Variational(config) => Network::Variational(config.init(values, noise, device)),
        };
        Ok(System {
            frames: self.frames.init(statistics, device)?,
            network,
            bottleneck: self.bottleneck.init(self.network.latents(), device),
            config: self.clone(),
        })
    }

    fn check(&self) -> Result<()> {
        let samples = self.frames.kind == FramesKind::Samples;
        let sizes: &[usize] = match &self.network {
            NetworkConfig::FreqAe(_) if self.frames.kind != FramesKind::Complex => {
                return Err(Error::Config("the frequency-domain network models complex spectra".to_owned()));
            }
            NetworkConfig::TimeAe(_) if !samples => {
                return Err(Error::Config("the time-domain network models samples".to_owned()));
            }
            NetworkConfig::FreqAe(_) => &[],
            NetworkConfig::TimeAe(config) => &[config.stride, config.hidden],
            NetworkConfig::Residual(config) if config.kernel % 2 == 0 => {
                return Err(Error::Config(format!("a kernel of {} taps; it has to be odd", config.kernel)));
            }
            NetworkConfig::Residual(config)
                if config.start == Start::Lapped
                    && !samples
                    && (self.frames.kind != FramesKind::Lapped || config.stride != 1) =>
            {
                return Err(Error::Config(
                    "start = \"lapped\" is for samples, or for lapped frames with a stride of 1".to_owned(),
                ));
            }
            NetworkConfig::Residual(config) => &[config.stride, config.channels, config.expansion],
            NetworkConfig::Dense(config) => &config.hidden,
            NetworkConfig::Recurrent(config) => &[config.memory],
            NetworkConfig::Variational(config) => &config.hidden,
        };
        if sizes.contains(&0) || self.network.latents() == 0 {
            return Err(Error::Config("a size is 0".to_owned()));
        }
        let positive = self.bottleneck.first_step > 0.0;
        if !positive || !(0.0..=1.0).contains(&self.corruption.masked) || self.corruption.noise.is_nan() {
            return Err(Error::Config(format!("{:?}, {:?}", self.bottleneck, self.corruption)));
        }
        Ok(())
    }
}

impl<B: Backend> System<B> {
    /// How it was made.
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
        let linear = matches!(&self.config.network, NetworkConfig::Dense(dense)
            if dense.hidden.is_empty() && dense.activation == Activation::Identity);
        let (values, latents) = (components.mean.len(), self.config.network.latents());
        if !linear || values != self.config.frames.values() || latents > values {
            return Err(Error::Config(format!(
                "{latents} of {values} components for {:?}",
                self.config.network
            )));
        }
        let device = self.frames.device();
        self.network = Network::Dense(DenseAe::from_components(components, latents, &device));
        Ok(self)
    }

    /// There and back; with `noise`, as in training. Channels of a recording count as clips of their own.
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
        let mut penalties = Vec::new();
        let latents = self.encode_frames(seen, noise.as_deref_mut(), &mut penalties);
        let latents = match &self.bottleneck {
            None => latents,
            Some(bottleneck) => {
                let Quantised { latents, bits } = bottleneck.forward(latents, noise);
                let value = bits / (batch * time) as f32;
                penalties.push(Penalty { name: "bits", weight: bottleneck.rate_weight(), value });
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
        self.encode_frames(self.frames.forward(sound), None, &mut Vec::new())
    }

    /// # Shapes
    /// `[batch, time, channel]` -> `[batch, frame, value]`; at least as many frames as were encoded.
    pub fn decode(&self, latents: Tensor<B, 3>) -> Tensor<B, 3> {
        match &self.network {
            Network::FreqAe(network) => network.decode(latents),
            Network::TimeAe(network) => network.decode(latents),
            Network::Residual(network) => {
                let frames = network.decode(latents);
                let ([batch, time, values], lead) = (frames.dims(), self.config.network.lead_frames());
                if lead == 0 { frames } else { frames.slice([0..batch, lead..time, 0..values]) }
            }
            Network::Dense(network) => network.decode(latents),
            Network::Recurrent(network) => network.decode(latents),
            Network::Variational(network) => network.decode(latents),
        }
    }

    fn encode_frames(
        &self,
        frames: Tensor<B, 3>,
        noise: Option<&mut Noise>,
        penalties: &mut Vec<Penalty<B>>,
    ) -> Tensor<B, 3> {
        let [batch, time, values] = frames.dims();
        let (lead, missing) =
            (self.config.network.lead_frames(), self.config.network.whole_frames(time) - time);
        let frames = if lead + missing == 0 {
            frames
        } else {
            let silence = |count| Tensor::zeros([batch, count, values], &frames.device());
            let parts = [
                (lead > 0).then(|| silence(lead)),
                Some(frames.clone()),
                (missing > 0).then(|| silence(missing)),
            ];
            Tensor::cat(parts.into_iter().flatten().collect(), 1)
        };
        match (&self.network, &self.config.network, noise) {
            (Network::FreqAe(network), ..) => network.encode(frames),
            (Network::TimeAe(network), ..) => network.encode(frames),
            (Network::Residual(network), ..) => network.encode(frames),
            (Network::Dense(network), ..) => network.encode(frames),
            (Network::Recurrent(network), ..) => network.encode(frames),
            (Network::Variational(network), NetworkConfig::Variational(config), Some(noise)) => {
                let (latents, value) = VariationalAe::draw(network.distribution(frames), noise);
                let weight = config.beta / values as f32;
                penalties.push(Penalty { name: "divergence", weight, value });
                latents
            }
            (Network::Variational(network), ..) => network.distribution(frames).0,
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
