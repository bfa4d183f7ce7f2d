//! The agent at a real Mosquitto, seen by Mosquitto's own clients, in both versions of the protocol.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use ipwatch_mqtt::Status;
use ipwatch_mqtt::agent::driver::{Agent, Announcement, DriverEvent, Machine};
use ipwatch_mqtt::agent::{AgentSettings, PowerAction};
use ipwatch_mqtt::mqtt::{Ended, Password, Settings, Version};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::mosquitto::{Mosquitto, PATIENCE};

const BOTH: [Version; 2] = [Version::V3, Version::V5];

/// A machine that writes down what it was told, and stays up.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<PowerAction>>>);

impl Recorder {
    fn actions(&self) -> Vec<PowerAction> {
        self.0.lock().unwrap().clone()
    }
}

impl Machine for Recorder {
    async fn figures(&self) -> Status {
        Status { hostname: Some("server-01".to_owned()), uptime: Some(86_400), ..Status::default() }
    }

    async fn power(&self, action: PowerAction) -> Result<(), String> {
        self.0.lock().unwrap().push(action);
        Err("this is a rehearsal".to_owned())
    }

    async fn announced(&self) -> Announcement {
        std::future::pending().await
    }

    async fn let_go(&self) {}
}

/// An agent that runs.
struct Running {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
    events: mpsc::UnboundedReceiver<DriverEvent>,
}

struct Stage {
    runtime: Runtime,
    folder: tempfile::TempDir,
    recorder: Recorder,
    login: Option<(String, Password)>,
    version: Version,
}

impl Stage {
    fn new(version: Version) -> Self {
        Self {
            runtime: Runtime::new().unwrap(),
            folder: tempfile::tempdir().unwrap(),
            recorder: Recorder::default(),
            login: None,
            version,
        }
    }

    fn memory(&self) -> PathBuf {
        self.folder.path().join("commands.json")
    }

    fn start(&self, port: u16) -> Running {
        let settings = AgentSettings::new("192.0.2.10".parse().unwrap(), 1);
        let mut broker = Settings::plain("127.0.0.1", port);
        broker.client_id = "agent-192-0-2-10".to_owned();
        (broker.version, broker.login) = (self.version, self.login.clone());
        let agent = Agent::new(settings, broker, self.recorder.clone(), self.memory()).unwrap();
        let (stop, stopped) = oneshot::channel();
        let (tell, events) = mpsc::unbounded_channel();
        let task = self.runtime.spawn(agent.run(
            async move {
                let _ = stopped.await;
            },
            move |event| drop(tell.send(event)),
        ));
        Running { stop: Some(stop), task, events }
    }

    /// Until the agent tells this.
    fn wait_for(&self, agent: &mut Running, wanted: impl Fn(&DriverEvent) -> bool) {
        self.runtime.block_on(async {
            tokio::time::timeout(PATIENCE, async {
                while !wanted(&agent.events.recv().await.expect("the agent runs")) {}
            })
            .await
            .expect("the event within the time");
        });
    }

    fn stop(&self, mut agent: Running) {
        drop(agent.stop.take());
        self.runtime.block_on(async {
            tokio::time::timeout(PATIENCE, agent.task).await.expect("the agent ends").unwrap();
        });
    }
}

/// A command as the document's backend gives it, now.
fn command(name: &str) -> String {
    format!("{{\"command\":\"{name}\",\"timestamp\":\"{}\"}}", jiff::Timestamp::now())
}

const COMMAND: &str = "ipwatch/device/192.0.2.10/command";
const RESPONSE: &str = "ipwatch/device/192.0.2.10/response";
const AVAILABILITY: &str = "ipwatch/device/192.0.2.10/availability";
const STATUS: &str = "ipwatch/device/192.0.2.10/status";

/// Source: ipwatch §2.2, §3.1: each row, with its quality of service and its retain bit, and in the document's order.
#[test]
#[ignore = "needs mosquitto; run by .ci/run"]
fn each_topic_and_the_way_down() {
    for version in BOTH {
        let (broker, stage) = (Mosquitto::open(), Stage::new(version));
        let observer = broker.listen();
        let agent = stage.start(broker.port);
        assert_eq!(observer.next(), format!("{AVAILABILITY} q1 r1 online"));
        let status = observer.next();
        assert!(
            status.starts_with(&format!("{STATUS} q1 r0 {{\"hostname\":\"server-01\",\"ip\":\"192.0.2.10\"")),
            "{status}"
        );

        broker.publish(COMMAND, &command("status"), &[]);
        assert!(observer.next().starts_with(COMMAND));
        assert!(observer.next().starts_with(STATUS));
        assert!(observer.next().starts_with(&format!("{RESPONSE} q1 r0 {{\"success\":true")));

        broker.publish(COMMAND, &command("shutdown"), &[]);
        assert!(observer.next().starts_with(COMMAND));
        let response = observer.next();
        assert!(response.starts_with(&format!("{RESPONSE} q1 r0 {{\"success\":true")), "{response}");
        assert_eq!(observer.next(), format!("{AVAILABILITY} q1 r1 offline"));
        // Source: ipwatch §4.3: this machine stays up, and says so.
        assert_eq!(observer.next(), format!("{AVAILABILITY} q1 r1 online"));
        let failed = observer.next();
        assert!(failed.starts_with(&format!("{RESPONSE} q1 r0 {{\"success\":false")), "{failed}");
        assert_eq!(stage.recorder.actions(), [PowerAction::PowerOff]);

        stage.stop(agent);
        assert_eq!(observer.next(), format!("{AVAILABILITY} q1 r1 offline"));
    }
}

