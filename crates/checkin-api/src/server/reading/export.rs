//! All check-ins of a filter, streamed piece by piece: memory holds a few pieces, however many there are, and no transaction stays
//! open for a slow reader.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Response;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::sync::mpsc;

use super::query::Query;
use super::{lists, period, streamed};
use crate::Refusal;
use crate::reading::Listed;
use crate::server::reply::{ReplyBody, unavailable};
use crate::server::service::Call;
use crate::server::store::{CheckInStore, Direction, Filter, PageRequest, Record, StoreError};

/// Check-ins that are read at a time.
const PIECE: u32 = 200;
/// Pieces that are ready before the reader wants them.
const AHEAD: usize = 2;

const CSV_HEADER: [&str; 9] = [
    "packet_hash",
    "username",
    "message",
    "channel",
    "timestamp",
    "source_bot",
    "received_at",
    "key",
    "heard_by",
];

pub(super) async fn csv<S: CheckInStore>(
    call: &Call<'_, S>,
    query: Query,
) -> Result<Response<ReplyBody>, Refusal> {
    let mut header = String::new();
    super::csv::line(&mut header, CSV_HEADER);
    let body = export(call, query, header, csv_line).await?;
    Ok(streamed(body, "text/csv; charset=utf-8; header=present", "attachment; filename=\"check-ins.csv\""))
}

pub(super) async fn json_lines<S: CheckInStore>(
    call: &Call<'_, S>,
    query: Query,
) -> Result<Response<ReplyBody>, Refusal> {
    let body = export(call, query, String::new(), json_line).await?;
    Ok(streamed(body, "application/x-ndjson", "attachment; filename=\"check-ins.jsonl\""))
}

fn csv_line(out: &mut String, listed: &Listed) {
    let heard_by: Vec<_> = listed.heard_by.iter().map(|hearing| hearing.bot.as_str()).collect();
    let (received_at, heard_by) = (listed.received_at.to_string(), heard_by.join("; "));
    super::csv::line(
        out,
        [
            listed.packet_hash.as_str(),
            &listed.username,
            &listed.message,
            &listed.channel,
            &listed.timestamp,
            listed.source_bot.as_deref().unwrap_or_default(),
            &received_at,
            &listed.key,
            &heard_by,
        ],
    );
}

fn json_line(out: &mut String, listed: &Listed) {
    // Texts and lists of texts: there is nothing that JSON could not hold.
    out.push_str(&serde_json::to_string(listed).unwrap_or_default());
    out.push('\n');
}

type Writer = fn(&mut String, &Listed);

/// The body of an export: oldest first, and nothing that arrived after it began.
async fn export<S: CheckInStore>(
    call: &Call<'_, S>,
    mut query: Query,
    header: String,
    write: Writer,
) -> Result<ReplyBody, Refusal> {
    let filter = period::filter(&mut query)?;
    query.finish()?;
    let store = call.shared.store.clone();
    let state = store.state().await.map_err(|error| unavailable(&error))?;
    let mut pieces = Pieces { store, filter, after: None, newest: state.newest };
    // The first piece is read before the answer begins, so that a store that fails is a 503 and not a torso.
    let first = pieces.next().await.map_err(|error| unavailable(&error))?;
    let (give, take) = mpsc::channel(AHEAD);
    if call.parts.method != http::Method::HEAD {
        tokio::spawn(send(pieces, header, first, write, give));
    }
    Ok(Stream(take).boxed_unsync())
}

struct Pieces<S> {
    store: S,
    filter: Filter,
    after: Option<crate::server::store::Position>,
    newest: i64,
}

impl<S: CheckInStore> Pieces<S> {
    async fn next(&mut self) -> Result<Vec<Record>, StoreError> {
        let page = PageRequest {
            direction: Direction::OldestFirst,
            after: self.after,
            newest: Some(self.newest),
            limit: PIECE,
        };
        let records = self.store.records(self.filter.clone(), page).await?;
        self.after = records.last().map(|record| record.position).or(self.after);
        Ok(records)
    }
}

/// Writes piece after piece until there is none, or nobody reads any more.
async fn send<S: CheckInStore>(
    mut pieces: Pieces<S>,
    header: String,
    first: Vec<Record>,
    write: Writer,
    give: mpsc::Sender<io::Result<Bytes>>,
) {
    let (mut out, mut records) = (header, first);
    loop {
        let last = records.len() < usize::try_from(PIECE).unwrap_or(usize::MAX);
        for record in records {
            write(&mut out, &lists::listed(record));
        }
        let piece = Bytes::from(std::mem::take(&mut out));
        if (!piece.is_empty() && give.send(Ok(piece)).await.is_err()) || last {
            return;
        }
        records = match pieces.next().await {
            Ok(records) => records,
            Err(error) => {
                tracing::error!(%error, "an export breaks off: the store fails");
                // The reader sees a body that does not end, and not one that seems whole.
                let _ = give.send(Err(io::Error::other("the store fails"))).await;
                return;
            }
        };
    }
}

struct Stream(mpsc::Receiver<io::Result<Bytes>>);

impl Body for Stream {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}
