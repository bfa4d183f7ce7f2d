//! A process of its own that stores check-ins and says what was acknowledged, so that others can end or disturb it: this test
//! program, run again.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use checkin_api::server::store::Submissions;
use checkin_api::server::{SqlStore, SqliteOptions};

use crate::store_suite::copy;

/// Names the file, the prefix of the hashes and how many clients there are.
const ORDERS: &str = "CHECKIN_CHILD";

/// This program as a child that stores check-ins: `clients` at once, `each` of every one, or without end.
pub(crate) fn child(
    wrapper: &[&str],
    path: &Path,
    prefix: &str,
    clients: usize,
    each: Option<usize>,
) -> Command {
    let this = std::env::current_exe().expect("this program");
    let mut command = match wrapper {
        [] => Command::new(this),
        [program, arguments @ ..] => {
            let mut command = Command::new(program);
            command.args(arguments).arg(this);
            command
        }
    };
    let each = each.map_or("endless".to_owned(), |each| each.to_string());
    command
        .args(["child::stores_until_it_is_ended", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env(ORDERS, format!("{}\n{prefix}\n{clients}\n{each}", path.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

/// The words of a child about check-ins: acknowledged or refused, in its order.
pub(crate) fn said(line: &str) -> Option<(&str, bool)> {
    match line.split_once(' ')? {
        ("stored", hash) => Some((hash, true)),
        ("refused", hash) => Some((hash, false)),
        _ => None,
    }
}

#[test]
#[ignore = "the child of other tests; run by .ci/run"]
fn stores_until_it_is_ended() {
    // Run for its own sake it has no orders.
    let Ok(orders) = std::env::var(ORDERS) else { return };
    let orders: Vec<_> = orders.lines().collect();
    let [path, prefix, clients, each] = orders.as_slice() else { panic!("four lines") };
    let (clients, each) = (clients.parse().expect("a number"), each.parse().unwrap_or(usize::MAX));
    let store = SqlStore::open_sqlite(SqliteOptions::new(path).with_readers(1)).expect("a store");
    println!("open");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let clients: Vec<_> = (0..clients)
            .map(|client: usize| {
                let (store, prefix) = (store.clone(), (*prefix).to_owned());
                async move {
                    for number in 0..each {
                        let hash = format!("{prefix}-{client}-{number}");
                        let stored = store.submit(vec![copy(&hash, "HOWL", None, "k")]).await;
                        let word = if stored.is_ok() { "stored" } else { "refused" };
                        // One write a line: what the parent has read whole was acknowledged.
                        std::io::stdout().write_all(format!("{word} {hash}\n").as_bytes()).expect("a parent");
                    }
                }
            })
            .map(Box::pin)
            .collect();
        futures(clients).await;
    });
}

/// Waits for all of them.
async fn futures<F: Future<Output = ()> + Unpin>(mut all: Vec<F>) {
    std::future::poll_fn(|cx| {
        all.retain_mut(|one| std::pin::Pin::new(one).poll(cx).is_pending());
        if all.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}
