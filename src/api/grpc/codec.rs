//! The Protocol Buffers codec. Unlike `tonic`'s own, it reports a message that cannot be decoded as
//! `INVALID_ARGUMENT`, since the client is at fault.

use std::marker::PhantomData;

use prost::Message;
use tonic::Status;
use tonic::codec::{BufferSettings, DecodeBuf, Decoder};
use tonic_prost::{ProstDecoder, ProstEncoder};

/// The bytes that a message has room for at first. Most requests and responses are smaller; longer ones have the buffer grow.
/// `tonic` allocates 8 KiB in each direction by default.
const BUFFER: usize = 1024;

/// The bytes of messages of a stream that are encoded before they are sent: the default of `tonic`.
const YIELD_THRESHOLD: usize = 32 * 1024;

/// Encodes and decodes messages.
#[derive(Clone, Debug)]
pub struct Codec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for Codec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> tonic::codec::Codec for Codec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = Strict<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstEncoder::new(settings())
    }

    fn decoder(&mut self) -> Self::Decoder {
        Strict(ProstDecoder::new(settings()))
    }
}

fn settings() -> BufferSettings {
    BufferSettings::new(BUFFER, YIELD_THRESHOLD)
}

/// Decodes messages. A message that cannot be decoded is an `INVALID_ARGUMENT` error.
#[derive(Debug)]
pub struct Strict<U>(ProstDecoder<U>);

impl<U: Message + Default> Decoder for Strict<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        self.0.decode(buffer).map_err(|status| {
            Status::invalid_argument(format!("the request message cannot be decoded: {}", status.message()))
        })
    }

    fn buffer_settings(&self) -> BufferSettings {
        self.0.buffer_settings()
    }
}
