//! A running check over decoded symbols: proof that encoder and decoder saw the same ones.
//!
//! A CRC tells that the bytes arrived; this tells that they were *understood*: another model, a wrong table or a
//! bug that desynchronises the decoder shows here.

/// A 32-bit hash of all symbols so far, in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SymbolCheck(u32);

impl SymbolCheck {
    /// Includes one symbol.
    #[inline]
    pub fn add(&mut self, symbol: i32) {
        self.0 = (self.0 ^ symbol as u32).wrapping_mul(0x9E37_79B1).rotate_left(7);
    }

    /// The 16 bits that are stored.
    #[must_use]
    pub fn value(self) -> u16 {
        (self.0 ^ self.0 >> 16) as u16
    }
}
