//! A host, an iframe and its wallet, with the browser's part between them played here.

use iframe_messages::client::{Client, ClientConfig, Event, Failure};
use iframe_messages::request::{CreateProcess, UpdateProcess};
use iframe_messages::server::{
    Context, Decision, Lifetimes, Processes, Server, ServerConfig, SigningKey, TokenAuthority, answer,
};
use iframe_messages::wallet::{Process, Wallet, WalletKey};
use iframe_messages::{Call, MessageId, Moment, Origin, ProcessId, Record, Refusal, Reply, Sender, WindowId};
use serde_json::Value;

pub(crate) const HOST: &str = "https://host.example.org";
const WALLET: &str = "https://wallet.example.org";
const PARENT: WindowId = WindowId(1);
const FRAME: WindowId = WindowId(2);

pub(crate) fn record(value: Value) -> Record {
    Record::new(value.as_object().unwrap().clone()).unwrap()
}

pub(crate) fn process(record: &Record) -> Process {
    serde_json::from_value(Value::Object(record.as_map().clone())).unwrap()
}

pub(crate) fn key() -> WalletKey {
    WalletKey::from_bytes([9; 32])
}

/// A wallet whose requests each have their own random bytes.
pub(crate) struct Device {
    pub(crate) wallet: Wallet,
    origin: Origin,
    random: u8,
}

impl Device {
    pub(crate) fn new() -> Self {
        Self { wallet: Wallet::new(key()), origin: HOST.parse().unwrap(), random: 0 }
    }

    pub(crate) fn ask(&mut self, call: Call) -> Result<Reply, Refusal> {
        self.random += 1;
        let context = Context { origin: &self.origin, now: Moment::default(), random: [self.random; 32] };
        answer(&mut self.wallet, call, context)
    }

    pub(crate) fn refusal(&mut self, call: Call) -> String {
        self.ask(call).unwrap_err().to_string()
    }

    /// Pairs it, and gives the pairing.
    pub(crate) fn pair(&mut self) -> String {
        match self.ask(Call::CreatePairing).unwrap() {
            Reply::PairingCreated(created) => created.pairing_id.to_string(),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn create(&mut self, data: Value, private: &[&str], roles: Value) -> (ProcessId, Process) {
        match self.ask(create(data, private, roles)).unwrap() {
            Reply::ProcessCreated(created) => {
                let created = created.process_created;
                (created.process_id, process(&created.process))
            }
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn update(
        &mut self,
        id: ProcessId,
        data: Value,
        private: &[&str],
        roles: Option<Value>,
    ) -> Process {
        match self.ask(update(id, data, private, roles)).unwrap() {
            Reply::ProcessUpdated(updated) => process(&updated.updated_process),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn snapshot(&self) -> Record {
        self.wallet.processes().unwrap()
    }
}

pub(crate) fn create(data: Value, private: &[&str], roles: Value) -> Call {
    let private_fields = private.iter().map(|name| (*name).to_owned()).collect();
    Call::CreateProcess(CreateProcess { process_data: record(data), private_fields, roles: record(roles) })
}

pub(crate) fn update(process_id: ProcessId, data: Value, private: &[&str], roles: Option<Value>) -> Call {
    let private_fields = private.iter().map(|name| (*name).to_owned()).collect();
    let (new_data, roles) = (record(data), roles.map(record));
    Call::UpdateProcess(UpdateProcess { process_id, new_data, private_fields, roles })
}

/// Both ends, and what a browser does between them.
pub(crate) struct Browser {
    pub(crate) client: Client,
    pub(crate) server: Server<TokenAuthority>,
    pub(crate) device: Device,
    pub(crate) now: Moment,
    random: u8,
}

impl Browser {
    pub(crate) fn new() -> Self {
        let now = Moment::from_millis(1_700_000_000_000);
        let authority = TokenAuthority::new(SigningKey::from_bytes([3; 32]), Lifetimes::default());
        let config = ServerConfig::new(PARENT, [HOST.parse().unwrap()]);
        let prefix = MessageId::new("h-").unwrap();
        Self {
            client: Client::new(ClientConfig::new(WALLET.parse().unwrap(), FRAME, &prefix)),
            server: Server::new(config, authority, now),
            device: Device::new(),
            now,
            random: 100,
        }
    }

    /// Carries messages until nobody says anything.
    pub(crate) fn run(&mut self) {
        loop {
            let mut quiet = true;
            while let Some(output) = self.server.poll_output() {
                quiet = false;
                // A browser gives a message to a page of the target origin only.
                assert_eq!(output.target_origin.as_str(), HOST);
                let sender = Sender { origin: WALLET, window: FRAME };
                self.client.handle(sender, &output.message.encode(), self.now);
            }
            while let Some(output) = self.client.poll_output() {
                quiet = false;
                assert_eq!(output.target_origin.as_str(), WALLET);
                let sender = Sender { origin: HOST, window: PARENT };
                self.server.handle(sender, &output.message.encode(), self.now);
            }
            while let Some(consent) = self.server.poll_consent() {
                self.random += 1;
                assert!(self.server.decide(consent.ticket, Decision::Granted, [self.random; 32], self.now));
            }
            let random = &mut self.device.random;
            let next = || {
                *random += 1;
                [*random; 32]
            };
            self.server.serve(&mut self.device.wallet, next, self.now);
            if quiet {
                return;
            }
        }
    }

    pub(crate) fn outcome(&mut self) -> Result<Reply, Failure> {
        self.run();
        let events = std::iter::from_fn(|| self.client.poll_event());
        let outcomes = events.filter_map(|event| match event {
            Event::Finished { outcome, .. } => Some(outcome),
            _ => None,
        });
        let mut outcomes: Vec<_> = outcomes.collect();
        assert_eq!(outcomes.len(), 1, "{outcomes:?}");
        outcomes.remove(0)
    }

    pub(crate) fn call(&mut self, call: Call) -> Reply {
        self.client.call(call, self.now).unwrap();
        self.outcome().unwrap()
    }
}
