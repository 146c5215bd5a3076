//! Datasets from the network: what there is, downloading that goes on where it was cut off, unpacking that trusts no
//! archive. All but the list is behind the feature `fetch`: nothing else in the workspace knows what a socket is.

#[cfg(feature = "fetch")]
mod download;
#[cfg(feature = "fetch")]
mod unpack;

#[cfg(feature = "fetch")]
pub use download::{DownloadOptions, Stage, download};
#[cfg(feature = "fetch")]
pub use unpack::{UnpackLimits, Unpacked, unpack};

/// An archive that can be fetched.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Archive {
    /// What the user calls it.
    pub name: &'static str,
    /// Name of the archive on the server.
    pub file: &'static str,
    /// Where it is.
    pub url: &'static str,
    /// Its SHA-1, as its makers publish it.
    pub sha1: &'static str,
    /// Its size, rounded as its makers publish it.
    pub about_bytes: u64,
    /// What it unpacks to, about.
    pub about_unpacked_bytes: u64,
    /// What is in it.
    pub about: &'static str,
}

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

macro_rules! fma {
    ($part:literal) => {
        concat!("https://os.unil.cloud.switch.ch/fma/fma_", $part, ".zip")
    };
}

/// The FMA dataset. Addresses, checksums and sizes: README of github.com/mdeff/fma (release of 2017-05-09). MP3 packs
/// to nearly its own size; the tables to about a quarter.
pub const ARCHIVES: [Archive; 5] = [
    Archive {
        name: "fma-metadata",
        file: "fma_metadata.zip",
        url: fma!("metadata"),
        sha1: "f0df49ffe5f2a6008d7dc83c6915b31835dfe733",
        about_bytes: 342 * MIB,
        about_unpacked_bytes: 1_400 * MIB,
        about: "tables of all 106,574 tracks; every other part needs it",
    },
    Archive {
        name: "fma-small",
        file: "fma_small.zip",
        url: fma!("small"),
        sha1: "ade154f733639d52e35e32f5593efe5be76c6d70",
        about_bytes: 72 * GIB / 10,
        about_unpacked_bytes: 75 * GIB / 10,
        about: "8,000 clips of 30 s, 8 balanced genres",
    },
    Archive {
        name: "fma-medium",
        file: "fma_medium.zip",
        url: fma!("medium"),
        sha1: "c67b69ea232021025fca9231fc1c7c1a063ab50b",
        about_bytes: 22 * GIB,
        about_unpacked_bytes: 23 * GIB,
        about: "25,000 clips of 30 s, 16 genres",
    },
    Archive {
        name: "fma-large",
        file: "fma_large.zip",
        url: fma!("large"),
        sha1: "497109f4dd721066b5ce5e5f250ec604dc78939e",
        about_bytes: 93 * GIB,
        about_unpacked_bytes: 97 * GIB,
        about: "106,574 clips of 30 s, 161 genres",
    },
    Archive {
        name: "fma-full",
        file: "fma_full.zip",
        url: fma!("full"),
        sha1: "0f0ace23fbe9ba30ecb7e95f763e435ea802b8ab",
        about_bytes: 879 * GIB,
        about_unpacked_bytes: 900 * GIB,
        about: "106,574 whole tracks",
    },
];

impl Archive {
    /// The archive of that name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        ARCHIVES.iter().find(|archive| archive.name == name)
    }

    /// Bytes that it unpacks to, for each byte of it.
    #[must_use]
    pub fn unpack_ratio(&self) -> f64 {
        self.about_unpacked_bytes as f64 / self.about_bytes.max(1) as f64
    }

    /// Its address below another server's folder.
    #[must_use]
    pub fn mirrored(&self, mirror: &str) -> String {
        format!("{}/{}", mirror.trim_end_matches('/'), self.file)
    }
}
