//! A million streams in a process of its own, whose resident memory is looked at before and after (threat T6).

use std::process::Command;
use std::time::Instant;
use tunnel_frame::mux::{Event, MuxConfig, Role, Session};

const INSIDE: &str = "TUNNEL_FRAME_CHURN_PROCESS";

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn pass(from: &mut Session, to: &mut Session, now: Instant) {
    let mut wire = Vec::new();
    while let Some(output) = from.poll_output(now) {
        wire.extend_from_slice(output.head());
        wire.extend_from_slice(output.payload());
    }
    assert_eq!(to.handle(&wire, now).unwrap(), wire.len());
}

fn churn(proxy: &mut Session, agent: &mut Session, streams: u32, now: Instant) {
    for _ in 0..streams {
        let key = proxy.open(22, None, now).unwrap();
        proxy.write(key, b"ping", now).unwrap();
        pass(proxy, agent, now);
        while let Some(event) = agent.poll_event() {
            if let Event::Opened { stream, .. } = event {
                agent.write(stream, b"pong", now).unwrap();
                agent.release(stream);
            }
        }
        pass(agent, proxy, now);
        while proxy.poll_event().is_some() {}
        proxy.release(key);
        pass(proxy, agent, now);
    }
}

#[test]
#[ignore = "takes a process of its own and ten seconds; run by .ci/run"]
fn t6_a_million_streams_leave_no_memory_behind() {
    if std::env::var_os(INSIDE).is_none() {
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args([
            "--ignored",
            "--exact",
            "--nocapture",
            "churn::t6_a_million_streams_leave_no_memory_behind",
        ]);
        assert!(again.env(INSIDE, "1").status().unwrap().success());
        return;
    }
    let now = Instant::now();
    let mut proxy = Session::new(Role::Proxy, MuxConfig::default(), now);
    let mut agent = Session::new(Role::Agent, MuxConfig::default(), now);
    churn(&mut proxy, &mut agent, 20_000, now);
    let before = resident();
    churn(&mut proxy, &mut agent, 1_000_000, now);
    let after = resident();
    eprintln!("a million streams: {before} -> {after} KiB");
    assert!(after <= before + before / 20, "{before} -> {after} KiB");
    for session in [&proxy, &agent] {
        assert_eq!((session.counters().streams, session.counters().held_bytes), (0, 0));
        assert_eq!(session.counters().opened, 1_020_000);
    }
}
