//! The Meeting server goes away and comes back.

use proxy::{Event, Reason};

use crate::stage::{Stage, echo, visit};

#[tokio::test]
async fn devices_stay_new_ones_wait_and_all_is_well_when_meeting_is_back() {
    let mut stage = Stage::new().await;
    let service = echo().await;
    for key in ["d", "e"] {
        stage.meeting.device(key, "c0ffee");
    }
    stage.meeting.tunnel("d", 9050, service, None);
    stage.expect(|event| *event == Event::MeetingReachable).await;
    let _agent = stage.agent("d", "c0ffee", &[service]).await.unwrap();
    let address = stage.tunnel_up(9050).await;

    stage.meeting.set_down(true);
    stage.expect(|event| matches!(event, Event::MeetingUnreachable { .. })).await;
    assert_eq!(stage.refusal("e", "c0ffee").await, Reason::MeetingUnavailable);
    assert_eq!(visit(address, b"still here").await.unwrap(), b"still here");

    stage.meeting.set_down(false);
    stage.expect(|event| *event == Event::MeetingReachable).await;
    stage.agent("e", "c0ffee", &[]).await.unwrap();
    let lost = |event: &Event| matches!(event, Event::DeviceDisconnected { .. } | Event::TunnelDown { .. });
    assert!(!stage.untaken().iter().any(lost));
}

/// A proxy whose own secret is withdrawn keeps its sessions and says why new ones fail.
#[tokio::test]
async fn a_server_that_tells_tokens_no_more_ends_no_session() {
    let mut stage = Stage::new().await;
    stage.meeting.device("d", "c0ffee");
    let agent = stage.agent("d", "c0ffee", &[]).await.unwrap();
    stage.meeting.set_mute(true);
    stage.meeting.listed_again().await;
    assert_eq!(stage.refusal("d", "c0ffee").await, Reason::TokenCheckUnavailable);
    assert!(!stage.untaken().iter().any(|event| matches!(event, Event::DeviceDisconnected { .. })));
    agent.leave().await;
}

/// Many attempts for one device ask once.
#[tokio::test]
async fn an_answer_serves_for_a_moment() {
    let stage = Stage::with(|config| {
        config.meeting.cache = daemon::config::Period::from_secs(60);
        config.meeting.recheck_interval = daemon::config::Period::from_secs(3600);
    })
    .await;
    for _ in 0..5 {
        assert_eq!(stage.refusal("nobody", "c0ffee").await, Reason::DeviceNotFound);
    }
    assert_eq!(stage.meeting.requests("/api/devices/nobody"), 1);
}
