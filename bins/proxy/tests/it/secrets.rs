//! Row T11: no secret in any log, metric, event or printed setting.

use std::net::{Ipv4Addr, SocketAddr};

use daemon::logging::LogFormat;
use daemon::logging::testing::{assert_no_secret, capture};

use crate::admin::{admin, get};
use crate::fake_meeting::PROXY_SECRET;
use crate::stage::{Stage, echo, visit};

const TOKEN: &str = "canary-token-4b2a";
const WRONG: &str = "canary-wrong-9c3d";

#[tokio::test]
async fn t11_no_secret_in_log_metrics_events_and_settings() {
    for format in [LogFormat::Text, LogFormat::Json] {
        let log = capture("trace", format);
        let mut stage = Stage::with(|config| {
            config.admin.listen = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())
        })
        .await;
        let address = admin(&mut stage).await;
        let service = echo().await;
        stage.meeting.device("d", TOKEN);
        stage.meeting.tunnel("d", 9050, service, None);
        for _ in 0..7 {
            stage.refusal("d", WRONG).await;
        }
        let from_elsewhere = [127, 0, 2, 1].into();
        let agent = stage.agent_from(from_elsewhere, "d", TOKEN, &[service]).await.unwrap();
        let public = stage.tunnel_up(9050).await;
        visit(public, b"hello").await.unwrap();
        stage.meeting.set_mute(true);
        stage.refusal_from(from_elsewhere, "d", WRONG).await;
        stage.meeting.set_down(true);
        stage.refusal_from(from_elsewhere, "d", TOKEN).await;
        stage.meeting.set_down(false);
        stage.meeting.set_mute(false);
        stage.meeting.listed_again().await;
        stage.meeting.change("d", |device| device.token = format!("{TOKEN}-new"));
        stage.disconnected().await;
        agent.ended().await;
        let (_, metrics) = get(address, "/metrics").await;
        let events = format!("{:?}", stage.untaken());
        let settings = format!("{:?}", stage.config);
        stage.finish().await.unwrap();
        let log = log.text();
        // The positive control: the log did hear of all this.
        for word in ["device connected", "invalid_token", "locked_out", "visitor left", "token_changed"] {
            assert!(log.contains(word), "the log does not say {word:?}");
        }
        for secret in [TOKEN, WRONG, PROXY_SECRET] {
            for output in [&log, &metrics, &events, &settings] {
                assert_no_secret(output, secret);
            }
        }
    }
}