/// Source: ipwatch §4.1.
#[test]
#[ignore = "needs mosquitto; run by .ci/run"]
fn a_lost_agent_is_offline() {
    for version in BOTH {
        let (broker, stage) = (Mosquitto::open(), Stage::new(version));
        let observer = broker.listen();
        let agent = stage.start(broker.port);
        assert_eq!(observer.next_on(AVAILABILITY), format!("{AVAILABILITY} q1 r1 online"));
        // Its connection ends without a word.
        agent.task.abort();
        drop(stage);
        assert_eq!(observer.next_on(AVAILABILITY), format!("{AVAILABILITY} q1 r1 offline"));
    }
}

#[test]
#[ignore = "needs mosquitto; run by .ci/run"]
fn a_broker_that_restarts_finds_the_agent_again() {
    for version in BOTH {
        let (mut broker, stage) = (Mosquitto::open(), Stage::new(version));
        let mut agent = stage.start(broker.port);
        stage.wait_for(&mut agent, |event| *event == DriverEvent::Connected);
        for _ in 0..2 {
            broker.kill();
            stage.wait_for(&mut agent, |event| matches!(event, DriverEvent::Away(..)));
            broker.start();
            let observer = broker.listen();
            stage.wait_for(&mut agent, |event| *event == DriverEvent::Connected);
            assert_eq!(observer.next_on(AVAILABILITY), format!("{AVAILABILITY} q1 r1 online"));
            // It is subscribed again.
            observer.next_on(STATUS);
            broker.publish(COMMAND, &command("status"), &[]);
            observer.next_on(RESPONSE);
        }
        stage.stop(agent);
    }
}

/// M1: a retained shutdown waits for the agent, twenty times, and is cleared each time.
#[test]
#[ignore = "needs mosquitto; run by .ci/run"]
fn a_retained_command_is_never_carried_out() {
    for version in BOTH {
        let (broker, stage) = (Mosquitto::open(), Stage::new(version));
        let observer = broker.listen();
        for _ in 0..20 {
            broker.publish(COMMAND, &command("shutdown"), &["-r"]);
            assert!(observer.next_on(COMMAND).contains("shutdown"));
            let agent = stage.start(broker.port);
            assert_eq!(observer.next_on(COMMAND), format!("{COMMAND} q1 r1 "));
            stage.stop(agent);
        }
        assert_eq!(stage.recorder.actions(), []);
    }
}

/// M1: on MQTT 5 a command with the retain bit is known for one even while the agent is there.
#[test]
#[ignore = "needs mosquitto; run by .ci/run"]
fn a_command_that_is_to_be_kept_is_not_carried_out_at_once_either() {
    let (broker, stage) = (Mosquitto::open(), Stage::new(Version::V5));
    let observer = broker.listen();
    let agent = stage.start(broker.port);
    observer.next_on(STATUS);
    broker.publish(COMMAND, &command("shutdown"), &["-r"]);
    assert!(observer.next_on(COMMAND).contains("shutdown"));
    assert_eq!(observer.next_on(COMMAND), format!("{COMMAND} q1 r1 "));
    stage.stop(agent);
    assert_eq!(stage.recorder.actions(), []);
}

/// M2: the same message a thousand times, and once more after a restart of the agent.
#[test]
#[ignore = "needs mosquitto; run by .ci/run"]
fn a_replayed_command_is_carried_out_once() {
    for version in BOTH {
        let (broker, stage) = (Mosquitto::open(), Stage::new(version));
        let observer = broker.listen();
        let agent = stage.start(broker.port);
        observer.next_on(STATUS);
        let recorded = command("reboot");
        broker.publish(COMMAND, &recorded, &[]);
        assert!(observer.next_on(RESPONSE).contains("\"success\":true"));
        assert!(observer.next_on(RESPONSE).contains("power_failed"));
        broker.publish(COMMAND, &recorded, &["--repeat", "1000"]);
        for _ in 0..1000 {
            assert!(observer.next_on(RESPONSE).contains("\"code\":\"seen\""));
        }
        stage.stop(agent);
        observer.next_on(AVAILABILITY);
        let agent = stage.start(broker.port);
        observer.next_on(STATUS);
        broker.publish(COMMAND, &recorded, &[]);
        assert!(observer.next_on(RESPONSE).contains("\"code\":\"seen\""));
        stage.stop(agent);
        assert_eq!(stage.recorder.actions(), [PowerAction::Reboot]);
    }
}

#[test]
#[ignore = "needs mosquitto; run by .ci/run"]
fn a_wrong_password_is_told_apart_from_a_broker_that_is_away() {
    let broker = Mosquitto::with("", &[("192-0-2-10", "right")]);
    for version in BOTH {
        for (password, is_right) in [("wrong", false), ("right", true)] {
            let mut stage = Stage::new(version);
            stage.login = Some(("192-0-2-10".to_owned(), Password::new(password)));
            let mut agent = stage.start(broker.port);
            stage.wait_for(&mut agent, |event| match is_right {
                true => *event == DriverEvent::Connected,
                false => matches!(event, DriverEvent::Away(Ended::Refused, _)),
            });
            stage.stop(agent);
        }
    }
}
