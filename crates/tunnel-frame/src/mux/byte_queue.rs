//! A queue of bytes in chunks, so that small frames share memory and large ones are not copied twice.

use bytes::{Buf, Bytes, BytesMut};
use std::collections::VecDeque;

/// Least room of a chunk. Small frames fill a chunk up before the next is reserved, so that memory stays within a
/// small factor of the bytes queued whatever the sizes of frames.
const CHUNK_BYTES: usize = 2048;

/// A queue that grows reserves chunks as large as what it holds, up to this: then few writes empty it.
const MAX_CHUNK_BYTES: usize = 128 * 1024;

#[derive(Default, Debug)]
pub(super) struct ByteQueue {
    chunks: VecDeque<BytesMut>,
    len: usize,
}

impl ByteQueue {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.len = self.len.saturating_add(bytes.len());
        let mut rest = bytes;
        if let Some(last) = self.chunks.back_mut() {
            let room = last.capacity().saturating_sub(last.len());
            let (head, tail) = rest.split_at(room.min(rest.len()));
            last.extend_from_slice(head);
            rest = tail;
        }
        if !rest.is_empty() {
            let room = self.len.clamp(CHUNK_BYTES, MAX_CHUNK_BYTES);
            let mut chunk = BytesMut::with_capacity(rest.len().max(room));
            chunk.extend_from_slice(rest);
            self.chunks.push_back(chunk);
        }
    }

    /// The next bytes, at most `most` of them and without copying; empty only if the queue is, or `most` is 0.
    pub(super) fn take(&mut self, most: usize) -> Bytes {
        let Some(front) = self.chunks.front_mut() else { return Bytes::new() };
        let taken = if front.len() <= most {
            self.chunks.pop_front().unwrap_or_default()
        } else {
            front.split_to(most)
        };
        self.len = self.len.saturating_sub(taken.len());
        taken.freeze()
    }

    /// Moves bytes into `out` until it is full or the queue is empty; how many.
    pub(super) fn read(&mut self, out: &mut [u8]) -> usize {
        let mut done = 0;
        while let (Some(front), Some(room)) = (self.chunks.front_mut(), out.get_mut(done..)) {
            let n = front.len().min(room.len());
            if n == 0 {
                break;
            }
            let (head, _) = room.split_at_mut(n);
            front.copy_to_slice(head);
            done = done.saturating_add(n);
            if front.is_empty() {
                self.chunks.pop_front();
            }
        }
        self.len = self.len.saturating_sub(done);
        done
    }

    /// Drops everything; how many bytes that was.
    pub(super) fn clear(&mut self) -> usize {
        self.chunks = VecDeque::new();
        std::mem::take(&mut self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_as_they_went_in() {
        let mut queue = ByteQueue::default();
        let sent: Vec<u8> = (0..20_000_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let mut rest = sent.as_slice();
        for size in [1, 2, 3000, 5, 1, 4096, 0, 900].into_iter().cycle() {
            let (head, tail) = rest.split_at(rest.len().min(size));
            queue.push(head);
            rest = tail;
            if rest.is_empty() {
                break;
            }
        }
        assert_eq!(queue.len(), sent.len());
        let mut got = queue.take(1234).to_vec();
        let mut buffer = [0; 777];
        while !queue.is_empty() {
            let n = queue.read(&mut buffer);
            got.extend_from_slice(&buffer[..n]);
            got.extend_from_slice(&queue.take(100));
        }
        assert_eq!(got, sent);
        assert_eq!(queue.read(&mut buffer), 0);
        assert_eq!(queue.clear(), 0);
    }

    #[test]
    fn small_frames_share_chunks() {
        let mut queue = ByteQueue::default();
        for _ in 0..CHUNK_BYTES * 3 {
            queue.push(b"x");
        }
        assert_eq!(queue.chunks.len(), 3);
    }
}
