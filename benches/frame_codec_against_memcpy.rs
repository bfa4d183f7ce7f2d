//! What does the frame codec cost beside a memory copy of the same bytes?
//!
//! Encoding is compared with copying the payloads into a buffer that is already there, decoding with copying them out
//! of the bytes received. The two are measured in turns within one run, so that a busy machine hurts both, and the
//! ratio of their best times is printed: 1.10 is "within 10 %". No frame
//! allocates: the buffers end with the room they began with.
#![allow(missing_docs, clippy::expect_used, clippy::indexing_slicing, reason = "a bench may stop")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::time::{Duration, Instant};
use tunnel_frame::{Decoder, Frame, FrameEvent, HEADER_BYTES, Limits, StreamId};

/// Frames a round: 64 of 16 kB are 1 MiB, about what is under way in a busy tunnel.
const FRAMES: usize = 64;

const PAYLOADS: [usize; 3] = [4096, 16 * 1024, 64 * 1024];

fn copy_in(out: &mut Vec<u8>, payload: &[u8]) {
    out.clear();
    for _ in 0..FRAMES {
        out.extend_from_slice(black_box(payload));
    }
}

fn encode(out: &mut Vec<u8>, payload: &[u8]) {
    out.clear();
    for number in 0..FRAMES {
        let stream = StreamId::new(u32::try_from(number).expect("few frames"));
        Frame::Data { stream, payload: black_box(payload) }.encode(out);
    }
}

fn copy_out(out: &mut Vec<u8>, wire: &[u8], payload: usize) {
    out.clear();
    for frame in wire.chunks_exact(HEADER_BYTES + payload) {
        out.extend_from_slice(black_box(&frame[HEADER_BYTES..]));
    }
}

fn decode(out: &mut Vec<u8>, mut wire: &[u8]) {
    out.clear();
    let mut decoder = Decoder::new(Limits::default());
    while let Some((event, used)) = decoder.decode(black_box(wire)).expect("our own frames") {
        if let FrameEvent::Data { bytes, .. } = event {
            out.extend_from_slice(bytes);
        }
        wire = &wire[used..];
    }
}

/// Best times of two ways of doing something, measured in turns.
fn race(mut one: impl FnMut(), mut other: impl FnMut()) -> (Duration, Duration) {
    let mut best = (Duration::MAX, Duration::MAX);
    for _ in 0..400 {
        let start = Instant::now();
        one();
        let middle = Instant::now();
        other();
        best.0 = best.0.min(middle - start);
        best.1 = best.1.min(middle.elapsed());
    }
    best
}

fn bench(c: &mut Criterion) {
    let mut group = c.benchmark_group("frame codec");
    group.sample_size(20).measurement_time(Duration::from_secs(1)).warm_up_time(Duration::from_millis(300));
    let mut lines = Vec::new();
    for size in PAYLOADS {
        let payload = vec![0xA5_u8; size];
        let room = FRAMES * (size + HEADER_BYTES);
        let mut wire = Vec::with_capacity(room);
        encode(&mut wire, &payload);
        let (mut out, mut other) = (Vec::with_capacity(room), Vec::with_capacity(room));
        group.throughput(Throughput::Bytes(u64::try_from(FRAMES * size).expect("a small number")));
        group.bench_function(BenchmarkId::new("copy", size), |b| b.iter(|| copy_in(&mut out, &payload)));
        group.bench_function(BenchmarkId::new("encode", size), |b| b.iter(|| encode(&mut out, &payload)));
        group.bench_function(BenchmarkId::new("decode", size), |b| b.iter(|| decode(&mut out, &wire)));
        let (codec, copy) = race(|| encode(&mut out, &payload), || copy_in(&mut other, &payload));
        lines.push(format!("encode {size:>6} B: {:.3} of a copy", codec.as_secs_f64() / copy.as_secs_f64()));
        let (codec, copy) = race(|| decode(&mut out, &wire), || copy_out(&mut other, &wire, size));
        lines.push(format!("decode {size:>6} B: {:.3} of a copy", codec.as_secs_f64() / copy.as_secs_f64()));
        assert_eq!((out.capacity(), other.capacity()), (room, room), "nothing was allocated for a frame");
    }
    group.finish();
    for line in lines {
        println!("{line}");
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
